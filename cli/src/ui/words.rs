//! The libraries' events in words.

use jewel_backup::Event as BackupEvent;
use jewel_host::Event as RolloutEvent;
use jewel_localcloud::Event as LocalEvent;
use jewel_migrations::Event as MigrationEvent;
use jiff::Timestamp;

/// What the local cloud is at.
pub(crate) fn local(event: &LocalEvent) -> String {
    match event {
        LocalEvent::Waiting { what } => format!("another run makes {what}; waiting for it"),
        LocalEvent::ImageStarted { codename } => {
            format!("making the base image (Debian {codename}); once, about a minute")
        }
        LocalEvent::ImageProgress { line }
        | LocalEvent::PythonProgress { line }
        | LocalEvent::PackagesProgress { line } => line.clone(),
        LocalEvent::ImageReady => "the base image is there".into(),
        LocalEvent::PythonStarted => "making the emulator's Python environment; once".into(),
        LocalEvent::PythonReady => "the Python environment is there".into(),
        LocalEvent::PackagesStarted { packages } => format!("installing {}", packages.join(", ")),
        LocalEvent::PackagesReady => "the packages are there".into(),
        LocalEvent::DaemonStarted { pid } => format!("the daemon starts (process {pid})"),
        LocalEvent::Settling { what } => format!("coming back: {what}"),
        LocalEvent::Ready { gateway, already: true } => format!("runs already at {gateway}"),
        LocalEvent::Ready { gateway, already: false } => format!("answers at {gateway}"),
        LocalEvent::Stopping => "shutting instances and databases down".into(),
        LocalEvent::Stopped => "nothing of it runs".into(),
        LocalEvent::Erasing => "erasing its data".into(),
        LocalEvent::Erased => "it is gone".into(),
        other => format!("{other:?}"),
    }
}

/// What the migrator is at.
pub(crate) fn migration(event: &MigrationEvent) -> String {
    match event {
        MigrationEvent::WaitingForLock { holder: Some(id) } => {
            format!("connection {id} holds the migration lock; waiting")
        }
        MigrationEvent::WaitingForLock { holder: None } => "another migrator holds the lock; waiting".into(),
        MigrationEvent::MigrationStarted { version, name, done_before: 0, .. } => format!("{version:04} {name}"),
        MigrationEvent::MigrationStarted { version, name, statements, done_before } => {
            format!("{version:04} {name}: goes on at statement {} of {statements}", done_before + 1)
        }
        MigrationEvent::StatementStarted { version, ordinal, of, summary } => {
            format!("{version:04} [{ordinal}/{of}] {summary}")
        }
        MigrationEvent::Foreseen { forecast } => {
            format!("{:04} [{}/{}] {}", forecast.version, forecast.ordinal, forecast.of, forecast.method)
        }
        MigrationEvent::StatementProgress {
            version,
            ordinal,
            of,
            elapsed_ms,
            stage,
            percent,
            remaining_ms,
            rows_changed,
        } => {
            let seconds = |milliseconds: u64| format!("{} s", milliseconds / 1000);
            let parts = [
                Some(format!("{} so far", seconds(*elapsed_ms))),
                percent.map(|percent| format!("{percent} %")),
                remaining_ms.map(|left| format!("about {} left", seconds(left))),
                rows_changed.map(|rows| format!("{rows} rows changed")),
                stage.clone(),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            format!("{version:04} [{ordinal}/{of}] {}", parts.join(", "))
        }
        MigrationEvent::StatementFinished { version, ordinal, of, found_done: true, .. } => {
            format!("{version:04} [{ordinal}/{of}] had been done by a run that died")
        }
        MigrationEvent::StatementFinished { version, ordinal, of, elapsed_ms, .. } => {
            format!("{version:04} [{ordinal}/{of}] done in {elapsed_ms} ms")
        }
        MigrationEvent::MigrationFinished { version, name, elapsed_ms } => {
            format!("{version:04} {name} applied in {elapsed_ms} ms")
        }
        other => format!("{other:?}"),
    }
}

/// What a rollout is at.
pub(crate) fn rollout(event: &RolloutEvent) -> String {
    match event {
        RolloutEvent::Unchanged { release } => format!("{release} serves already"),
        RolloutEvent::SetUp => "the instance is prepared".into(),
        RolloutEvent::Uploading { sent, total, .. } => format!("upload: {} of {} KiB", sent / 1024, total / 1024),
        RolloutEvent::Uploaded { already_there: true, .. } => "the binary is there already".into(),
        RolloutEvent::Uploaded { size, .. } => format!("uploaded {} KiB, checksum right", size / 1024),
        RolloutEvent::Checked { .. } => "the release accepts its settings and reaches the database".into(),
        RolloutEvent::Started { .. } => "started beside the old one".into(),
        RolloutEvent::Ready { after_ms, .. } => format!("ready after {after_ms} ms"),
        RolloutEvent::Serving { release, .. } => format!("{release} serves"),
        RolloutEvent::PutBack { previous, .. } => format!("put back: {previous} serves again"),
        RolloutEvent::Pruned { releases } => format!("removed {}", releases.join(", ")),
        other => format!("{other:?}"),
    }
}

/// What a backup, its verification or its restore is at.
pub(crate) fn backup(event: &BackupEvent) -> String {
    match event {
        BackupEvent::Busy { attempt, of, .. } => format!("writers are in the way; attempt {attempt} of {of}"),
        BackupEvent::Begun { tables, guess, .. } => format!("{tables} tables, about {}", bytes(*guess)),
        BackupEvent::Stored { key, rows, .. } => format!("{key}: {rows} rows"),
        BackupEvent::Shrunk(table) => format!("much smaller than before: {table}"),
        BackupEvent::Checked { key } => format!("{key} is whole"),
        BackupEvent::Damaged(finding) => finding.to_string(),
        BackupEvent::Resumed { loaded, of } => format!("goes on: {loaded} of {of} objects are loaded"),
        BackupEvent::RowByRow => "the server refuses files; rows go in one by one".into(),
        BackupEvent::Loaded { key, rows } => format!("{key}: {rows} rows are in"),
        BackupEvent::Warned { key, said } => format!("{key}: {said}"),
        BackupEvent::Keyed { table } => format!("{table} has its keys"),
        BackupEvent::Compared { table, same: true } => format!("{table} is the same"),
        BackupEvent::Compared { table, same: false } => format!("{table} DIFFERS"),
        BackupEvent::Deleted { id, .. } => format!("{id} is deleted"),
    }
}

/// A number of bytes as a person reads it.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

/// How long ago something was.
pub(crate) fn age(at: Timestamp, now: Timestamp) -> String {
    match now.as_second() - at.as_second() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
