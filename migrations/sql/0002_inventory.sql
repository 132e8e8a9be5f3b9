-- Stock per variant. What a customer may still buy is on_hand - reserved; the server refuses to let it go below zero,
-- whatever the application does.

CREATE TABLE inventory (
    variant_id BINARY(16)  NOT NULL,
    on_hand    INT         NOT NULL,
    reserved   INT         NOT NULL DEFAULT 0,
    updated_at DATETIME(6) NOT NULL,
    PRIMARY KEY (variant_id),
    CONSTRAINT inventory_variant_fk FOREIGN KEY (variant_id) REFERENCES variants (id),
    CONSTRAINT inventory_on_hand_not_negative CHECK (on_hand >= 0),
    CONSTRAINT inventory_reserved_not_negative CHECK (reserved >= 0),
    CONSTRAINT inventory_reserved_within_stock CHECK (reserved <= on_hand)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
