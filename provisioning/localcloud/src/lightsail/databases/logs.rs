//! The logs of a database: what its server says, line by line, with the server's own times.
//!
//! There is one stream. Pages go both ways, as those of CloudWatch Logs do: each answer has a token for what follows and
//! one for what precedes, and an empty page means that there is no more in that direction.

use std::{ops::Range, sync::Arc};

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{found, restore::moment};
use crate::lightsail::{fault::Fault, operations::epoch, service::Service};

const STREAM: &str = "error";

/// How many lines one answer holds.
const PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Streams {
    relational_database_name: String,
}

pub(crate) async fn streams(service: &Arc<Service>, request: Streams) -> Result<Value, Fault> {
    found(&service.store.now(), &request.relational_database_name)?;
    Ok(json!({ "logStreams": [STREAM] }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Events {
    relational_database_name: String,
    log_stream_name: String,
    start_time: Option<f64>,
    end_time: Option<f64>,
    #[serde(default)]
    start_from_head: bool,
    page_token: Option<String>,
}

pub(crate) async fn events(service: &Arc<Service>, request: Events) -> Result<Value, Fault> {
    let state = service.store.now();
    let database = found(&state, &request.relational_database_name)?;
    if request.log_stream_name != STREAM {
        return Err(Fault::not_found(format!("The log stream does not exist: {}", request.log_stream_name)));
    }
    let (from, to) = (request.start_time.map(moment).transpose()?, request.end_time.map(moment).transpose()?);
    let text = service.hardware.database_log(&database.id).await;
    let mut lines = timed(&text, database.common.created_at);
    lines.retain(|(time, _)| from.is_none_or(|from| *time >= from) && to.is_none_or(|to| *time <= to));
    let page = page(lines.len(), request.page_token.as_deref(), request.start_from_head)?;
    let view = |(time, line): &(Timestamp, &str)| json!({ "createdAt": epoch(*time), "message": line });
    Ok(json!({
        "resourceLogEvents": lines[page.clone()].iter().map(view).collect::<Vec<_>>(),
        "nextBackwardToken": format!("b/{}", page.start),
        "nextForwardToken": format!("f/{}", page.end),
    }))
}

/// The lines of the page after a token, or the first one in the wanted direction.
fn page(lines: usize, token: Option<&str>, from_head: bool) -> Result<Range<usize>, Fault> {
    let invalid = || Fault::invalid("The page token is not valid.");
    let at = |text: &str| text.parse::<usize>().map(|at| at.min(lines)).map_err(|_| invalid());
    let (forward, at) = match token {
        None if from_head => (true, 0),
        None => (false, lines),
        Some(token) => match token.split_once('/') {
            Some(("f", text)) => (true, at(text)?),
            Some(("b", text)) => (false, at(text)?),
            _ => return Err(invalid()),
        },
    };
    Ok(if forward { at..(at + PAGE).min(lines) } else { at.saturating_sub(PAGE)..at })
}

/// Each line with its time; one without has that of the line before.
fn timed(text: &str, first: Timestamp) -> Vec<(Timestamp, &str)> {
    let mut last = first;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            last = time_of(line).unwrap_or(last);
            (last, line)
        })
        .collect()
}

/// MySQL begins a line with `2026-11-23T00:24:25.717334Z`, MariaDB with `2026-11-23  0:24:25`; both in UTC here.
fn time_of(line: &str) -> Option<Timestamp> {
    let mut words = line.split_whitespace();
    let first = words.next()?;
    if let Ok(time) = first.parse::<Timestamp>() {
        return Some(time);
    }
    let date: civil::Date = first.parse().ok()?;
    let mut parts = words.next()?.split(':').map(str::parse::<i8>);
    let (hour, minute, second) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let time = civil::Time::new(hour, minute, second, 0).ok()?;
    date.to_datetime(time).to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_servers_own_times() {
        let text = "begun\n2026-11-23T00:24:25.5Z 0 [System] ready\n  more\n2026-11-23  0:24:27 0 [Note] InnoDB\n";
        let times: Vec<i64> = timed(text, Timestamp::UNIX_EPOCH).iter().map(|(time, _)| time.as_second()).collect();
        let ready = "2026-11-23T00:24:25Z".parse::<Timestamp>().unwrap().as_second();
        assert_eq!(times, [0, ready, ready, ready + 2]);
    }

    #[test]
    fn pages_go_both_ways_and_end_empty() {
        let pages = |mut token: Option<String>, head: bool, mark: &str| {
            let mut pages = Vec::new();
            loop {
                let page = page(250, token.as_deref(), head).unwrap();
                if page.is_empty() {
                    return pages;
                }
                token = Some(format!("{mark}/{}", if mark == "f" { page.end } else { page.start }));
                pages.push((page.start, page.end));
            }
        };
        assert_eq!(pages(None, true, "f"), [(0, 100), (100, 200), (200, 250)]);
        assert_eq!(pages(None, false, "b"), [(150, 250), (50, 150), (0, 50)]);
        assert!(page(250, Some("x/1"), true).is_err() && page(250, Some("f/-1"), true).is_err());
    }
}
