-- For the peer alone: what lists show of a product, gathered in one row.
CREATE TABLE cards (
    product_id BINARY(16)   NOT NULL,
    metals     TEXT         CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    in_stock   INT          NOT NULL,
    object_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    alt        VARCHAR(255) NULL,
    width      INT          NULL,
    height     INT          NULL,
    sizes      TEXT         NULL,
    version    BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (product_id),
    CONSTRAINT cards_product_fk FOREIGN KEY (product_id) REFERENCES products (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

INSERT IGNORE INTO cards (product_id, metals, in_stock, object_key, alt, width, height, sizes)
SELECT p.id,
    COALESCE((SELECT GROUP_CONCAT(DISTINCT v.metal ORDER BY v.metal SEPARATOR ',')
        FROM variants v WHERE v.product_id = p.id AND v.status = 'active'), ''),
    EXISTS (SELECT 1 FROM variants v JOIN inventory s ON s.variant_id = v.id
        WHERE v.product_id = p.id AND v.status = 'active' AND s.on_hand > s.reserved),
    i.object_key, i.alt, i.width, i.height, i.sizes
FROM products p
LEFT JOIN (
    SELECT product_id, object_key, alt, width, height, sizes,
        ROW_NUMBER() OVER (PARTITION BY product_id ORDER BY position, id) AS place
    FROM images WHERE frame_set_id IS NULL AND removed_at IS NULL
) i ON i.product_id = p.id AND i.place = 1;
