-- Money: what customers paid, what they got back, and what the payment provider told us. And the people who did.
--
-- No card data is ever here: the browser gives it to the provider. `provider_reference` is the provider's own id.

-- One way an order is being paid; another row follows when the first was cancelled at the provider. `attempt` is a part of
-- the key by which the provider tells a repeated request from a new one. `received_minor` is what the provider says came
-- in; `refunded_minor` is what of it went back or is on its way: a refund raises it before the provider is asked, in a
-- statement that refuses to go above what came in. `flag` is why a person has to look.
CREATE TABLE payments (
    id                 BINARY(16)   NOT NULL,
    order_id           BINARY(16)   NOT NULL,
    attempt            INT          NOT NULL,
    provider           VARCHAR(32)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    provider_reference VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    state              VARCHAR(16)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    amount_minor       BIGINT       NOT NULL,
    currency           CHAR(3)      CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    received_minor     BIGINT       NOT NULL DEFAULT 0,
    refunded_minor     BIGINT       NOT NULL DEFAULT 0,
    failure            VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    flag               VARCHAR(32)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    flagged_at         DATETIME(6)  NULL,
    check_at           DATETIME(6)  NULL,
    created_at         DATETIME(6)  NOT NULL,
    updated_at         DATETIME(6)  NOT NULL,
    version            BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    UNIQUE KEY payments_attempt (order_id, attempt),
    UNIQUE KEY payments_reference (provider, provider_reference),
    KEY payments_flagged (flagged_at, id),
    KEY payments_check (check_at, id),
    CONSTRAINT payments_order_fk FOREIGN KEY (order_id) REFERENCES orders (id),
    CONSTRAINT payments_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT payments_received_not_negative CHECK (received_minor >= 0),
    CONSTRAINT payments_refunded_not_negative CHECK (refunded_minor >= 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- Money on its way back. Until the provider's answer is known it is asked again, with the same key.
CREATE TABLE refunds (
    id                 BINARY(16)   NOT NULL,
    payment_id         BINARY(16)   NOT NULL,
    order_id           BINARY(16)   NOT NULL,
    attempt            INT          NOT NULL,
    provider_reference VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    state              VARCHAR(16)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    amount_minor       BIGINT       NOT NULL,
    currency           CHAR(3)      CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    reason             VARCHAR(500) NOT NULL,
    failure            VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    check_at           DATETIME(6)  NULL,
    created_at         DATETIME(6)  NOT NULL,
    updated_at         DATETIME(6)  NOT NULL,
    version            BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    UNIQUE KEY refunds_reference (provider_reference),
    KEY refunds_payment (payment_id, id),
    KEY refunds_order (order_id, id),
    KEY refunds_check (check_at, id),
    CONSTRAINT refunds_payment_fk FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT refunds_order_fk FOREIGN KEY (order_id) REFERENCES orders (id),
    CONSTRAINT refunds_amount_positive CHECK (amount_minor > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- The provider's messages that were acted upon: each is acted upon once. `id` is a hash of the provider and its own id of
-- the message; `event_id` is the journal's event of what it did.
CREATE TABLE webhook_events (
    id                 BINARY(16)   NOT NULL,
    provider           VARCHAR(32)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    provider_reference VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    kind               VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    about_reference    VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    outcome            VARCHAR(32)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    event_id           BINARY(16)   NOT NULL,
    created_at         DATETIME(6)  NOT NULL,
    version            BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- What we know of people who signed in. `id` is a hash of `subject`, their id in the user pool. Who asks to be forgotten
-- keeps the row, emptied: an older image of it cannot come back.
CREATE TABLE customers (
    id         BINARY(16)   NOT NULL,
    subject    VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    name       VARCHAR(200) NULL,
    phone      VARCHAR(16)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    language   VARCHAR(16)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    erased_at  DATETIME(6)  NULL,
    created_at DATETIME(6)  NOT NULL,
    updated_at DATETIME(6)  NOT NULL,
    version    BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    UNIQUE KEY customers_subject (subject)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- Their address books. A removed address keeps nothing but its id.
CREATE TABLE addresses (
    id          BINARY(16)   NOT NULL,
    customer_id BINARY(16)   NOT NULL,
    label       VARCHAR(60)  NOT NULL,
    name        VARCHAR(200) NOT NULL,
    phone       VARCHAR(16)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    line1       VARCHAR(200) NOT NULL,
    line2       VARCHAR(200) NULL,
    city        VARCHAR(120) NOT NULL,
    region      VARCHAR(120) NULL,
    postal_code VARCHAR(16)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    country     CHAR(2)      CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    removed_at  DATETIME(6)  NULL,
    created_at  DATETIME(6)  NOT NULL,
    updated_at  DATETIME(6)  NOT NULL,
    version     BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    KEY addresses_customer (customer_id, removed_at, id),
    CONSTRAINT addresses_customer_fk FOREIGN KEY (customer_id) REFERENCES customers (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
