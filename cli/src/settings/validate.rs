//! Values that TOML accepts and AWS would refuse: found before the first call.
//!
//! The limits are those of the service models: S3 bucket names have at most 63 characters of `[a-z0-9-]`
//! (`{project}-{env}-operations-{12 digits}` must fit), Lightsail names, master user names and windows are as
//! `CreateInstances` and `CreateRelationalDatabase` document them, and a Cognito domain prefix may not hold
//! `aws`, `amazon` or `cognito`.

use std::ops::Range;
use std::path::Path;

use super::diagnostic::point_at;
use super::file::File;
use super::{payments, terms};
use crate::failure::Failure;

/// Where the value of a section's key stands, when the file says it.
pub(super) type Place<'a> = dyn Fn(&str, &str) -> Option<Range<usize>> + 'a;

/// Checks every value.
///
/// # Errors
/// Exit 2 at the first value that cannot work, pointing at its line.
pub(super) fn check(path: &Path, text: &str, file: &File, place: &Place<'_>) -> Result<(), Failure> {
    let sections = [problems(file), payments::problems(file), terms::problems(file), ci_problems(file)];
    for (section, key, problem, hint) in sections.into_iter().flatten().chain(traffic_problems(file)) {
        if let Some(problem) = problem {
            let message = format!("`{}` {problem}", dotted(section, key));
            return Err(point_at(path, text, place(section, key), &message).hint(hint));
        }
    }
    Ok(())
}

/// Section, key, what is wrong if anything is, and what would be right.
pub(super) type Problem = (&'static str, &'static str, Option<String>, &'static str);

fn problems(file: &File) -> Vec<Problem> {
    vec![
        ("", "project", name_problem(&file.project, 20), NAME_HINT),
        ("", "env", name_problem(&file.env, 10), NAME_HINT),
        ("", "region", region_problem(&file.region), "AWS Regions look like `ap-southeast-1`"),
        (
            "",
            "account_id",
            file.account_id.as_deref().and_then(account_problem),
            "`aws sts get-caller-identity` prints it",
        ),
        (
            "",
            "domain",
            file.domain.as_deref().and_then(domain_problem),
            "a host name in lower case, for instance `permata.example`",
        ),
        ("api", "instances", instances_problem(file), "1 to 4; each is one more machine to pay"),
        ("api", "throttle_rate", positive(file.api.throttle_rate), "requests per second, for instance 100"),
        ("api", "throttle_burst", positive(f64::from(file.api.throttle_burst)), "requests, for instance 200"),
        (
            "database",
            "secret",
            file.database.secret.as_deref().and_then(secret_problem),
            "the secret's name in Secrets Manager, not its ARN",
        ),
        ("database", "name", schema_problem(&file.database.name, 64), "for instance `shop`"),
        ("database", "username", schema_problem(&file.database.username, 16), "for instance `jewel_master`"),
        (
            "database",
            "backup_window",
            window_problem(&file.database.backup_window, false),
            "for instance `18:00-18:30`",
        ),
        (
            "database",
            "maintenance_window",
            window_problem(&file.database.maintenance_window, true),
            "for instance `sun:19:00-sun:19:30`",
        ),
        (
            "snapshots",
            "hour_utc",
            (file.snapshots.hour_utc > 23).then(|| format!("is {}, not an hour", file.snapshots.hour_utc)),
            "0 to 23",
        ),
        ("budget", "monthly_usd", positive(file.budget.monthly_usd), "USD a month, for instance 65"),
        (
            "alerts",
            "emails",
            file.alerts.emails.iter().find_map(|email| email_problem(email)),
            "for instance `[\"owner@example.com\"]`",
        ),
        (
            "local",
            "time_factor",
            (!(0.0..=1.0).contains(&file.local.time_factor)).then(|| "is not between 0 and 1".to_owned()),
            "0 waits for nothing, 1 waits as long as AWS",
        ),
    ]
}

/// What GitHub would never say of a job, and what would let in more jobs than one reads.
fn ci_problems(file: &File) -> Vec<Problem> {
    let Some(ci) = &file.ci else { return Vec::new() };
    let both = ci.environment.is_some() && ci.branch.is_some();
    let both =
        both.then(|| "stands beside `branch`; a job that has an environment does not show its branch".to_owned());
    vec![
        ("ci", "repository", repository_problem(&ci.repository), "`owner/name`, as in its address on GitHub"),
        ("ci", "branch", ci.branch.as_deref().and_then(ref_problem), "for instance `main`"),
        (
            "ci",
            "environment",
            both.or_else(|| ci.environment.as_deref().and_then(ref_problem)),
            "name one of the two; which branches may use an environment is said on GitHub",
        ),
    ]
}

fn repository_problem(repository: &str) -> Option<String> {
    let part = |part: &str| {
        (1..=100).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let ok = repository.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name));
    (!ok).then(|| format!("is `{repository}`, not a repository"))
}

