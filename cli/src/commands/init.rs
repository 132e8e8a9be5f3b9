//! `jewelctl init`: writes `jewel.toml`.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use crate::Run;
use crate::args::InitArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::settings::{self, template};

const DEFAULT_PROJECT: &str = "shop";

/// Writes the file, or prints it with `--dry-run`.
pub fn run(run: &Run, args: &InitArgs) -> Outcome {
    let project = match &args.project {
        Some(project) => project.clone(),
        None if args.dry_run => DEFAULT_PROJECT.into(),
        None => run.ui.ask("The shop's name", DEFAULT_PROJECT).unwrap_or_else(|| DEFAULT_PROJECT.into()),
    };
    let text = template::render(&project);
    if args.dry_run {
        run.ui.raw(&text);
        return Ok(Exit::Done);
    }
    write(&run.global.config, &text, args.force)?;
    run.ui.result(&json!({ "written": run.global.config, "project": project }), || {
        format!("wrote {}; next: jewelctl up --target local", run.global.config.display())
    });
    Ok(Exit::Done)
}

/// Writes the file whole or not at all; an existing one only with consent.
pub fn write(path: &Path, text: &str, replace: bool) -> Result<(), Failure> {
    settings::check(path, text)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".jewel-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    let kept = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    match kept {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Failure::new(Exit::Refused, format!("`{}` exists already; nothing was changed", path.display()))
                .hint("`--force` replaces it; `--dry-run` prints a fresh one to compare with"))
        }
        Err(error) => Err(Failure::from(error.error)),
    }
}

/// Writes a `jewel.toml` with every default, after asking, when `up` finds none.
pub fn offer(run: &Run) -> Result<(), Failure> {
    let path = &run.global.config;
    if path.exists() {
        return Ok(());
    }
    run.ui.consent(&format!("There is no `{}` here. Write one with working defaults?", path.display())).map_err(
        |refusal| match refusal.exit() {
            Exit::Refused => settings::missing(path),
            _ => refusal,
        },
    )?;
    write(path, &template::render(DEFAULT_PROJECT), false)?;
    run.ui.say(&format!("wrote {}", path.display()));
    Ok(())
}
