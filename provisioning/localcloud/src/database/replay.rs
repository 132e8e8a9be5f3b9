//! Replaying a binary log: what a server did, done again, up to a moment.
//!
//! The server's own program turns the log into statements, and the administrator executes them: the master user could
//! not, and a client program is not needed. The statements are not logged again.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::MySqlConnection;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::{
    admin,
    engine::{Engine, Flavour},
    error::Error,
    process,
};

/// The program that reads binary logs.
#[derive(Debug)]
pub(crate) struct Tool {
    program: PathBuf,
    flavour: Flavour,
}

impl Tool {
    /// Its name in each family.
    pub(crate) fn name(flavour: Flavour) -> &'static str {
        match flavour {
            Flavour::MariaDb => "mariadb-binlog",
            Flavour::MySql => "mysqlbinlog",
        }
    }

    /// Finds it: beside the server first, so that versions agree. MySQL's is looked for nowhere else, because MariaDB
    /// has one of the same name.
    ///
    /// # Errors
    /// When it is not there.
    pub(crate) fn find(engine: &Engine) -> Result<Self, Error> {
        let (flavour, name) = (engine.flavour, Self::name(engine.flavour));
        let places = Self::places(&engine.binary, flavour);
        let found = places.iter().find(|path| path.is_file());
        let program = found.ok_or_else(|| Error::NoReplayTool {
            tool: name,
            searched: places.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
            advice: match flavour {
                Flavour::MariaDb => "; Debian's package mariadb-client brings it",
                Flavour::MySql => "",
            },
        })?;
        Ok(Self { program: program.clone(), flavour })
    }

    /// Where it may be.
    pub(crate) fn places(server: &Path, flavour: Flavour) -> Vec<PathBuf> {
        let name = Self::name(flavour);
        let directory = server.parent().unwrap_or(Path::new("/"));
        let mut places = vec![directory.join(name)];
        // Where servers are not among the programs for everybody.
        if ["sbin", "libexec"].iter().any(|kind| directory.ends_with(kind)) {
            places.push(directory.with_file_name("bin").join(name));
        }
        if flavour == Flavour::MariaDb {
            places.extend(["/usr/bin", "/usr/local/bin"].map(|place| Path::new(place).join(name)));
        }
        places.dedup();
        places
    }
}

/// What to replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replay {
    /// In order.
    pub(crate) files: Vec<String>,
    /// Where to begin in the first one.
    pub(crate) from: u64,
    /// Where to end in the last one.
    pub(crate) to: u64,
    /// What happened in this second or later is left out.
    pub(crate) until: Option<Timestamp>,
}

impl Replay {
    /// Replays the files in the directory `log` in the server of the database `id`.
    ///
    /// # Errors
    /// When the log cannot be read, or the server refuses what it accepted once.
    pub(crate) async fn run(&self, id: &str, tool: &Tool, log: &Path, sql: &mut MySqlConnection) -> Result<(), Error> {
        let failed = |status: String, said: &str| Error::Replay { id: id.to_owned(), status, said: said.to_owned() };
        let mut command = process::bare(&tool.program);
        command.args(self.arguments(tool.flavour)).args(&self.files).current_dir(log);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|source| Error::Spawn { program: tool.program.clone(), source })?;
        let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(failed("its output is lost".to_owned(), ""));
        };
        let complaints = tokio::spawn(async move {
            let mut said = String::new();
            // What it complains of is a help and no more.
            let _ = stderr.read_to_string(&mut said).await;
            said
        });
        let mut lines = BufReader::with_capacity(1 << 16, stdout);
        let (mut statements, mut line) = (Statements::default(), Vec::new());
        loop {
            line.clear();
            let read = lines.read_until(b'\n', &mut line).await;
            if read.map_err(|error| failed(error.to_string(), ""))? == 0 {
                break;
            }
            let Some(statement) = statements.take_in(&line) else { continue };
            let statement = String::from_utf8(statement)
                .map_err(|_| failed("a statement is not in UTF-8, which cannot be replayed here".to_owned(), ""))?;
            admin::run(sql, "replay its binary log", statement).await?;
        }
        let status = child.wait().await.map_err(|error| failed(error.to_string(), ""))?;
        let said = complaints.await.unwrap_or_default();
        if status.success() { Ok(()) } else { Err(failed(status.to_string(), said.trim())) }
    }

    fn arguments(&self, flavour: Flavour) -> Vec<String> {
        let mut arguments = vec!["--no-defaults".to_owned()];
        if flavour == Flavour::MySql {
            // The transactions become the new server's own.
            arguments.push("--skip-gtids".to_owned());
        }
        arguments.push(format!("--start-position={}", self.from));
        arguments.push(format!("--stop-position={}", self.to));
        if let Some(until) = self.until {
            // In UTC, as the program is started.
            arguments.push(format!("--stop-datetime={}", until.strftime("%Y-%m-%d %H:%M:%S")));
        }
        arguments
    }
}

