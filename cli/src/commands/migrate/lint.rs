//! `jewelctl migrate lint`: what would break the release that runs, found without cloud or database.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jewel_migrations::{Finding, Migration, embedded, lint, read_files, read_folder};
use serde_json::json;

use crate::Run;
use crate::args::SourceArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// Judges files, a folder, or what is compiled in.
pub(super) fn run(run: &Run, files: &[PathBuf], source: &SourceArgs) -> Outcome {
    let mut judged = 0;
    let mut findings = Vec::new();
    if let Some(folder) = &source.dir {
        let migrations = read_folder(folder)?;
        judged = migrations.len();
        findings = judge(&migrations, folder)?;
    } else if files.is_empty() {
        judged = embedded().len();
        findings = judge(embedded(), Path::new(""))?;
    }
    for (folder, files) in by_folder(files) {
        let chosen = read_files(&files)?;
        judged += chosen.len();
        // What earlier files of the folder made decides what a statement does.
        let found = judge(&read_folder(folder)?, folder)?;
        findings.extend(
            found.into_iter().filter(|finding| chosen.iter().any(|migration| migration.version == finding.version)),
        );
    }
    run.ui.result(&json!({ "files": judged, "findings": findings }), || words(judged, &findings));
    Ok(if findings.is_empty() { Exit::Done } else { Exit::CheckFailed })
}

fn by_folder(files: &[PathBuf]) -> BTreeMap<&Path, Vec<PathBuf>> {
    let mut folders: BTreeMap<&Path, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folders.entry(folder).or_default().push(file.clone());
    }
    folders
}

fn judge(migrations: &[Migration], folder: &Path) -> Result<Vec<Finding>, Failure> {
    let mut findings = lint(migrations, None)?;
    for finding in &mut findings {
        let path = folder.join(&finding.file);
        finding.file = path.strip_prefix(".").unwrap_or(&path).display().to_string();
    }
    Ok(findings)
}

fn words(judged: usize, findings: &[Finding]) -> String {
    if findings.is_empty() {
        return format!("{judged} files, nothing that breaks the release before");
    }
    let finding = |finding: &Finding| {
        let Finding { file, line, rule, what, why, instead, .. } = finding;
        format!("{file}:{line}: {rule}: {what}\n    why: {why}\n    instead: {instead}")
    };
    let mut lines: Vec<String> = findings.iter().map(finding).collect();
    lines.push(
        "A statement that is safe all the same says why, in the comment before it: -- jewel: safe because …".into(),
    );
    lines.join("\n")
}