fn ref_problem(name: &str) -> Option<String> {
    let ok = (1..=200).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    (!ok).then(|| format!("is `{name}`; use letters, digits and `-_./`"))
}

fn traffic_problems(file: &File) -> impl Iterator<Item = Problem> {
    let problem =
        |quantity: f64| (!quantity.is_finite() || quantity < 0.0).then(|| "must not be less than 0".to_owned());
    let quantities = file.traffic.quantities().into_iter();
    quantities.map(move |(key, quantity)| ("traffic", key, problem(quantity), "what is expected in a month"))
}

const NAME_HINT: &str = "names of AWS resources are made of it: lower-case letters, digits and single hyphens, starting \
                         with a letter, for instance `permata`";

fn name_problem(name: &str, longest: usize) -> Option<String> {
    let first_ok = name.starts_with(|c: char| c.is_ascii_lowercase());
    let last_ok = name.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let all_ok = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if name.len() < 2 || name.len() > longest {
        return Some(format!("has {} characters; 2 to {longest} are allowed", name.chars().count()));
    }
    if !(first_ok && last_ok && all_ok) || name.contains("--") {
        return Some(format!("is `{name}`, which AWS would refuse as a name"));
    }
    let reserved = ["aws", "amazon", "cognito"].into_iter().find(|word| name.contains(word))?;
    Some(format!("contains `{reserved}`, which AWS reserves in sign-in addresses"))
}

fn region_problem(region: &str) -> Option<String> {
    let parts: Vec<&str> = region.split('-').collect();
    let ok = parts.len() >= 3
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
        && parts.last().is_some_and(|last| last.parse::<u8>().is_ok());
    (!ok).then(|| format!("is `{region}`, not a Region"))
}

fn account_problem(account: &str) -> Option<String> {
    let ok = account.len() == 12 && account.chars().all(|c| c.is_ascii_digit());
    (!ok).then(|| "is not an account number of 12 digits".to_owned())
}

/// The load balancer before several instances has a certificate for a name of the shop's domain.
fn instances_problem(file: &File) -> Option<String> {
    let (count, most) = (file.api.instances, jewel_aws::MOST_INSTANCES);
    match &file.domain {
        _ if !(1..=most).contains(&count) => Some(format!("is {count}; 1 to {most} are possible")),
        _ if count == 1 => None,
        None => Some(format!(
            "is {count}, which needs a `domain`: the load balancer before them has a certificate for `origin.` and it"
        )),
        Some(domain) if domain.len() > 57 => Some(format!(
            "is {count}, which needs a shorter `domain`: a certificate's name has at most 64 characters, `origin.` included"
        )),
        Some(_) => None,
    }
}

fn domain_problem(domain: &str) -> Option<String> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.starts_with(letter)
            && label.ends_with(letter)
            && label.chars().all(|c| letter(c) || c == '-')
    };
    if domain.len() > 64 {
        return Some(format!("has {} characters; a certificate's name has at most 64", domain.len()));
    }
    let numbers = domain.split('.').all(|label| label.parse::<u8>().is_ok());
    (!domain.contains('.') || numbers || !domain.split('.').all(label))
        .then(|| format!("is `{domain}`, not a host name"))
}

fn schema_problem(name: &str, longest: usize) -> Option<String> {
    let ok = (1..=longest).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (!ok).then(|| format!("is `{name}`; a letter, then letters, digits and `_`, at most {longest}"))
}

fn secret_problem(name: &str) -> Option<String> {
    let ok =
        (1..=512).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c));
    (!ok).then(|| format!("is `{name}`, which Secrets Manager would refuse as a name"))
}

fn positive(value: f64) -> Option<String> {
    (!value.is_finite() || value <= 0.0).then(|| "must be more than 0".to_owned())
}

fn email_problem(email: &str) -> Option<String> {
    let ok = email.split_once('@').is_some_and(|(who, at)| !who.is_empty() && at.contains('.') && !at.contains('@'));
    (!ok || email.contains(char::is_whitespace)).then(|| format!("holds `{email}`, which is no mail address"))
}

fn window_problem(window: &str, with_day: bool) -> Option<String> {
    let complaint = || Some(format!("is `{window}`, not a window of at least 30 minutes"));
    let Some((from, to)) = window.split_once('-') else { return complaint() };
    let (Some(from), Some(to)) = (minutes(from, with_day), minutes(to, with_day)) else { return complaint() };
    let cycle = if with_day { 7 * 1440 } else { 1440 };
    if (to + cycle - from) % cycle < 30 { complaint() } else { None }
}