/// Cuts the program's output into statements. It separates them as clients do, by a delimiter that it announces.
struct Statements {
    delimiter: Vec<u8>,
    pending: Vec<u8>,
}

impl Default for Statements {
    fn default() -> Self {
        Self { delimiter: b";".to_vec(), pending: Vec::new() }
    }
}

impl Statements {
    /// Takes in a line with its end; gives the statement that it completes.
    fn take_in(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        if self.pending.is_empty() {
            if let Some(delimiter) = text.strip_prefix(b"DELIMITER ") {
                self.delimiter = delimiter.to_vec();
                return None;
            }
            // Remarks between statements.
            if text.is_empty() || text.starts_with(b"#") {
                return None;
            }
        }
        let Some(end) = text.strip_suffix(self.delimiter.as_slice()) else {
            self.pending.extend(line);
            return None;
        };
        self.pending.extend(end);
        let statement = std::mem::take(&mut self.pending);
        let statement = statement.strip_suffix(b"\n").unwrap_or(&statement).to_vec();
        // An order to the client program, and delimiters with nothing between them.
        (!statement.starts_with(br"/*!\C") && !statement.is_empty()).then_some(statement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str) -> Vec<String> {
        let mut statements = Statements::default();
        let taken = text.split_inclusive('\n').filter_map(|line| statements.take_in(line.as_bytes()));
        taken.map(|statement| String::from_utf8(statement).unwrap()).collect()
    }

    #[test]
    fn the_programs_output_is_cut_at_its_own_delimiter() {
        let text = "\
# a remark
/*!50003 SET @OLD=1*/;
DELIMITER /*!*/;
# at 4
#261123  0:24:26 server id 5
ROLLBACK/*!*/;
BINLOG '
uYcDaw8F
'/*!*/;
/*!\\C utf8mb3 *//*!*/;
create procedure p() begin
# the user's own remark
select 1; select 2; end
/*!*/;
DELIMITER ;
ROLLBACK /* added by mysqlbinlog */;
";
        assert_eq!(
            statements(text),
            [
                "/*!50003 SET @OLD=1*/",
                "ROLLBACK",
                "BINLOG '\nuYcDaw8F\n'",
                "create procedure p() begin\n# the user's own remark\nselect 1; select 2; end",
                "ROLLBACK /* added by mysqlbinlog */",
            ]
        );
    }

    #[test]
    fn the_moment_is_said_in_utc_and_to_the_second() {
        let replay = Replay {
            files: vec!["binlog.000001".to_owned()],
            from: 158,
            to: 900,
            until: Some("2026-11-23T00:24:26Z".parse().unwrap()),
        };
        let arguments = replay.arguments(Flavour::MySql);
        assert_eq!(arguments[1..4], ["--skip-gtids", "--start-position=158", "--stop-position=900"]);
        assert_eq!(arguments[4], "--stop-datetime=2026-11-23 00:24:26");
    }

    #[test]
    fn a_missing_program_is_named_with_where_it_was_looked_for() {
        let binary = PathBuf::from("/nonexistent/sbin/mysqld");
        let engine = Engine { flavour: Flavour::MySql, version: "9.7.4".to_owned(), binary };
        let error = Tool::find(&engine).unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no mysqlbinlog (looked for /nonexistent/sbin/mysqlbinlog, /nonexistent/bin/mysqlbinlog), without \
             which no point in time can be restored"
        );
    }
}
