//! How whoever writes products by other means than the API tells it so.

/// Marks what visitors are shown of every product on sale as out of date, and begins it where there is none. The API
/// answers from the tables it is made of until it has made it anew.
pub const SHOWCASE_ANEW: &str = "\
INSERT INTO showcase (category_id, created_at, product_id, slug, name, price_from_minor, summary, detail)
SELECT category_id, created_at, id, slug, name, price_from_minor, '', '' FROM products WHERE status = 'active'
ON DUPLICATE KEY UPDATE format = 0";

#[cfg(test)]
mod tests {
    #[test]
    fn the_migration_says_the_same() {
        let file = include_str!("../sql/0007_showcase.sql");
        assert!(file.ends_with(&format!("{};\n", super::SHOWCASE_ANEW)));
    }
}
