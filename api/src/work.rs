//! One change of the shop, all or nothing: a transaction that leaves an event in the outbox and is answered when that
//! event is in the journal.
//!
//! Every route that changes something goes through [`transact`]. The order is the promise: commit, journal, answer.

use std::{collections::BTreeMap, collections::BTreeSet, time::Duration};

use axum::{extract::FromRequestParts, http::request::Parts};
use futures::future::BoxFuture;
use jewel_journal::{Actor, CaptureError, Change, Event, Table, capture, table};
use sqlx::{MySql, MySqlConnection, Transaction};
use time::{OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

use crate::{
    app::App,
    catalogue::showcase,
    error::ApiError,
    http::{journaled, observe},
};

/// How often a transaction that met another one is done again.
const ATTEMPTS: u32 = 10;

/// Who asks for a change, and with which request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) actor: Actor,
    pub(crate) request_id: String,
}

impl Caller {
    /// The shop itself.
    pub(crate) fn system(what: &str) -> Self {
        Self { actor: Actor::System(what.to_owned()), request_id: format!("{what}-{}", Uuid::now_v7()) }
    }
}

/// The id of the request at hand.
pub(crate) struct RequestId(pub(crate) String);

impl FromRequestParts<App> for RequestId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        let id = parts.headers.get(observe::REQUEST_ID).and_then(|id| id.to_str().ok());
        Ok(Self(id.unwrap_or("-").to_owned()))
    }
}

/// A transaction at work.
pub(crate) struct Work {
    transaction: Transaction<'static, MySql>,
    /// Now, as precise as the columns are: one moment for all that it writes.
    now: PrimitiveDateTime,
    event: Uuid,
    actor: Actor,
    touched: BTreeMap<&'static Table, BTreeSet<Uuid>>,
    earlier: Option<Uuid>,
}

impl Work {
    /// The connection to make changes on.
    pub(crate) fn connection(&mut self) -> &mut MySqlConnection {
        &mut self.transaction
    }

    /// The moment of the change, for `created_at` and `updated_at`.
    pub(crate) fn now(&self) -> PrimitiveDateTime {
        self.now
    }

    /// The id that the event will have.
    pub(crate) fn event_id(&self) -> Uuid {
        self.event
    }

    /// Who asks for the change.
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Says that a row of a journaled table was made or changed. What is not said is not journaled.
    ///
    /// # Panics
    /// When there is no such table: a mistake in the program, which its first test meets.
    pub(crate) fn touch(&mut self, name: &'static str, id: Uuid) {
        let table = table(name).unwrap_or_else(|| panic!("{name} is not a table of the journal"));
        self.touched.entry(table).or_default().insert(id);
    }

    /// The ids touched so far in a table.
    pub(crate) fn touched(&self, name: &str) -> Vec<Uuid> {
        table(name).and_then(|table| self.touched.get(table)).into_iter().flatten().copied().collect()
    }

    /// Says that the answer is that of an earlier transaction: it is given when that one's event is in the journal.
    pub(crate) fn repeats(&mut self, event: Uuid) {
        self.earlier = Some(event);
    }

    async fn finish(mut self, app: &App, kind: &str, caller: &Caller) -> Result<Option<Uuid>, ApiError> {
        if self.touched.is_empty() {
            self.transaction.commit().await?;
            return Ok(self.earlier);
        }
        showcase::renew(app, &mut self).await?;
        if let Actor::Admin(subject) = &caller.actor {
            let detail: BTreeMap<&str, Vec<String>> = self
                .touched
                .iter()
                .map(|(table, ids)| (table.name, ids.iter().map(Uuid::to_string).collect()))
                .collect();
            let detail = serde_json::to_string(&detail).map_err(|error| ApiError::Internal(error.into()))?;
            sqlx::query("INSERT INTO audit (id, actor, kind, request, detail, created_at) VALUES (?, ?, ?, ?, ?, ?)")
                .bind(self.event)
                .bind(subject)
                .bind(kind)
                .bind(&caller.request_id)
                .bind(detail)
                .bind(self.now)
                .execute(&mut *self.transaction)
                .await?;
            let (event, name) = (self.event, "audit");
            self.touch(name, event);
        }
        let mut changes: Vec<Change> = Vec::new();
        for (table, ids) in &self.touched {
            let ids: Vec<Uuid> = ids.iter().copied().collect();
            let captured = capture(&mut self.transaction, table, &ids).await;
            changes.extend(captured.map_err(|error| match error {
                // A lost connection or a deadlock, like anywhere else.
                CaptureError::Database(error) => error.into(),
                other => ApiError::Internal(other.into()),
            })?);
        }
        let event = Event {
            id: self.event,
            kind: kind.to_owned(),
            at: self.now.assume_utc(),
            schema: jewel_migrations::expected_version(),
            by: caller.actor.clone(),
            changes,
        };
        let body = serde_json::to_string(&event).map_err(|error| ApiError::Internal(error.into()))?;
        sqlx::query("INSERT INTO outbox (event_id, kind, body, created_at) VALUES (?, ?, ?, ?)")
            .bind(event.id)
            .bind(kind)
            .bind(body)
            .bind(self.now)
            .execute(&mut *self.transaction)
            .await?;
        self.transaction.commit().await?;
        Ok(Some(event.id))
    }
}

/// Does a change: runs `work` in a transaction (again from its beginning when it met another one, so it must do nothing
/// outside it) with what it is `about`, commits, and returns when what it changed is in the journal.
///
/// # Errors
/// What `work` refuses, with nothing changed. 503 when the journal or the database is away: then the change may have
/// been made or not, and the same request with the same idempotency key finds out.
pub(crate) async fn transact<A: Sync, T: Send>(
    app: &App,
    kind: &'static str,
    caller: &Caller,
    about: &A,
    work: impl for<'w> Fn(&'w mut Work, &'w A) -> BoxFuture<'w, Result<T, ApiError>> + Send + Sync,
) -> Result<T, ApiError> {
    app.journal().accepting()?;
    let mut attempt = 0;
    let (value, event) = loop {
        attempt += 1;
        match once(app, kind, caller, about, &work).await {
            Err(ApiError::Contended) if attempt < ATTEMPTS => {
                // Two that met must not meet again: the waits differ.
                let longest = 5 << attempt.min(6);
                tokio::time::sleep(Duration::from_millis(rand::random_range(1..=longest))).await;
            }
            other => break other?,
        }
    };
    if let Some(event) = event {
        app.journal().durable(event).await?;
    }
    journaled::done();
    Ok(value)
}

async fn once<A: Sync, T: Send>(
    app: &App,
    kind: &'static str,
    caller: &Caller,
    about: &A,
    work: &(impl for<'w> Fn(&'w mut Work, &'w A) -> BoxFuture<'w, Result<T, ApiError>> + Send + Sync),
) -> Result<(T, Option<Uuid>), ApiError> {
    let mut at_hand = Work {
        transaction: app.pool().begin().await?,
        now: now(),
        event: Uuid::now_v7(),
        actor: caller.actor.clone(),
        touched: BTreeMap::new(),
        earlier: None,
    };
    let value = work(&mut at_hand, about).await?;
    let event = at_hand.finish(app, kind, caller).await?;
    Ok((value, event))
}

/// Now, as precise as the columns are.
pub(crate) fn now() -> PrimitiveDateTime {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_microsecond(now.microsecond()).unwrap_or(now);
    PrimitiveDateTime::new(now.date(), now.time())
}
