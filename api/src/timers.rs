//! What the server does without being asked: small tasks that run every so often, until it stops.
//!
//! Each may be cut off anywhere and done again, here or by another server.

use std::{pin::Pin, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use crate::{
    app::App,
    catalogue::showcase,
    error::{ApiError, chain},
    journal, orders, payments,
};

/// How often what is overdue is looked for. One look is one read of an index.
const EXPIRY: Duration = Duration::from_secs(2);

/// How often confirmations are looked for that are not in the bucket yet.
const DOCUMENTS: Duration = Duration::from_secs(2);
/// How often payments and refunds are looked for that the provider should be asked about.
const PAYMENTS: Duration = Duration::from_secs(30);

/// How often what is shown of products is looked after, where it was not written by a transaction of the API.
const SHOWCASE: Duration = Duration::from_secs(2);
/// How often it is compared with the products there are.
const SWEEP: Duration = Duration::from_secs(60);
/// How often the outbox is cleared of what is old and in the journal.
const OUTBOX: Duration = Duration::from_secs(60);

/// Runs all of them, and never ends.
pub(crate) async fn run(app: App) {
    tokio::join!(
        every(EXPIRY, "expiry", || Box::pin(orders::expire(&app))),
        every(DOCUMENTS, "documents", || Box::pin(orders::store_due(&app))),
        every(SHOWCASE, "showcase", || Box::pin(showcase::rebuild(&app))),
        every(SWEEP, "sweep", || Box::pin(showcase::sweep(&app))),
        every(OUTBOX, "outbox", || Box::pin(journal::prune(&app))),
        every(PAYMENTS, "payments", || Box::pin(payments::watch(&app))),
    );
}

async fn every<'a>(
    period: Duration,
    name: &'static str,
    task: impl Fn() -> Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send + 'a>>,
) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = task().await {
            tracing::warn!(task = name, error = %chain(&error), "a task failed; it is tried again");
        }
    }
}
