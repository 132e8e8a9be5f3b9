//! `jewelctl backup`: copies of the database that need neither Lightsail nor this program to be read.

mod create;
mod list;
mod prune;
mod verify;

use jewel_backup::{State, Summary};
use jewel_runbooks::backup::{Backups, Keys, keys, make_recovery_key};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::Run;
use crate::args::BackupCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::{Shop, lock};

/// Runs one of them.
pub async fn run(run: &Run, command: BackupCommand) -> Outcome {
    match command {
        BackupCommand::Create(args) => create::run(run, &args).await,
        BackupCommand::List => list::list(run).await,
        BackupCommand::Show { id } => list::show(run, id.as_deref()).await,
        BackupCommand::Verify(args) => verify::run(run, &args).await,
        BackupCommand::Prune(args) => prune::run(run, args).await,
        BackupCommand::RecoveryKey { dry_run } => recovery_key(run, dry_run).await,
    }
}

/// A shop with what its backups are made and read with.
pub(crate) struct Kept {
    /// Where they are.
    pub(crate) backups: Backups,
    /// What they are made and read with.
    pub(crate) keys: Keys,
}

impl Kept {
    /// Reads the keys, which the first use makes.
    pub(crate) async fn open(shop: &Shop, outputs: &jewel_aws::Outputs) -> Result<Self, Failure> {
        let keys = keys(&shop.clients, outputs).await?;
        Ok(Self { backups: Backups::of(&shop.clients, outputs), keys })
    }

    /// All there are, the oldest first.
    pub(crate) async fn all(&self) -> Result<Vec<Summary>, Failure> {
        Ok(jewel_backup::list(&self.backups, &self.keys.seal).await.map_err(jewel_runbooks::Error::from)?)
    }

    /// The newest that is whole, with its time.
    pub(crate) async fn newest(&self) -> Result<Option<(String, Timestamp)>, Failure> {
        let whole = |one: Summary| match one.state {
            State::Complete(manifest) => Some((one.id, manifest.at)),
            _ => None,
        };
        Ok(self.all().await?.into_iter().rev().find_map(whole))
    }

    /// The newest that was finished, whole or not.
    pub(crate) async fn last(&self) -> Result<Option<String>, Failure> {
        let finished = |one: Summary| match one.state {
            State::Unfinished => None,
            _ => Some(one.id),
        };
        Ok(self.all().await?.into_iter().rev().find_map(finished))
    }

    /// The one of this name, or the newest that is whole.
    pub(crate) async fn id(&self, named: Option<&str>) -> Result<String, Failure> {
        let see = "`jewelctl backup list` shows them";
        let Some(name) = named else {
            let newest = self.newest().await?.map(|(id, _)| id);
            return newest.ok_or_else(|| {
                Failure::new(Exit::Usage, "there is no backup yet").hint("`jewelctl backup create` makes one")
            });
        };
        let all = self.all().await?;
        let found: Vec<&Summary> = all.iter().filter(|one| one.id.starts_with(name)).collect();
        match found.as_slice() {
            [one] => Ok(one.id.clone()),
            [] => Err(Failure::new(Exit::Usage, format!("there is no backup {name}")).hint(see)),
            _ => Err(Failure::new(Exit::Usage, format!("several backups begin with {name}")).hint(see)),
        }
    }
}

async fn recovery_key(run: &Run, dry_run: bool) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let secret = &outputs.backup_secret;
    if dry_run {
        run.ui.result(&json!({ "would_change": secret }), || {
            format!("would make a key and note in {secret} that backups are encrypted to it too")
        });
        return Ok(Exit::Done);
    }
    let question = "Make a new recovery key? The one before reads only the backups made until now.";
    run.ui.consent(question)?;
    let work = async |_: &jewel_engine::Held| Ok(make_recovery_key(&shop.clients, &outputs).await?);
    let key = lock::holding(run, &shop, std::time::Duration::ZERO, work).await?;
    let shown = key.identity.expose_secret();
    run.ui.result(&json!({ "identity": shown, "recipient": key.recipient }), || {
        format!(
            "# Reads every backup of {} that is made from now on: `age -d -i THIS_FILE`.\n# It is kept nowhere else.\n\
             # public key: {}\n{shown}",
            shop.settings.name(),
            key.recipient
        )
    });
    Ok(Exit::Done)
}
