//! Options of the commands that look at, or go back on, what is deployed.

use clap::Args;
use jiff::{Span, Timestamp, tz::TimeZone};

/// `jewelctl releases`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  jewelctl releases\n  jewelctl releases --json | jq -r '.releases[].id'\n  \
                        jewelctl releases --site")]
pub struct ReleasesArgs {
    /// The site's releases, not the API's
    #[arg(long)]
    pub site: bool,
}

/// `jewelctl rollback`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  jewelctl rollback --dry-run\n  jewelctl rollback\n  jewelctl rollback 0.1.0-3f9a\n  \
                        jewelctl rollback --site\n\n\
    Migrations do not go backwards: a release that the schema has grown away from is refused with exit 7."
)]
pub struct RollbackArgs {
    /// The release to put back, or the beginning of its id (default: the one that served before)
    #[arg(value_name = "VERSION")]
    pub release: Option<String>,
    /// Put a release of the site back, not of the API
    #[arg(long)]
    pub site: bool,
    /// Show what would be put back, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `jewelctl logs`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  jewelctl logs -f\n  jewelctl logs --since 10m --grep ERROR\n  \
                        jewelctl logs --since 2026-11-22T09:00:00Z --json")]
pub struct LogsArgs {
    /// Go on with what comes, until Ctrl-C
    #[arg(long, short)]
    pub follow: bool,
    /// From then on: a span before now (`10m`, `2h`, `1d`) or a time (default: the last hundred lines)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<Timestamp>,
    /// Only lines with this text in them; without `--since`, of all that is kept
    #[arg(long, value_name = "TEXT")]
    pub grep: Option<String>,
}

/// `jewelctl ssh`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  jewelctl ssh\n  jewelctl ssh -- systemctl status jewel-api\n  \
                        jewelctl ssh -- 'df -h / | tail -1'\n\n\
    Ends with what the command ended with. Port 22 is open for this machine only, and only meanwhile.")]
pub struct SshArgs {
    /// The instance, where there are several (default: the first)
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,
    /// A line for the instance's shell (default: a shell to type in)
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// `jewelctl tunnel`
#[derive(Args, Debug)]
pub struct TunnelArgs {
    /// Where to.
    #[command(subcommand)]
    pub command: TunnelCommand,
}

/// Where a tunnel leads to.
#[derive(clap::Subcommand, Debug)]
pub enum TunnelCommand {
    /// To the shop's private database, until Ctrl-C
    #[command(after_help = "Examples:\n  jewelctl tunnel database\n  jewelctl tunnel database --port 3306")]
    Database {
        /// The port on 127.0.0.1; 0 is any free one
        #[arg(long, value_name = "PORT", default_value_t = 0)]
        port: u16,
    },
}

/// A time, or a span before now.
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let span = text.parse::<Span>().map_err(|_| "say it as `10m`, `2h`, `1d` or `2026-11-22T09:00:00Z`".to_owned())?;
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    now.checked_sub(span.abs()).map(|then| then.timestamp()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_back_from_now() {
        let ago = |text: &str| Timestamp::now().as_second() - since(text).unwrap().as_second();
        assert!((599..=601).contains(&ago("10m")) && (86_399..=86_401).contains(&ago("1d")));
        assert_eq!(since("2026-11-22T09:00:00Z").unwrap().to_string(), "2026-11-22T09:00:00Z");
        assert!(since("yesterday").is_err());
    }
}
