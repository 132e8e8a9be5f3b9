//! Closing the shop for a while, and knowing that visitors see it.

use std::time::{Duration, Instant};

use jewel_aws::{Closed, StackSpec};

use crate::{Context, Error};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);
/// One answer may take this long.
const ANSWER: Duration = Duration::from_secs(10);
/// What a closed shop answers.
const CLOSED: u16 = 503;

/// Closes the shop, or says something else to its visitors while it is closed.
///
/// # Errors
/// When AWS refuses. The same again goes on.
pub async fn close(
    context: &Context<'_>,
    spec: &StackSpec,
    closed: &Closed,
    message: Option<&str>,
) -> Result<(), Error> {
    Ok(jewel_aws::close(spec, context.clients, context.outputs, closed, message).await?)
}

/// Opens the shop.
///
/// # Errors
/// When AWS refuses. The same again goes on.
pub async fn open(context: &Context<'_>, spec: &StackSpec) -> Result<(), Error> {
    Ok(jewel_aws::open(spec, context.clients, context.outputs).await?)
}

/// Waits until visitors of this address find the shop as it was told to be, and gives how long that took; `None` when it
/// took longer than `within`.
pub async fn seen(url: &str, is_closed: bool, within: Duration) -> Option<Duration> {
    let client = reqwest::Client::builder().timeout(ANSWER).build().ok()?;
    let began = Instant::now();
    while began.elapsed() < within {
        // A stranger's request, which nothing on the way has kept an answer to.
        let asked = client.get(format!("{url}/?seen={}", began.elapsed().as_nanos())).send().await;
        if asked.is_ok_and(|answer| (answer.status().as_u16() == CLOSED) == is_closed) {
            return Some(began.elapsed());
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}
