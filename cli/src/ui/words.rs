//! The libraries' events in words.

use jewel_host::Event as RolloutEvent;
use jewel_localcloud::Event as LocalEvent;
use jewel_migrations::Event as MigrationEvent;

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
