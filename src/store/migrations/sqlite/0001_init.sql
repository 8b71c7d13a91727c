-- Times are milliseconds since the Unix epoch, UTC. Ids are random texts, never sequences, and every row of a
-- tenant begins with organisation_id, so that the tables can be distributed by it (README, "More than one machine").

CREATE TABLE organisations (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    issuer     TEXT,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
    id                      TEXT PRIMARY KEY,
    name                    TEXT NOT NULL UNIQUE,
    email                   TEXT NOT NULL,
    email_folded            TEXT NOT NULL UNIQUE,
    password_hash           TEXT NOT NULL,
    default_organisation_id TEXT,
    disabled_at             INTEGER,
    created_at              INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE memberships (
    organisation_id TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    administrator   BOOLEAN NOT NULL DEFAULT FALSE,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, user_id)
) WITHOUT ROWID;
CREATE INDEX memberships_by_user ON memberships (user_id);

-- A session is found by the SHA-256 of its id; the id itself is only in the cookie.
CREATE TABLE sessions (
    id_hash    BLOB PRIMARY KEY,
    user_id    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- The life of a user's second factor in one organisation. `serial` counts the keys made; the row is the lock under
-- which they are made one after the other.
CREATE TABLE two_factors (
    organisation_id TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    serial          INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, user_id)
) WITHOUT ROWID;

-- Places 0 to 4 are a ring of pending keys: the key numbered `serial` takes place serial modulo 5, so the newest
-- five are kept without ever deleting a row. Place 5 is the active key.
CREATE TABLE two_factor_keys (
    organisation_id TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    place           INTEGER NOT NULL CHECK (place BETWEEN 0 AND 5),
    serial          INTEGER NOT NULL,
    key_id          TEXT NOT NULL,
    sealing_key_id  TEXT NOT NULL,
    sealed          BLOB NOT NULL,
    fingerprint     TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, user_id, place)
) WITHOUT ROWID;
CREATE INDEX two_factor_keys_by_sealing_key ON two_factor_keys (sealing_key_id);

-- Who did what, when, from where; '' stands for no organisation.
CREATE TABLE audit (
    organisation_id TEXT NOT NULL,
    id              TEXT NOT NULL,
    at              INTEGER NOT NULL,
    user_id         TEXT NOT NULL,
    action          TEXT NOT NULL,
    outcome         TEXT NOT NULL,
    address         TEXT NOT NULL,
    request_id      TEXT NOT NULL,
    fingerprint     TEXT,
    PRIMARY KEY (organisation_id, id)
) WITHOUT ROWID;
CREATE INDEX audit_by_user ON audit (user_id, at);
