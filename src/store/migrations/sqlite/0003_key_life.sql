-- Wrong codes in a row, and until when no code is looked at; 0 is never.
ALTER TABLE two_factors ADD COLUMN wrong_codes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE two_factors ADD COLUMN locked_until INTEGER NOT NULL DEFAULT 0;

-- The time step of the last code that was accepted of this key; -1 before the first. A step is accepted once.
ALTER TABLE two_factor_keys ADD COLUMN last_step INTEGER NOT NULL DEFAULT -1;

-- Which session or token (SHA-256) last showed a good code, and when.
CREATE TABLE verifications (
    organisation_id TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    credential      BLOB NOT NULL,
    verified_at     INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, user_id, credential)
) WITHOUT ROWID;
CREATE INDEX verifications_by_time ON verifications (verified_at);

-- A known text sealed under each sealing key when it is first used: a key that does not open it is not that key.
CREATE TABLE sealing_canaries (
    sealing_key_id TEXT PRIMARY KEY,
    sealed         BLOB NOT NULL
) WITHOUT ROWID;

-- Work in the background that one instance at a time does.
CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    holder     TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
