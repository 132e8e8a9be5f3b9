//! The rules of a catalogue that its shape alone does not express.

use std::collections::BTreeSet;

use super::{Catalogue, Error, Piece};

/// Finds the first broken rule.
pub(super) fn check(catalogue: &Catalogue) -> Result<(), Error> {
    if catalogue.currency.len() != 3 || !catalogue.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return wrong(&catalogue.currency, "a currency has three capital letters");
    }
    let mut categories = BTreeSet::new();
    for category in &catalogue.categories {
        slug(&category.slug)?;
        if !categories.insert(category.slug.as_str()) {
            return wrong(&category.slug, "this category is there twice");
        }
    }
    let (mut slugs, mut skus) = (BTreeSet::new(), BTreeSet::new());
    for piece in &catalogue.pieces {
        slug(&piece.slug)?;
        if !slugs.insert(piece.slug.as_str()) {
            return wrong(&piece.slug, "this slug is there twice");
        }
        if !categories.contains(piece.category.as_str()) {
            return wrong(&piece.slug, format!("there is no category {}", piece.category));
        }
        check_piece(piece)?;
        for variant in piece.variants() {
            if !skus.insert(variant.sku.clone()) {
                return wrong(&variant.sku, "this stock number is there twice");
            }
        }
    }
    Ok(())
}

fn check_piece(piece: &Piece) -> Result<(), Error> {
    if piece.added.parse::<jiff::civil::Date>().is_err() {
        return wrong(&piece.slug, format!("{:?} is not a date of the form YYYY-MM-DD", piece.added));
    }
    for (what, text, longest) in [
        ("name", &piece.name, 200),
        ("description", &piece.description, 2000),
        // The picture's text alternative gets a few words more.
        ("look", &piece.look, 150),
    ] {
        if text.trim().is_empty() || text.len() > longest {
            return wrong(&piece.slug, format!("{what} must have 1 to {longest} bytes"));
        }
    }
    if piece.variants.is_empty() {
        return wrong(&piece.slug, "it has no variant");
    }
    for variant in &piece.variants {
        if variant.price <= 0 {
            return wrong(&piece.slug, "a price must be positive");
        }
        if variant.stock.is_some() != variant.sizes.is_empty() {
            return wrong(&piece.slug, "a variant has either a stock or sizes");
        }
        if let Some(size) = variant.sizes.keys().find(|size| !size.parse::<u32>().is_ok_and(|size| size < 100)) {
            return wrong(&piece.slug, format!("{size:?} is not a ring size"));
        }
    }
    Ok(())
}

fn slug(slug: &str) -> Result<(), Error> {
    let words = slug.split('-');
    let fits = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if slug.len() > 80 || !words.into_iter().all(fits) {
        return wrong(slug, "a slug is lower-case words joined by hyphens");
    }
    Ok(())
}

fn wrong(at: &str, reason: impl Into<String>) -> Result<(), Error> {
    Err(Error::Content { at: at.to_owned(), reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::demo::catalogue::{Catalogue, EMBEDDED, Error};

    #[test]
    fn the_embedded_catalogue_is_a_believable_shop() {
        let catalogue = Catalogue::embedded().unwrap();
        assert!(catalogue.pieces.len() >= 28, "{} pieces", catalogue.pieces.len());
        assert!(catalogue.categories.len() >= 5);
        for category in &catalogue.categories {
            let count = catalogue.pieces.iter().filter(|piece| piece.category == category.slug).count();
            assert!(count >= 3, "{} has {count} pieces", category.slug);
        }
        let variants: Vec<_> = catalogue.pieces.iter().flat_map(|piece| piece.variants()).collect();
        assert!(variants.iter().any(|variant| variant.stock == 0), "some are sold out");
        assert!(variants.iter().filter(|variant| variant.ring_size.is_some()).count() > 50, "rings have sizes");
        let metals: BTreeSet<_> = variants.iter().map(|variant| variant.metal.code()).collect();
        assert_eq!(metals.len(), 5, "{metals:?}");
        let looks: BTreeSet<_> = catalogue.pieces.iter().map(|piece| &piece.look).collect();
        assert_eq!(looks.len(), catalogue.pieces.len(), "every piece is described in its own words");
    }

    #[test]
    fn sizes_are_in_order_and_numbers_sort_with_them() {
        let catalogue = Catalogue::embedded().unwrap();
        let variants = catalogue.pieces[0].variants();
        let skus: Vec<_> = variants.iter().take(3).map(|variant| variant.sku.as_str()).collect();
        assert_eq!(skus, ["MP-R101-YG-09", "MP-R101-YG-11", "MP-R101-YG-13"]);
    }

    #[test]
    fn every_broken_rule_is_named() {
        let cases = [
            (r#"slug = "rings""#, r#"slug = "Rings""#, "lower-case"),
            (r#"category = "rings""#, r#"category = "tiaras""#, "no category tiaras"),
            ("price = 428000", "price = 0", "positive"),
            ("stock = 2 }", "stock = 2, sizes = { 9 = 1 } }", "either a stock or sizes"),
            ("{ 9 = 2, 11", "{ XL = 2, 11", "not a ring size"),
            (r#"sku = "MP-R102""#, r#"sku = "MP-R107""#, "twice"),
            (r#"slug = "laut-sapphire-halo-ring""#, r#"slug = "seri-solitaire-ring""#, "twice"),
            (r#"added = "2025-11-03""#, r#"added = "2025-02-30""#, "not a date"),
            (r#"currency = "SGD""#, r#"currency = "S$""#, "three capital letters"),
        ];
        for (from, to, reason) in cases {
            let broken = EMBEDDED.replacen(from, to, 1);
            assert_ne!(broken, EMBEDDED, "{from} is not in the catalogue");
            let error = Catalogue::parse(&broken).unwrap_err();
            assert!(matches!(error, Error::Content { .. }), "{error:?}");
            assert!(error.to_string().contains(reason), "{error} does not say {reason:?}");
        }
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let broken = EMBEDDED.replacen("look =", "loook =", 1);
        assert!(matches!(Catalogue::parse(&broken), Err(Error::Syntax(_))));
    }
}
