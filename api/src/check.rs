//! `jewel-api check`: would a release with this configuration work here? Asked on the host before anything is switched.

use std::{fmt, time::Duration};

use sqlx::{Connection, MySqlConnection};

use crate::{config::Config, database::connect_options, error::chain, journal::Journal};

/// How long reaching the database may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub subject: &'static str,
    /// What was found; `Err` is a reason not to start.
    pub result: Result<String, String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Ok(words) => write!(f, "ok      {}: {words}", self.subject),
            Err(words) => write!(f, "failed  {}: {words}", self.subject),
        }
    }
}

/// Looks at the database, its schema and the journal. The configuration was read already.
pub async fn check(config: &Config) -> Vec<Finding> {
    let database = &config.database;
    let place = format!("{}:{}/{} as {}", database.host, database.port, database.name, database.user);
    let options = connect_options(database);
    let connecting = MySqlConnection::connect_with(&options);
    let mut findings = Vec::new();
    let mut connection = match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(Ok(connection)) => {
            findings.push(Finding { subject: "database", result: Ok(place) });
            connection
        }
        Ok(Err(error)) => {
            findings.push(Finding { subject: "database", result: Err(format!("{place}: {}", chain(&error))) });
            return findings;
        }
        Err(_) => {
            let words = format!("{place}: no answer within {} s", CONNECT_TIMEOUT.as_secs());
            findings.push(Finding { subject: "database", result: Err(words) });
            return findings;
        }
    };
    let expected = jewel_migrations::expected_version();
    let result = match jewel_migrations::applied_version(&mut connection).await {
        Ok(Some(applied)) if applied >= expected => Ok(format!("version {applied}, needs {expected}")),
        Ok(applied) => Err(format!("version {}, needs {expected}: migrate first", applied.unwrap_or(0))),
        Err(error) => Err(chain(&error)),
    };
    let migrated = result.is_ok();
    findings.push(Finding { subject: "schema", result });
    if migrated {
        findings.push(Finding { subject: "journal", result: Journal::new(config).reach(&mut connection).await });
    }
    // The findings are made; how the connection ends does not matter.
    let _ = connection.close().await;
    findings
}
