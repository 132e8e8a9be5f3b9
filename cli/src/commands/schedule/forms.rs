//! What lets the work run by itself, as text for others to keep.

use crate::args::{Form, Global};
use crate::failure::Failure;

/// An hour with few visitors in Singapore, and not the hour of the automatic backups.
const HOUR_UTC: u8 = 20;

/// The text.
pub(super) fn text(form: Form, global: &Global) -> Result<String, Failure> {
    let program = std::env::current_exe()?.to_string_lossy().into_owned();
    let config = std::path::absolute(&global.config)?.to_string_lossy().into_owned();
    let env = global.env.as_ref().map_or_else(String::new, |env| format!(" --env {env}"));
    let line = |every: &str| format!("{program} schedule run {every} --yes --no-input --config {config}{env}");
    Ok(match form {
        Form::Cron => format!(
            "# The shop's daily and weekly work. The credentials are those of whose crontab this is.\n\
             17 {HOUR_UTC} * * *   {}\n47 {HOUR_UTC} * * 0   {}\n",
            line("daily"),
            line("weekly")
        ),
        Form::Systemd => ["daily", "weekly"].map(|every| units(every, &line(every))).join("\n"),
        Form::Github => workflow(&env),
    })
}

fn units(every: &str, line: &str) -> String {
    let day = if every == "weekly" { "Sun *-*-*" } else { "*-*-*" };
    let minute = if every == "weekly" { 47 } else { 17 };
    format!(
        "# /etc/systemd/system/jewel-{every}.service\n[Unit]\nDescription=The shop's {every} work\n\
         Wants=network-online.target\nAfter=network-online.target\n\n[Service]\nType=oneshot\nExecStart={line}\n\n\
         # /etc/systemd/system/jewel-{every}.timer: `systemctl enable --now jewel-{every}.timer`\n[Unit]\n\
         Description=The shop's {every} work\n\n[Timer]\nOnCalendar={day} {HOUR_UTC}:{minute}:00 UTC\n\
         # Made up for when the machine was off.\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n"
    )
}

fn workflow(env: &str) -> String {
    format!(
        "# The shop's daily and weekly work, with a role that has an operator's rights: the pipeline's may not read\n\
         # backups.\n\
         name: shop\non:\n  schedule:\n    - cron: '17 {HOUR_UTC} * * *'\n    - cron: '47 {HOUR_UTC} * * 0'\n\
         permissions:\n  id-token: write\n  contents: read\njobs:\n  work:\n    runs-on: ubuntu-latest\n    steps:\n\
         \x20     - uses: actions/checkout@v4\n      - uses: aws-actions/configure-aws-credentials@v4\n        with:\n\
         \x20         role-to-assume: ${{{{ vars.JEWEL_OPERATOR_ROLE }}}}\n          aws-region: ap-southeast-1\n\
         \x20     - run: jewelctl schedule run ${{{{ endsWith(github.event.schedule, '0') && 'weekly' || 'daily' }}}} --yes \
         --no-input{env}\n"
    )
}
