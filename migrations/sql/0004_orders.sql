-- Carts, orders, and what they do to stock. The rules are those of 0001 and 0003.

-- At this many left or less, somebody should look.
ALTER TABLE inventory ADD COLUMN low_stock INT NOT NULL DEFAULT 2;

-- Every change of stock by hand: by how much, to what, why, and by whom.
CREATE TABLE inventory_adjustments (
    id         BINARY(16)   NOT NULL,
    variant_id BINARY(16)   NOT NULL,
    delta      INT          NOT NULL,
    on_hand    INT          NOT NULL,
    reason     VARCHAR(200) NOT NULL,
    author     VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    version    BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    KEY inventory_adjustments_variant (variant_id, id),
    CONSTRAINT inventory_adjustments_variant_fk FOREIGN KEY (variant_id) REFERENCES variants (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- `open_for` is the customer while the cart is open and NULL after: a customer has one open cart, which the server
-- sees to. `contents` is a JSON list of variants, quantities and the price that was shown.
CREATE TABLE carts (
    id         BINARY(16)   NOT NULL,
    customer   VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    open_for   VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    status     VARCHAR(16)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    contents   TEXT         CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    updated_at DATETIME(6)  NOT NULL,
    version    BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    UNIQUE KEY carts_open_for (open_for),
    CONSTRAINT carts_status_known CHECK (status IN ('open', 'ordered', 'merged'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- What was agreed when the order was placed, and where it stands. A cart becomes one order, which the server sees to.
-- `tax_minor` is the part of the total that is tax. `document` says whether the confirmation is in the bucket yet.
CREATE TABLE orders (
    id                BINARY(16)   NOT NULL,
    number            VARCHAR(16)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    cart_id           BINARY(16)   NOT NULL,
    customer          VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    email             VARCHAR(254) NOT NULL,
    address           TEXT         NOT NULL,
    status            VARCHAR(24)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    currency          CHAR(3)      CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    items_minor       BIGINT       NOT NULL,
    shipping_minor    BIGINT       NOT NULL,
    total_minor       BIGINT       NOT NULL,
    tax_name          VARCHAR(32)  NOT NULL,
    tax_basis_points  INT          NOT NULL,
    tax_minor         BIGINT       NOT NULL,
    shipping_method   VARCHAR(32)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    payment_method    VARCHAR(32)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    payment_reference VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    paid_at           DATETIME(6)  NULL,
    refunded_minor    BIGINT       NOT NULL DEFAULT 0,
    carrier           VARCHAR(64)  NULL,
    tracking          VARCHAR(128) NULL,
    expires_at        DATETIME(6)  NULL,
    document          VARCHAR(16)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at        DATETIME(6)  NOT NULL,
    updated_at        DATETIME(6)  NOT NULL,
    version           BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    UNIQUE KEY orders_number (number),
    UNIQUE KEY orders_cart (cart_id),
    KEY orders_customer (customer, id),
    KEY orders_status (status, id),
    KEY orders_expiry (status, expires_at),
    KEY orders_document (document, id),
    CONSTRAINT orders_cart_fk FOREIGN KEY (cart_id) REFERENCES carts (id),
    CONSTRAINT orders_status_known CHECK (status IN ('pending_payment', 'confirmed', 'paid', 'paid_out_of_stock',
        'fulfilled', 'shipped', 'delivered', 'cancelled', 'expired', 'refunded')),
    CONSTRAINT orders_sum CHECK (total_minor = items_minor + shipping_minor),
    CONSTRAINT orders_refunded_within_total CHECK (refunded_minor >= 0 AND refunded_minor <= total_minor)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- What was bought, as it was then: products may change and go. Without a foreign key to variants, which would lock
-- their rows for every buyer.
CREATE TABLE order_lines (
    id          BINARY(16)   NOT NULL,
    order_id    BINARY(16)   NOT NULL,
    position    INT          NOT NULL,
    variant_id  BINARY(16)   NOT NULL,
    sku         VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    name        VARCHAR(200) NOT NULL,
    details     VARCHAR(200) NOT NULL,
    price_minor BIGINT       NOT NULL,
    quantity    INT          NOT NULL,
    version     BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    UNIQUE KEY order_lines_position (order_id, position),
    KEY order_lines_variant (variant_id, order_id),
    CONSTRAINT order_lines_order_fk FOREIGN KEY (order_id) REFERENCES orders (id),
    CONSTRAINT order_lines_positive CHECK (quantity > 0 AND price_minor > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- Where an order has been, who moved it and why.
CREATE TABLE order_history (
    id         BINARY(16)   NOT NULL,
    order_id   BINARY(16)   NOT NULL,
    previous   VARCHAR(24)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    status     VARCHAR(24)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    actor      VARCHAR(160) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    reason     VARCHAR(500) NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    version    BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    KEY order_history_order (order_id, id),
    CONSTRAINT order_history_order_fk FOREIGN KEY (order_id) REFERENCES orders (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
