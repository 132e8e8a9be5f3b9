//! What a site is made of: files, what a browser must be told about each, and which of them the bucket lacks.
//! Pure but for reading the folder.

pub(crate) mod manifest;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};

use crate::Error;
use manifest::SiteObject;

/// A year, the longest anything may be cached; for names that change with their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Browsers ask again at each visit; the content network answers, which a publication tells what has changed. Should
/// that be lost, it finds out within the hour.
const ALWAYS_ASK: &str = "public, max-age=0, must-revalidate, s-maxage=3600";

/// A file of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SiteFile {
    /// Its path in the bucket, with forward slashes.
    pub(crate) key: String,
    /// Where it is on this machine.
    pub(crate) path: PathBuf,
    /// Its MD5 in hex, which is what S3 calls an ETag for objects sent in one piece.
    pub(crate) md5: String,
    /// Its length in bytes.
    pub(crate) size: u64,
}

impl SiteFile {
    /// Whether it is a page, which refers to other files and therefore goes last.
    pub(crate) fn is_page(&self) -> bool {
        is_page(&self.key)
    }
}

/// Whether this is a page, which refers to other files and therefore goes last.
pub(crate) fn is_page(key: &str) -> bool {
    key.ends_with(".html")
}

/// For how long browsers and the content network may keep a file.
pub(crate) fn cache_control(key: &str) -> &'static str {
    if !is_page(key) && has_hashed_name(key) { FOR_EVER } else { ALWAYS_ASK }
}

/// What is to be sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Everything a page may refer to; goes first.
    pub(crate) assets: Vec<SiteFile>,
    /// The pages.
    pub(crate) pages: Vec<SiteFile>,
    /// How many files are in the bucket already, unchanged.
    pub(crate) unchanged: usize,
    /// How many objects the bucket has that the site has not. They stay: somebody may have an old page open.
    pub(crate) left_over: usize,
}

/// Compares the files with the bucket's objects, given by their key.
pub(crate) fn changes(files: Vec<SiteFile>, objects: &HashMap<String, SiteObject>) -> Changes {
    let mut changes = Changes::default();
    let mut matched = 0;
    for file in files {
        let object = objects.get(&file.key);
        matched += usize::from(object.is_some());
        if object.is_some_and(|object| object.md5 == file.md5) {
            changes.unchanged += 1;
        } else if file.is_page() {
            changes.pages.push(file);
        } else {
            changes.assets.push(file);
        }
    }
    changes.left_over = objects.len() - matched;
    changes
}

/// Which paths the content network must forget when these files have changed. Those that are kept for ever never do.
pub(crate) fn invalidation<'a>(changed: impl Iterator<Item = &'a str>) -> Vec<String> {
    /// Beyond this one wildcard is cheaper than many paths; a wildcard counts as one.
    const MOST: usize = 15;
    let mut paths = BTreeSet::new();
    for key in changed.filter(|key| cache_control(key) != FOR_EVER) {
        paths.insert(format!("/{}", encoded(key)));
        if key == "index.html" {
            paths.insert("/".to_owned());
        }
    }
    if paths.len() > MOST { vec!["/*".to_owned()] } else { paths.into_iter().collect() }
}

/// Reads a folder, in a stable order. Hidden files are left out.
pub(crate) fn read(folder: &Path) -> Result<Vec<SiteFile>, Error> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::SiteFile { path, source }
        };
        for entry in std::fs::read_dir(&next).map_err(unreadable(&next))? {
            let entry = entry.map_err(unreadable(&next))?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let metadata = std::fs::metadata(&path).map_err(unreadable(&path))?;
            if metadata.is_dir() {
                folders.push(path);
                continue;
            }
            let content = std::fs::read(&path).map_err(unreadable(&path))?;
            let key =
                key(folder, &path).ok_or(Error::NotASite { path: path.clone(), reason: "its name is not UTF-8" })?;
            files.push(SiteFile { key, size: content.len() as u64, md5: hex::encode(Md5::digest(&content)), path });
        }
    }
    if !files.iter().any(|file| file.key == "index.html") {
        return Err(Error::NotASite { path: folder.to_owned(), reason: "it has no index.html" });
    }
    files.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(files)
}

