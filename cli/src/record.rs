//! The record that a run leaves: on this machine, and in the operations bucket once it changes something.
//!
//! Only commands that change something leave one. Writing it never fails a command and never holds it up: the first
//! version goes out beside the work, the last one has a few seconds.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jewel_aws::{Calls, RunRecord, RunStore, StepRecord};
use jewel_engine::{Holder, Report};
use jiff::{Span, Timestamp};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Folders;
use crate::wiring::Shop;

/// How long the end of a command may wait for its record to be written.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long records stay on this machine. The bucket keeps them as long.
const KEPT_DAYS: i64 = 365;

/// Writes down what a run does. Clones write the same record.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    id: String,
    /// Whether the command is one that leaves a record.
    on: bool,
    state: Arc<Mutex<Option<State>>>,
}

#[derive(Debug)]
struct State {
    record: RunRecord,
    folder: PathBuf,
    store: RunStore,
    calls: Calls,
    /// The first version on its way to the bucket.
    first: Option<tokio::task::JoinHandle<()>>,
}

impl Recorder {
    /// For a run that begins now.
    pub(crate) fn new(on: bool) -> Self {
        let now = Timestamp::now();
        // Sorts by time. Two runs of one process number in one microsecond would be needed for two of the same name.
        let unique =
            (u64::from(now.subsec_nanosecond().unsigned_abs()) / 1000) << 16 | u64::from(std::process::id() & 0xffff);
        let id = format!("{}-{unique:09x}", now.strftime("%Y%m%dT%H%M%SZ"));
        Self { id, on, state: Arc::default() }
    }

    /// The run's id, unique to it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Says which shop it is about. Nothing is written yet.
    pub(crate) fn about(&self, shop: &Shop, holder: Holder) {
        let Some(folder) =
            Folders::find().ok().map(|folders| folder(&folders, shop.settings.target, &shop.settings.name()))
        else {
            return;
        };
        if !self.on {
            return;
        }
        let record = RunRecord {
            format_version: 1,
            id: self.id.clone(),
            stack: shop.settings.name(),
            account_id: shop.account_id.clone(),
            holder,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: Timestamp::now(),
            ended_at: None,
            exit_code: None,
            phases: Vec::new(),
            steps: Vec::new(),
            calls: std::collections::BTreeMap::new(),
            errors: Vec::new(),
        };
        let store = RunStore::new(&shop.spec(), &shop.clients);
        let state = State { record, folder, store, calls: shop.clients.calls.clone(), first: None };
        *self.lock() = Some(state);
    }

    /// The run begins to change things, and the operations bucket is there: writes the record without an end.
    pub(crate) fn begin(&self) {
        let mut state = self.lock();
        let Some(state) = state.as_mut().filter(|state| state.first.is_none()) else { return };
        keep(&state.folder, &state.record);
        let (store, record) = (state.store.clone(), state.record.clone());
        state.first = Some(tokio::spawn(async move {
            if let Err(failure) = store.put(&record).await {
                tracing::info!(%failure, "the record of this run is on this machine only");
            }
        }));
    }

    /// Adds what became of the resources.
    pub(crate) fn steps(&self, report: &Report) {
        if let Some(state) = self.lock().as_mut() {
            state.record.steps = StepRecord::of(report);
        }
    }

    /// The run ends: writes the record with its end.
    pub(crate) async fn finish(&self, phases: Vec<jewel_aws::PhaseRecord>, exit: Exit, failure: Option<&Failure>) {
        let Some(mut state) = self.lock().take() else { return };
        state.record.ended_at = Some(Timestamp::now());
        state.record.exit_code = Some(exit.code());
        state.record.phases = phases;
        state.record.calls = state.calls.counts();
        state.record.errors = failure.map(|failure| failure.lines()).unwrap_or_default();
        keep(&state.folder, &state.record);
        // A run that changed nothing writes nothing to the cloud.
        let Some(first) = state.first else { return };
        let last = async {
            let _ = first.await;
            if let Err(failure) = state.store.put(&state.record).await {
                tracing::info!(%failure, "the record of this run is on this machine only");
            }
        };
        if tokio::time::timeout(PATIENCE, last).await.is_err() {
            tracing::info!("the cloud is slow; the record of this run is on this machine only");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where this machine keeps the records of a shop.
pub(crate) fn folder(folders: &Folders, target: crate::args::Target, stack: &str) -> PathBuf {
    let target = match target {
        crate::args::Target::Aws => "aws",
        crate::args::Target::Local => "local",
    };
    folders.data.join("runs").join(target).join(stack)
}

/// The records on this machine, in no order. What cannot be read is not a record.
pub(crate) fn kept(folder: &Path) -> Vec<RunRecord> {
    let Ok(entries) = fs_err::read_dir(folder) else { return Vec::new() };
    let read = |path: PathBuf| serde_json::from_slice(&fs_err::read(path).ok()?).ok();
    entries.flatten().filter_map(|entry| read(entry.path())).collect()
}

/// Writes a record, and removes those that are too old. Best effort: a full disk must not fail what was done.
fn keep(folder: &Path, record: &RunRecord) {
    let written = (|| -> std::io::Result<()> {
        fs_err::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".run-").tempfile_in(folder)?;
        serde_json::to_writer_pretty(&mut file, record)?;
        file.persist(folder.join(format!("{}.json", record.id))).map_err(|error| error.error)?;
        Ok(())
    })();
    if let Err(error) = written {
        tracing::info!(%error, "the record of this run could not be kept on this machine");
    }
    let oldest = Timestamp::now() - Span::new().hours(KEPT_DAYS * 24);
    let oldest = oldest.strftime("%Y%m%dT%H%M%SZ").to_string();
    for entry in fs_err::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        // Names begin with the time.
        if name.to_str().is_some_and(|name| name.ends_with(".json") && *name < *oldest) {
            let _ = fs_err::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> RunRecord {
        let holder = Holder { user: "ada".into(), host: "engine".into(), pid: 7, command: "jewelctl provision".into() };
        RunRecord {
            format_version: 1,
            id: id.into(),
            stack: "shop-prod".into(),
            account_id: "123456789012".into(),
            holder,
            version: "0.1.0".into(),
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            exit_code: None,
            phases: Vec::new(),
            steps: Vec::new(),
            calls: std::collections::BTreeMap::new(),
            errors: Vec::new(),
        }
    }

    #[test]
    fn records_are_kept_for_a_year() {
        let folder = tempfile::tempdir().unwrap();
        keep(folder.path(), &record("20200101T000000Z-000000001"));
        let new = Recorder::new(true);
        keep(folder.path(), &record(new.id()));
        let left: Vec<String> = kept(folder.path()).into_iter().map(|record| record.id).collect();
        assert_eq!(left, [new.id()]);
    }

    #[test]
    fn ids_sort_by_time_and_differ() {
        let ids: Vec<String> = (0..3)
            .map(|_| {
                std::thread::sleep(Duration::from_micros(50));
                Recorder::new(true).id().to_owned()
            })
            .collect();
        assert!(ids.is_sorted() && ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
    }
}
