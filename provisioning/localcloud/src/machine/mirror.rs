//! Where this host gets its packages from: the same place is good enough for the base image.

use std::path::Path;

use fs_err as fs;

/// A Debian-like release and a place to get it from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) codename: String,
    pub(super) mirror: String,
}

/// The host's own release, from its `/etc/os-release` and apt sources below `root`.
pub(super) fn find(root: &Path) -> Result<Source, String> {
    let release = fs::read_to_string(root.join("etc/os-release")).map_err(|e| e.to_string())?;
    let codename = value(&release, "VERSION_CODENAME").ok_or("/etc/os-release names no release")?;
    let mut texts = vec![(false, root.join("etc/apt/sources.list"))];
    if let Ok(entries) = fs::read_dir(root.join("etc/apt/sources.list.d")) {
        let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            match path.extension().and_then(|e| e.to_str()) {
                Some("list") => texts.push((false, path)),
                Some("sources") => texts.push((true, path)),
                _ => {}
            }
        }
    }
    texts
        .into_iter()
        .filter_map(|(deb822, path)| Some((deb822, fs::read_to_string(path).ok()?)))
        .find_map(|(deb822, text)| if deb822 { in_stanzas(&text, &codename) } else { in_lines(&text, &codename) })
        .map(|mirror| Source { codename: codename.clone(), mirror })
        .ok_or_else(|| format!("no apt source of this machine has the main part of {codename}"))
}

fn value(release: &str, name: &str) -> Option<String> {
    release
        .lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.trim_matches('"').to_owned())
        .filter(|value| !value.is_empty())
}

/// One-line style: `deb [options] URI suite component...`.
fn in_lines(text: &str, codename: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim().strip_prefix("deb ")?.trim_start();
        let line = if line.starts_with('[') { line.split_once(']')?.1 } else { line };
        let mut words = line.split_whitespace();
        let (uri, suite) = (words.next()?, words.next()?);
        (suite == codename && words.any(|component| component == "main") && usable(uri)).then(|| uri.to_owned())
    })
}

/// deb822 style: stanzas of `Field: values`.
fn in_stanzas(text: &str, codename: &str) -> Option<String> {
    let text: String = text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    text.split("\n\n").find_map(|stanza| {
        let field = |name: &str| {
            let line = stanza
                .lines()
                .find(|line| line.split_once(':').is_some_and(|(key, _)| key.trim().eq_ignore_ascii_case(name)))?;
            Some(line.split_once(':')?.1.split_whitespace().collect::<Vec<_>>())
        };
        let enabled = field("Enabled").is_none_or(|values| values != ["no"]);
        let suits = enabled
            && field("Types")?.contains(&"deb")
            && field("Suites")?.contains(&codename)
            && field("Components")?.contains(&"main");
        suits.then(|| field("URIs")?.into_iter().find(|uri| usable(uri)).map(str::to_owned))?
    })
}

fn usable(uri: &str) -> bool {
    ["http://", "https://", "file:/", "copy:/"].iter().any(|scheme| uri.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    const RELEASE: (&str, &str) = ("etc/os-release", "ID=debian\nVERSION_CODENAME=bookworm\n");

    #[test]
    fn one_line_sources_are_understood() {
        let text = "# deb http://commented/debian bookworm main\n\
                    deb http://mirror/security bookworm-security main\n\
                    deb [signed-by=/k arch=amd64] http://mirror/debian bookworm contrib main\n";
        let root = host(&[RELEASE, ("etc/apt/sources.list", text)]);
        assert_eq!(
            find(root.path()).unwrap(),
            Source { codename: "bookworm".into(), mirror: "http://mirror/debian".into() }
        );
    }

    #[test]
    fn stanzas_are_understood() {
        let text = "Types: deb\nURIs: http://mirror/other\nSuites: nodistro\nComponents: main\n\n\
                    Types: deb\nEnabled: no\nURIs: http://off/debian\nSuites: bookworm\nComponents: main\n\n\
                    Types: deb\n# a remark\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\nComponents: main\n";
        let root = host(&[RELEASE, ("etc/apt/sources.list.d/debian.sources", text)]);
        assert_eq!(find(root.path()).unwrap().mirror, "http://mirror/debian");
    }

    #[test]
    fn a_host_without_a_usable_source_says_so() {
        let root = host(&[RELEASE, ("etc/apt/sources.list", "deb cdrom:[x]/ bookworm main\n")]);
        assert!(find(root.path()).unwrap_err().contains("bookworm"));
        assert!(find(host(&[]).path()).is_err());
    }
}
