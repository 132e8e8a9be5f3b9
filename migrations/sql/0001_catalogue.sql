-- The catalogue: what the shop sells and how it is shown.
--
-- Rules all tables here follow:
--   * ids are UUIDs (version 7, made by the application) in BINARY(16), so that rows keep their identity across restores;
--   * times are DATETIME(6) in UTC and written by the application, never by the server, whose time zone is not ours to set;
--   * money is a whole number of minor units (cents) plus an ISO 4217 code;
--   * identifiers people type or link to (slug, sku, metal) compare byte by byte, names and texts by Unicode rules.
-- Only syntax that MySQL 8.0, 8.4, 9 and MariaDB 10.11 share is used.

CREATE TABLE categories (
    id          BINARY(16)    NOT NULL,
    slug        VARCHAR(80)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    name        VARCHAR(120)  NOT NULL,
    description VARCHAR(1000) NOT NULL DEFAULT '',
    position    INT           NOT NULL DEFAULT 0,
    created_at  DATETIME(6)   NOT NULL,
    updated_at  DATETIME(6)   NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY categories_slug (slug),
    KEY categories_position (position, slug)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- All variants of a product are priced in the product's currency. `price_from_minor` is the lowest price among them: it
-- is kept here, by whoever writes variants and in the same transaction, because the list sorts by it.
CREATE TABLE products (
    id               BINARY(16)   NOT NULL,
    category_id      BINARY(16)   NOT NULL,
    slug             VARCHAR(120) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    name             VARCHAR(200) NOT NULL,
    description      TEXT         NOT NULL,
    status           VARCHAR(16)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'active',
    currency         CHAR(3)      CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    price_from_minor BIGINT       NOT NULL,
    created_at       DATETIME(6)  NOT NULL,
    updated_at       DATETIME(6)  NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY products_slug (slug),
    KEY products_newest (status, created_at, id),
    KEY products_price (status, price_from_minor, id),
    KEY products_name (status, name, id),
    KEY products_category_newest (category_id, status, created_at, id),
    KEY products_category_price (category_id, status, price_from_minor, id),
    KEY products_category_name (category_id, status, name, id),
    FULLTEXT KEY products_text (name, description),
    CONSTRAINT products_category_fk FOREIGN KEY (category_id) REFERENCES categories (id),
    CONSTRAINT products_status_known CHECK (status IN ('active', 'draft', 'archived')),
    CONSTRAINT products_price_positive CHECK (price_from_minor > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- What can be bought. `metal` is a code such as gold_18k, rose_gold_18k, silver_925 or platinum_950; `ring_size` is the
-- text printed on the label and NULL for what is not a ring.
CREATE TABLE variants (
    id          BINARY(16)   NOT NULL,
    product_id  BINARY(16)   NOT NULL,
    position    INT          NOT NULL DEFAULT 0,
    sku         VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    metal       VARCHAR(32)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    stone       VARCHAR(64)  NULL,
    ring_size   VARCHAR(16)  NULL,
    price_minor BIGINT       NOT NULL,
    created_at  DATETIME(6)  NOT NULL,
    updated_at  DATETIME(6)  NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY variants_sku (sku),
    KEY variants_product (product_id, position, id),
    KEY variants_metal (metal, product_id, price_minor),
    CONSTRAINT variants_product_fk FOREIGN KEY (product_id) REFERENCES products (id),
    CONSTRAINT variants_price_positive CHECK (price_minor > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- Pictures in the media bucket, the first by position being the one shown in lists. `object_key` is the whole key, for
-- example media/products/<slug>/1.svg; the API makes the public address of it.
CREATE TABLE images (
    id         BINARY(16)   NOT NULL,
    product_id BINARY(16)   NOT NULL,
    position   INT          NOT NULL,
    object_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    alt        VARCHAR(255) NOT NULL,
    width      INT          NOT NULL,
    height     INT          NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY images_position (product_id, position),
    CONSTRAINT images_product_fk FOREIGN KEY (product_id) REFERENCES products (id),
    CONSTRAINT images_size_positive CHECK (width > 0 AND height > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
