//! `jewelctl restore list`: the restores that there were, and how far each came.

use jewel_runbooks::restore::{Restore, RestoreStore};
use serde_json::json;

use crate::Run;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::ui;
use crate::wiring::Shop;

/// Prints them, the oldest first.
pub(super) async fn run(run: &Run) -> Outcome {
    let shop = Shop::open(run).await?;
    let restores = RestoreStore::new(&shop.spec(), &shop.clients).all().await?;
    run.ui.result(&json!({ "restores": restores }), || {
        if restores.is_empty() {
            return "nothing was ever restored".to_owned();
        }
        let row = |restore: &Restore| {
            [
                restore.id.clone(),
                format!("{} -> {}", restore.previous, restore.target),
                restore.source.to_string(),
                state(restore),
            ]
        };
        ui::table(["restore", "what", "made of", "state"], restores.iter().map(row))
    });
    Ok(Exit::Done)
}

fn state(restore: &Restore) -> String {
    match restore.next() {
        None if restore.abandoned => "given up".to_owned(),
        None => {
            let took: u64 = restore.done.iter().map(|done| done.took_ms).sum();
            format!("done in {:.0} s", took as f64 / 1e3)
        }
        Some(step) => format!("cut off before `{}`", step.title()),
    }
}
