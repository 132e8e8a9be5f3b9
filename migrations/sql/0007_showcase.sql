-- What visitors are shown of each product on sale, ready to send: a page of 24 products would otherwise look into some
-- 200 rows of variants, stock and pictures. Whatever changes one of those writes this row in the same transaction
-- (`showcase.rs` in the API), so that it is never older than what it is made of.
--
-- `summary` and `detail` are JSON as the API of a certain `format` answers with; any other format, such as the 0 that
-- rows begin with, means that they have to be made anew. The rows of one category lie together in the order of its list.
CREATE TABLE showcase (
    category_id      BINARY(16)   NOT NULL,
    created_at       DATETIME(6)  NOT NULL,
    product_id       BINARY(16)   NOT NULL,
    slug             VARCHAR(120) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    name             VARCHAR(200) NOT NULL,
    price_from_minor BIGINT       NOT NULL,
    format           BIGINT       NOT NULL DEFAULT 0,
    summary          MEDIUMTEXT   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    detail           MEDIUMTEXT   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (category_id, created_at, product_id),
    UNIQUE KEY showcase_product (product_id),
    UNIQUE KEY showcase_slug (slug),
    KEY showcase_newest (created_at, product_id),
    KEY showcase_price (price_from_minor, product_id),
    KEY showcase_name (name, product_id),
    KEY showcase_category_price (category_id, price_from_minor, product_id),
    KEY showcase_category_name (category_id, name, product_id),
    KEY showcase_format (format),
    CONSTRAINT showcase_product_fk FOREIGN KEY (product_id) REFERENCES products (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

INSERT INTO showcase (category_id, created_at, product_id, slug, name, price_from_minor, summary, detail)
SELECT category_id, created_at, id, slug, name, price_from_minor, '', '' FROM products WHERE status = 'active'
ON DUPLICATE KEY UPDATE format = 0;
