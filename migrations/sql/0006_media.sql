-- What administrators need to change the catalogue: states instead of deletion, collections, and pictures they send.
-- The rules of 0001 and 0003 hold.

-- jewel: safe because the release before does not write the new column, and its default keeps the rule
ALTER TABLE categories
    ADD COLUMN status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'active',
    ADD CONSTRAINT categories_status_known CHECK (status IN ('active', 'archived'));

-- jewel: safe because the release before does not write the new column, and its default keeps the rule
ALTER TABLE variants
    ADD COLUMN status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'active',
    ADD CONSTRAINT variants_status_known CHECK (status IN ('active', 'archived'));

-- Administrators list what is not for sale too, the newest id first.
ALTER TABLE products ADD KEY products_status (status, id);

-- Products shown together, in an order of their own.
CREATE TABLE collections (
    id          BINARY(16)    NOT NULL,
    slug        VARCHAR(80)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    name        VARCHAR(120)  NOT NULL,
    description VARCHAR(1000) NOT NULL DEFAULT '',
    position    INT           NOT NULL DEFAULT 0,
    status      VARCHAR(16)   CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'active',
    created_at  DATETIME(6)   NOT NULL,
    updated_at  DATETIME(6)   NOT NULL,
    version     BIGINT        NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    UNIQUE KEY collections_slug (slug),
    KEY collections_position (position, slug),
    CONSTRAINT collections_status_known CHECK (status IN ('active', 'draft', 'archived'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE collection_products (
    id            BINARY(16)  NOT NULL,
    collection_id BINARY(16)  NOT NULL,
    product_id    BINARY(16)  NOT NULL,
    position      INT         NOT NULL,
    removed_at    DATETIME(6) NULL,
    created_at    DATETIME(6) NOT NULL,
    updated_at    DATETIME(6) NOT NULL,
    version       BIGINT      NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    UNIQUE KEY collection_products_once (collection_id, product_id),
    KEY collection_products_product (product_id, collection_id),
    CONSTRAINT collection_products_collection_fk FOREIGN KEY (collection_id) REFERENCES collections (id),
    CONSTRAINT collection_products_product_fk FOREIGN KEY (product_id) REFERENCES products (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- Pictures of a product taken all around it. Shown is the one that is `complete`; the next one replaces it.
CREATE TABLE frame_sets (
    id          BINARY(16)   NOT NULL,
    product_id  BINARY(16)   NOT NULL,
    alt         VARCHAR(255) NOT NULL,
    frame_count INT          NOT NULL,
    state       VARCHAR(16)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at  DATETIME(6)  NOT NULL,
    updated_at  DATETIME(6)  NOT NULL,
    version     BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    KEY frame_sets_product (product_id, state),
    CONSTRAINT frame_sets_product_fk FOREIGN KEY (product_id) REFERENCES products (id),
    CONSTRAINT frame_sets_state_known CHECK (state IN ('pending', 'complete', 'replaced', 'removed'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- `sizes` is a JSON list of the widths and heights that a picture was made in, smallest first; `object_key` is the
-- largest of them and the others lie beside it. Pictures of the first release have one size and NULL here. In a frame
-- set, `position` is the frame's place in it. Positions may meet: the id decides.
--
-- jewel: safe because the release before does not write the new columns, and NULL refers to nothing
ALTER TABLE images
    ADD COLUMN frame_set_id BINARY(16)  NULL,
    ADD COLUMN sizes        TEXT        NULL,
    ADD COLUMN removed_at   DATETIME(6) NULL,
    ADD KEY images_shown (product_id, frame_set_id, removed_at, position, id),
    ADD KEY images_frame_set (frame_set_id),
    ADD CONSTRAINT images_frame_set_fk FOREIGN KEY (frame_set_id) REFERENCES frame_sets (id);

-- jewel: safe because images_shown begins with the same column, and no release relies on positions that differ
ALTER TABLE images DROP KEY images_position;

-- A file that an administrator was allowed to send, until it is a picture. `object_key` is made by us and told to
-- nobody but its author; `image_id` is the picture's id before there is one, so that making it twice makes one.
CREATE TABLE media_uploads (
    id           BINARY(16)   NOT NULL,
    author       VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    product_id   BINARY(16)   NOT NULL,
    frame_set_id BINARY(16)   NULL,
    frame        INT          NULL,
    image_id     BINARY(16)   NOT NULL,
    object_key   VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    content_type VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    bytes        BIGINT       NOT NULL,
    sha256       CHAR(64)     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    alt          VARCHAR(255) NOT NULL,
    state        VARCHAR(16)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    problem      VARCHAR(255) NULL,
    event_id     BINARY(16)   NULL,
    created_at   DATETIME(6)  NOT NULL,
    expires_at   DATETIME(6)  NOT NULL,
    updated_at   DATETIME(6)  NOT NULL,
    version      BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    UNIQUE KEY media_uploads_object_key (object_key),
    KEY media_uploads_product (product_id),
    KEY media_uploads_frame_set (frame_set_id),
    CONSTRAINT media_uploads_product_fk FOREIGN KEY (product_id) REFERENCES products (id),
    CONSTRAINT media_uploads_frame_set_fk FOREIGN KEY (frame_set_id) REFERENCES frame_sets (id),
    CONSTRAINT media_uploads_state_known CHECK (state IN ('pending', 'confirmed', 'rejected'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
