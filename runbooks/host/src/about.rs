//! What a release says of itself: asked when it is tried, kept beside its binary.

use serde::{Deserialize, Serialize};

/// The answer to `GET /version`, as far as it matters to who operates the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its version.
    pub version: String,
    /// The source revision it was built from, where the build was told.
    pub revision: Option<String>,
    /// The version of the database's schema it was written for.
    pub schema_version: u32,
}

impl About {
    /// Reads an answer to `/version`: what it says, and as which release it runs.
    pub(crate) fn parse(body: &str) -> Option<(Self, Option<String>)> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(flatten)]
            about: About,
            release: Option<String>,
        }
        let answer: Answer = serde_json::from_str(body).ok()?;
        Some((answer.about, answer.release))
    }

    /// One line that [`About::from_line`] reads.
    pub(crate) fn line(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// What was kept of it.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_kept() {
        let body =
            r#"{"name":"jewel-api","version":"0.2.0","revision":"4f2a91c","release":"0.2.0-ab","schema_version":7}"#;
        let (about, release) = About::parse(body).unwrap();
        assert_eq!((about.schema_version, release.as_deref()), (7, Some("0.2.0-ab")));
        assert_eq!(About::from_line(&about.line()), Some(about));
        assert_eq!(About::parse("<html>"), None);
    }
}
