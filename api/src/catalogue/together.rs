//! Questions to the database, answered together: whoever asks while a read is under way shares the next one.
//!
//! Nothing is kept: each answer was read from the database after it was asked for. One question takes a statement, and so
//! do thirty; under load that is what a server's time goes into, and alone nobody waits for company.

use std::{future::Future, sync::Arc};

use tokio::sync::{Mutex, mpsc, oneshot};

use crate::error::ApiError;

/// Reads under way at once: the others wait and go together. Two keep a small database server busy.
const READERS: usize = 2;

/// The most questions of one read.
const MOST: usize = 32;

/// A question, and who wants its answer.
type Ask<Q, A> = (Q, oneshot::Sender<A>);

/// Reads for whoever asks.
pub(super) struct Together<Q, A> {
    asks: mpsc::UnboundedSender<Ask<Q, A>>,
}

impl<Q: Send + 'static, A: Send + 'static> Together<Q, A> {
    /// Begins to read: `answer` has as many answers as it is given questions, in their order. Must be called within a
    /// runtime; the reading ends with the value.
    pub(super) fn new<F>(answer: impl Fn(Vec<Q>) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Vec<A>, ApiError>> + Send + 'static,
    {
        let (asks, asked) = mpsc::unbounded_channel();
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..READERS {
            tokio::spawn(read(answer.clone(), Arc::clone(&asked)));
        }
        Self { asks }
    }

    /// The answer; none when the read failed for all who shared it. Each finds out by itself what is wrong.
    pub(super) async fn ask(&self, question: Q) -> Option<A> {
        let (answer, answered) = oneshot::channel();
        self.asks.send((question, answer)).ok()?;
        answered.await.ok()
    }
}

/// Takes all that wait, reads, answers; until nobody can ask any more.
async fn read<Q, A, F>(answer: impl Fn(Vec<Q>) -> F, asked: Arc<Mutex<mpsc::UnboundedReceiver<Ask<Q, A>>>>)
where
    F: Future<Output = Result<Vec<A>, ApiError>>,
{
    let mut waiting = Vec::with_capacity(MOST);
    while asked.lock().await.recv_many(&mut waiting, MOST).await > 0 {
        // Callers who left are not read for.
        let (questions, callers): (Vec<Q>, Vec<_>) =
            waiting.drain(..).filter(|(_, caller)| !caller.is_closed()).unzip();
        if questions.is_empty() {
            continue;
        }
        match answer(questions).await {
            Ok(answers) => {
                for (caller, answer) in callers.into_iter().zip(answers) {
                    // Who left meanwhile does not hear it.
                    let _ = caller.send(answer);
                }
            }
            Err(error) => tracing::debug!(%error, "a read together failed"),
        }
    }
}