fn minutes(moment: &str, with_day: bool) -> Option<u32> {
    let (day, clock) = if with_day {
        let (day, clock) = moment.split_once(':')?;
        (["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().position(|known| *known == day)?, clock)
    } else {
        (0, moment)
    };
    let (hour, minute) = clock.split_once(':')?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (clock.len() == 5 && hour < 24 && minute < 60).then(|| u32::try_from(day).unwrap_or(0) * 1440 + hour * 60 + minute)
}

fn dotted(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(text: &str) -> String {
        super::super::environments::read(Path::new("jewel.toml"), text, None).unwrap_err().render()
    }

    #[test]
    fn names_aws_would_refuse() {
        insta::assert_snapshot!(failure("project = \"My Shop\"\n"), @r#"
        error: `jewel.toml`, line 1: `project` is `My Shop`, which AWS would refuse as a name
          1 | project = "My Shop"
            |           ^^^^^^^^^

        hint: names of AWS resources are made of it: lower-case letters, digits and single hyphens, starting with a letter, for instance `permata`
        "#);
        for bad in ["x", "-shop", "shop-", "a--b", "the-aws-shop", "a-name-that-is-much-too-long"] {
            assert!(name_problem(bad, 20).is_some(), "{bad} passed");
        }
        assert_eq!(name_problem("maison-permata", 20), None);
    }

    #[test]
    fn values_of_sections_are_pointed_at() {
        insta::assert_snapshot!(failure("project = \"shop\"\n[database]\nbackup_window = \"18:00-18:10\"\n"), @r#"
        error: `jewel.toml`, line 3: `database.backup_window` is `18:00-18:10`, not a window of at least 30 minutes
          3 | backup_window = "18:00-18:10"
            |                 ^^^^^^^^^^^^^

        hint: for instance `18:00-18:30`
        "#);
    }

    #[test]
    fn domains() {
        assert_eq!(domain_problem("shop.permata.example"), None);
        let long = format!("{}.example", "a".repeat(60));
        for bad in ["permata", "Permata.example", "https://permata.example", "permata.example.", "10.0.0.1", &long] {
            assert!(domain_problem(bad).is_some(), "{bad} passed");
        }
    }

    #[test]
    fn several_instances_need_a_domain() {
        insta::assert_snapshot!(failure("project = \"shop\"\n[api]\ninstances = 2\n"), @r#"
        error: `jewel.toml`, line 3: `api.instances` is 2, which needs a `domain`: the load balancer before them has a certificate for `origin.` and it
          3 | instances = 2
            |             ^

        hint: 1 to 4; each is one more machine to pay
        "#);
        let with = |count: u32, domain: Option<&str>| {
            let mut file: File = toml::from_str("project = 'shop'").unwrap();
            (file.api.instances, file.domain) = (count, domain.map(str::to_owned));
            instances_problem(&file)
        };
        assert_eq!(with(1, None), None);
        assert_eq!(with(4, Some("permata.example")), None);
        assert!(with(0, None).is_some() && with(5, Some("permata.example")).is_some());
        assert!(with(2, Some(&format!("{}.example", "a".repeat(50)))).is_some());
    }

    #[test]
    fn mail_addresses() {
        assert_eq!(email_problem("owner@example.com"), None);
        for bad in ["", "owner", "@example.com", "owner@", "a@b@c.d", "own er@example.com"] {
            assert!(email_problem(bad).is_some(), "{bad} passed");
        }
    }

    #[test]
    fn pipelines() {
        assert_eq!(repository_problem("maison-permata/shop.web"), None);
        for bad in ["", "shop", "a/b/c", "*/shop", "maison/*", "https://github.com/a/b", "/shop", "maison/"] {
            assert!(repository_problem(bad).is_some(), "{bad} passed");
        }
        assert_eq!(ref_problem("release/1.0"), None);
        for bad in ["", "*", "main ", "a:b"] {
            assert!(ref_problem(bad).is_some(), "{bad} passed");
        }
        let both = "project = \"shop\"\n[ci]\nrepository = \"a/b\"\nbranch = \"main\"\nenvironment = \"live\"\n";
        assert!(failure(both).contains("line 5: `ci.environment` stands beside `branch`"), "{}", failure(both));
    }

    #[test]
    fn windows() {
        assert_eq!(window_problem("23:45-00:15", false), None);
        assert_eq!(window_problem("sun:23:45-mon:00:15", true), None);
        for bad in ["", "18:00", "18:00-25:00", "6:00-7:00", "sun:18:00-sun:19:00"] {
            assert!(window_problem(bad, false).is_some(), "{bad} passed");
        }
    }
}