/// The media type a browser is told, by the name's ending.
pub(crate) fn content_type(key: &str) -> &'static str {
    let ending = key.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match ending.as_str() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}

/// Whether a name carries a hash of its content, as bundlers write it: `app-3f9a1c2b.js`, `app.BxT4kz9Q.css`.
fn has_hashed_name(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    let Some((stem, _ending)) = name.rsplit_once('.') else { return false };
    let Some((_, hash)) = stem.rsplit_once(['-', '.']) else { return false };
    let letters = hash.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    // A digit in it tells a hash from a word.
    letters && hash.len() >= 8 && hash.chars().any(|c| c.is_ascii_digit())
}

fn key(folder: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.strip_prefix(folder).ok()?.iter().map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/"))
}

pub(crate) fn encoded(key: &str) -> String {
    key.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(key: &str, md5: &str) -> SiteFile {
        SiteFile { key: key.to_owned(), path: PathBuf::from(key), md5: md5.to_owned(), size: 1 }
    }

    #[test]
    fn only_what_changed_is_sent_and_pages_go_last() {
        let files = vec![file("a.css", "1"), file("b.js", "2"), file("index.html", "3"), file("new.svg", "4")];
        let objects = [("a.css", "1"), ("b.js", "x"), ("index.html", "x"), ("old.js", "9")];
        let object = |etag: &str| SiteObject { md5: etag.to_owned(), version_id: None };
        let objects = objects.map(|(key, etag)| (key.to_owned(), object(etag))).into();
        let changes = changes(files, &objects);
        let keys = |files: &[SiteFile]| files.iter().map(|file| file.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&changes.assets), ["b.js", "new.svg"]);
        assert_eq!(keys(&changes.pages), ["index.html"]);
        assert_eq!((changes.unchanged, changes.left_over), (1, 1));
    }

    #[test]
    fn the_content_network_forgets_what_may_change() {
        let forgotten = invalidation(["b.js", "index.html", "app-3f9a1c2b.js"].into_iter());
        assert_eq!(forgotten, ["/", "/b.js", "/index.html"]);
        assert!(invalidation([].into_iter()).is_empty());
        let many: Vec<String> = (0..20).map(|n| format!("{n}.html")).collect();
        assert_eq!(invalidation(many.iter().map(String::as_str)), ["/*"]);
    }

    #[test]
    fn names_with_a_hash_are_kept_for_ever() {
        for key in ["assets/app-3f9a1c2b.js", "app.BxT4kz9Q.css"] {
            assert_eq!(cache_control(key), FOR_EVER, "{key}");
        }
        for key in ["app.js", "assets/product-card.js", "jquery.min.js", "index-3f9a1c2b.html", "favicon.svg"] {
            assert_eq!(cache_control(key), ALWAYS_ASK, "{key}");
        }
    }

    #[test]
    fn a_folder_is_read_with_all_its_folders() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()), Err(Error::NotASite { .. })));
        std::fs::create_dir(folder.path().join("assets")).unwrap();
        for (name, content) in [("index.html", "<p>"), ("assets/a.css", "p{}"), (".hidden", "x")] {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let files = read(folder.path()).unwrap();
        assert_eq!(files.iter().map(|file| file.key.as_str()).collect::<Vec<_>>(), ["assets/a.css", "index.html"]);
        assert_eq!((files[1].md5.len(), files[1].size), (32, 3));
    }

    #[test]
    fn paths_are_encoded_as_browsers_ask_for_them() {
        assert_eq!(encoded("a b/ü.css"), "a%20b/%C3%BC.css");
    }
}
