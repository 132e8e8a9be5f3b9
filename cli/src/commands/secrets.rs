//! `jewelctl secrets`: which secrets the API has, and giving it those that only an operator has.
//!
//! A value comes by the standard input or by a prompt that does not show it: arguments are seen by everyone on the
//! machine, and by the record of the run.

mod credentials;

use std::io::{IsTerminal as _, Read as _};
use std::time::Duration;

use jewel_aws::SecretPart;
use jewel_runbooks::secrets::{SecretChange, SecretSet, SecretState, change, forget, list};
use secrecy::SecretString;
use serde_json::json;

use crate::Run;
use crate::args::{Rotating, SecretOptions, SecretsCommand};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::{Shop, lock};

/// More than any secret has, in bytes.
const LONGEST_INPUT: u64 = 4096;

/// What comes after a change.
const DELIVER: &str = "`jewelctl deploy api` delivers it";

/// Runs one of them.
pub async fn run(run: &Run, command: SecretsCommand) -> Outcome {
    match command {
        SecretsCommand::List => show(run).await,
        SecretsCommand::Set { name, options } => {
            let part = SecretPart::from(name);
            // What is no key is said before anything is asked of the cloud.
            let wanted = SecretChange::given(part, value(run, part)?, options.only)?;
            apply(run, &wanted, options).await
        }
        SecretsCommand::Rotate { name, options } => match name {
            Rotating::Cart => apply(run, &SecretChange::random(SecretPart::Cart, options.only), options).await,
            Rotating::Origin => apply(run, &SecretChange::random(SecretPart::Origin, options.only), options).await,
            Rotating::AwsKey => credentials::aws_key(run, options.dry_run).await,
            Rotating::Database => credentials::database(run, options.dry_run).await,
        },
        SecretsCommand::Forget { name, dry_run } => forget_former(run, name.into(), dry_run).await,
    }
}

async fn show(run: &Run) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let secrets = list(&shop.clients, &outputs.api_secret).await?;
    run.ui.result(&json!({ "secrets": secrets }), || {
        ui::table(["secret", "values", "set", "on the instances"], secrets.iter().map(row))
    });
    Ok(Exit::Done)
}

fn row(secret: &SecretState) -> [String; 4] {
    let (set, there) = match (secret.values, secret.delivered) {
        (0, _) => (None, if secret.given { "-" } else { "missing; `jewelctl provision` makes it" }),
        (_, true) => (secret.set_at, "yes"),
        (_, false) => (secret.set_at, "no; `jewelctl deploy api` delivers it"),
    };
    let set = set.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string());
    [secret.name.name().to_owned(), secret.values.to_string(), set, there.to_owned()]
}

async fn apply(run: &Run, wanted: &SecretChange, options: SecretOptions) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let change = async |dry_run: bool| change(&shop.clients, &outputs.api_secret, wanted, dry_run).await;
    let done = if options.dry_run {
        change(true).await?
    } else {
        // The document is read, changed and written whole; a provision may be doing the same.
        lock::holding(run, &shop, Duration::ZERO, async |_| Ok(change(false).await?)).await?
    };
    let result = json!({ "secret": done, "written": done.changed && !options.dry_run });
    run.ui.result(&result, || describe(&done, options.dry_run));
    Ok(Exit::Done)
}

async fn forget_former(run: &Run, part: SecretPart, dry_run: bool) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let (secret, door) = (&outputs.api_secret, &outputs.distribution_id);
    let forget = async |dry_run: bool| forget(&shop.clients, secret, door, part, dry_run).await;
    let done = if dry_run {
        forget(true).await?
    } else {
        lock::holding(run, &shop, Duration::ZERO, async |_| Ok(forget(false).await?)).await?
    };
    run.ui.result(&json!({ "secret": done, "written": done.changed && !dry_run }), || {
        let name = done.name.name();
        match (done.changed, dry_run) {
            (false, _) => format!("{name} has one value or none"),
            (true, true) => format!("the value of {name} before the newest would be forgotten"),
            (true, false) => format!("the value of {name} before the newest is forgotten; {DELIVER}"),
        }
    });
    Ok(Exit::Done)
}

fn describe(done: &SecretSet, dry_run: bool) -> String {
    let name = done.name.name();
    if !done.changed {
        return format!("{name} is set to this already");
    }
    let verb = if dry_run { "would be set" } else { "is set" };
    let also = if done.values > 1 { "; the value before it is accepted too" } else { "" };
    let test = if done.test_mode { "; it is a key of Stripe's test mode, which moves no money" } else { "" };
    let next = match (dry_run, done.name) {
        (true, _) => String::new(),
        (false, SecretPart::Origin) => format!("; {DELIVER}, then `jewelctl provision` has the front door show it"),
        (false, _) => format!("; {DELIVER}"),
    };
    format!("{name} {verb}{also}{test}{next}")
}

/// The value, from where nobody else sees it.
fn value(run: &Run, part: SecretPart) -> Result<SecretString, Failure> {
    let name = part.name();
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return run.ui.hidden(name);
    }
    let mut text = String::new();
    let read = stdin.lock().take(LONGEST_INPUT).read_to_string(&mut text);
    read.map_err(|error| Failure::from_error(Exit::Failed, &error).while_doing("reading the standard input"))?;
    match text.trim() {
        "" => Err(Failure::new(Exit::Usage, format!("no value of {name} came by the standard input")).hint(format!(
            "run it on a terminal to be asked, or send the value: `jewelctl secrets set {name} < FILE`"
        ))),
        value => Ok(value.into()),
    }
}
