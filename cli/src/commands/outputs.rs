//! `jewelctl outputs`: names and addresses, for people and for scripts.

use serde_json::Value;

use crate::Run;
use crate::args::OutputsArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::Shop;

/// Prints them.
pub async fn run(run: &Run, args: &OutputsArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    if args.ci_policy {
        return ci_policy(run, &shop);
    }
    let outputs = shop.outputs().await?;
    let mut object = serde_json::Map::new();
    object.insert("url".into(), shop.url(&outputs).await?.into());
    let rest = serde_json::to_value(&outputs).map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    object.extend(rest.as_object().cloned().unwrap_or_default());
    run.ui.result(&object, || {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        ui::table(["name", "value"], object.iter().map(|(name, value)| [name.clone(), text(value)]))
    });
    Ok(Exit::Done)
}

/// The documents of the pipeline's role.
fn ci_policy(run: &Run, shop: &Shop) -> Outcome {
    let Some(documents) = jewel_aws::ci_documents(&shop.spec()) else {
        let failure = Failure::new(Exit::Usage, "the settings know no pipeline");
        return Err(failure.hint("say whose jobs may deploy: `[ci]` and `repository = \"owner/name\"` in jewel.toml"));
    };
    run.ui.result(&documents, || {
        let text = serde_json::to_value(&documents).map(|value| format!("{value:#}"));
        text.unwrap_or_default()
    });
    Ok(Exit::Done)
}
