//! The storefront that comes with this program, for shops without a site of their own.

use std::path::Path;

use include_dir::{Dir, include_dir};

use crate::failure::Failure;

static STOREFRONT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../api/storefront");

/// Where the site's files are for the length of a command.
pub(crate) enum SiteFolder {
    /// A folder of the operator's.
    Given(std::path::PathBuf),
    /// The built-in one, unpacked; removed when dropped.
    BuiltIn(tempfile::TempDir),
}

impl SiteFolder {
    /// The built-in storefront.
    pub(crate) fn built_in() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("jewel-site-").tempdir()?;
        STOREFRONT.extract(folder.path())?;
        Ok(Self::BuiltIn(folder))
    }

    /// The path.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::BuiltIn(folder) => folder.path(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_storefront_is_compiled_in() {
        let site = super::SiteFolder::built_in().unwrap();
        assert!(site.path().join("index.html").exists());
    }
}
