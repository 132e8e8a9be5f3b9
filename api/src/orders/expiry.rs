//! Gives up orders that nobody paid in time, so that others can buy what was promised to them.
//!
//! Two servers that do it at once do no harm: each order is looked at again under its lock.

use futures::FutureExt;
use uuid::Uuid;

use super::{Status, moves, store};
use crate::{
    app::App,
    error::ApiError,
    work::{Caller, Work, now, transact},
};

/// How many are given up in one round. The next round takes the rest.
const ROUND: u32 = 50;

/// Gives up what is overdue.
pub(crate) async fn expire(app: &App) -> Result<(), ApiError> {
    let overdue = store::overdue(&mut *app.pool().acquire().await?, now(), ROUND).await?;
    for order in overdue {
        let caller = Caller::system("expiry");
        transact(app, "order.expired", &caller, &order, |work, order| give_up(work, *order).boxed()).await?;
    }
    Ok(())
}

async fn give_up(work: &mut Work, order: Uuid) -> Result<(), ApiError> {
    let order = store::lock(work, order).await?;
    let is_overdue = order.expires_at.is_some_and(|end| end <= work.now());
    if order.status != Status::PendingPayment || !is_overdue {
        return Ok(());
    }
    moves::to(work, &order, Status::Expired, "not paid in time").await
}
