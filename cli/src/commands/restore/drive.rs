//! The steps of a restore, done one after the other and written down.

use std::time::Instant;

use jewel_engine::Held;
use jewel_runbooks::restore::{Restore, RestoreStore, Step, Subject};
use serde_json::json;

use super::{database, instance};
use crate::Run;
use crate::failure::Failure;
use crate::wiring::Shop;

/// Does what is left of it.
pub(super) async fn drive(run: &Run, shop: &Shop, restore: &mut Restore, held: &Held) -> Result<(), Failure> {
    let store = RestoreStore::new(&shop.spec(), &shop.clients);
    store.put(restore).await?;
    run.ui.event("restore", &json!({ "restore": restore.id, "target": restore.target }));
    while let Some(step) = restore.next() {
        let phase = run.ui.phase(step.title());
        let began = Instant::now();
        let work = async {
            match restore.subject {
                Subject::Database => database::step(run, shop, restore, step, held, &phase).await,
                Subject::Instance => instance::step(run, shop, restore, step, held, &phase).await,
            }
        };
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = run.cancel.cancelled() => Err(Failure::interrupted("restoring")),
        };
        let said = outcome.map_err(|failure| failure.next(&go_on(restore)))?;
        restore.note(step, began.elapsed(), &said);
        store.put(restore).await?;
        run.ui.event("restore", &json!({ "restore": restore.id, "done": step, "said": said }));
        phase.done(&said);
    }
    Ok(())
}

fn go_on(restore: &Restore) -> String {
    let subject = match restore.subject {
        Subject::Database => "database",
        Subject::Instance => "instance",
    };
    let id = &restore.id;
    let mut text = format!("`jewelctl restore {subject} --resume {id}` goes on from here");
    if restore.subject == Subject::Database && !restore.done.iter().any(|done| done.step == Step::PutInUse) {
        text.push_str(&format!("; `jewelctl restore abandon {id}` opens the shop with {} again", restore.previous));
    }
    text
}
