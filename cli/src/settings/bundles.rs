//! Bundles: a name that nobody knows a price for is refused here, before a plan counts it as nothing.

use std::path::Path;

use super::diagnostic::{nearest, point_at};
use super::file::File;
use super::validate::Place;
use crate::failure::Failure;

/// Checks the bundles of the machines and of the database, where Lightsail makes them.
///
/// # Errors
/// Exit 2 at the first unknown one, with the nearest that there is.
pub(super) fn check(path: &Path, text: &str, file: &File, place: &Place<'_>) -> Result<(), Failure> {
    let database = (!file.database.external).then_some(("database", &file.database.bundle, "Lightsail database "));
    for (section, bundle, kind) in
        [Some(("api", &file.api.bundle, "Lightsail instance ")), database].into_iter().flatten()
    {
        let known: Vec<String> =
            jewel_aws::rates().iter().filter_map(|rate| rate.item.strip_prefix(kind)).map(str::to_owned).collect();
        if !known.contains(bundle) {
            let message = format!("`{section}.bundle` is `{bundle}`, which is not in the table of prices");
            return Err(point_at(path, text, place(section, "bundle"), &message).hint(nearest(bundle, &known)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), Failure> {
        check(Path::new("jewel.toml"), text, &toml::from_str(text).unwrap(), &|_, _| None)
    }

    #[test]
    fn unknown_bundles_are_refused_with_the_nearest() {
        let slip = checked("project = 'shop'\n[api]\nbundle = 'smal_3_0'\n").unwrap_err().render();
        assert!(slip.contains("`api.bundle` is `smal_3_0`") && slip.contains("did you mean `small_3_0`?"), "{slip}");
        let huge = checked("project = 'shop'\n[database]\nbundle = 'enormous_9_9'\n").unwrap_err().render();
        assert!(huge.contains("There are micro_2_0, micro_ha_2_0"), "{huge}");
    }

    #[test]
    fn a_database_of_somebody_else_s_has_no_bundle() {
        checked("project = 'shop'\n[database]\nexternal = true\nsecret = 'tidb'\nbundle = 'theirs'\n").unwrap();
        checked("project = 'shop'\n").unwrap();
    }
}
