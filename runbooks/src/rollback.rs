//! Choosing the release to go back to. Putting it into service is a deployment like any other: [`crate::deploy_api`].

use jewel_host::{Release, State};

use crate::Error;

/// The release on this instance that is meant: its id, the beginning of it, or nothing for the one before.
///
/// # Errors
/// [`Error::NoneBefore`], [`Error::NoRelease`] and [`Error::ManyReleases`].
pub fn choose<'a>(instance: &str, state: &'a State, wanted: Option<&str>) -> Result<&'a Release, Error> {
    let names = |releases: &[&Release]| releases.iter().map(|release| release.id.clone()).collect();
    let all: Vec<&Release> = state.releases.iter().collect();
    let (instance, there) = (instance.to_owned(), names(&all));
    let Some(wanted) = wanted else { return state.previous().ok_or(Error::NoneBefore { instance, there }) };
    let fitting: Vec<&Release> = all.iter().copied().filter(|release| release.id.starts_with(wanted)).collect();
    match (fitting.as_slice(), fitting.iter().find(|release| release.id == wanted)) {
        (_, Some(exact)) => Ok(exact),
        ([one], None) => Ok(one),
        ([], None) => Err(Error::NoRelease { instance, wanted: wanted.to_owned(), there }),
        (many, None) => Err(Error::ManyReleases { instance, wanted: wanted.to_owned(), there: names(many) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let release = |id: &str, second: i64, served: bool| Release {
            id: id.to_owned(),
            current: id == "1.1-bb",
            served,
            at: jiff::Timestamp::from_second(second).unwrap(),
            about: None,
        };
        let releases = vec![
            release("1.2-cc", 9, false),
            release("1.1-bb", 8, true),
            release("1.0-ab", 7, true),
            release("1.0-aa", 6, true),
        ];
        State { releases, ..State::default() }
    }

    #[test]
    fn without_a_name_it_is_the_one_that_served_before() {
        assert_eq!(choose("i", &state(), None).unwrap().id, "1.0-ab");
        let error = choose("i", &State::default(), None).expect_err("there is none").to_string();
        assert_eq!(error, "i has no release before the one in service; it has none");
    }

    #[test]
    fn a_name_may_be_shortened_but_must_mean_one() {
        assert_eq!(choose("i", &state(), Some("1.0-aa")).unwrap().id, "1.0-aa");
        assert_eq!(choose("i", &state(), Some("1.2")).unwrap().id, "1.2-cc");
        assert!(
            matches!(choose("i", &state(), Some("1.0")), Err(Error::ManyReleases { there, .. }) if there.len() == 2)
        );
        assert!(matches!(choose("i", &state(), Some("7")), Err(Error::NoRelease { there, .. }) if there.len() == 4));
    }
}
