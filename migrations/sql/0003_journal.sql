-- Nothing acknowledged is lost: each transaction of the API leaves one row here with all that it changed, the row goes to
-- the journal in S3, and only then is the caller answered.
--
-- Rules that tables of the journal follow beside those of 0001:
--   * `version` starts at 1 and grows by one with each change, in the same statement: replay keeps the newer row;
--   * columns named `id` or `..._id` are BINARY(16), and no others are: that tells ids from text in the journal;
--   * rows are never deleted: what is gone is a state of its row, so that an older image cannot bring it back.

ALTER TABLE categories ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE products   ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE variants   ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE images     ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE inventory  ADD COLUMN version BIGINT NOT NULL DEFAULT 1;

-- `body` is the event as it stands in the journal. Not yet there: `journal_seq` is NULL.
CREATE TABLE outbox (
    event_id      BINARY(16)  NOT NULL,
    kind          VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    body          MEDIUMTEXT  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at    DATETIME(6) NOT NULL,
    journal_epoch BIGINT      NULL,
    journal_seq   BIGINT      NULL,
    PRIMARY KEY (event_id),
    KEY outbox_waiting (journal_seq, event_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- One row: the last epoch that a process took for its part of the journal.
CREATE TABLE journal_state (
    id    INT    NOT NULL,
    epoch BIGINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

INSERT IGNORE INTO journal_state (id, epoch) VALUES (1, 0);

-- A request that is sent again is answered again and not done again. `id` is a hash of who asks and of the key;
-- `request_hash` tells another request with the same key; `subject_id` is what the first one made.
CREATE TABLE idempotency_keys (
    id           BINARY(16)  NOT NULL,
    route        VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    request_hash CHAR(64)    CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    subject_id   BINARY(16)  NOT NULL,
    event_id     BINARY(16)  NOT NULL,
    created_at   DATETIME(6) NOT NULL,
    version      BIGINT      NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    KEY idempotency_keys_created (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

-- What administrators changed: who, what kind of change, which rows. The rows' images are in the event of the same id.
CREATE TABLE audit (
    id         BINARY(16)   NOT NULL,
    actor      VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    kind       VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    request    VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    detail     TEXT         CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    version    BIGINT       NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    KEY audit_actor (actor, id),
    KEY audit_kind (kind, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
