-- A sign-in, as far as tokens outlive the request that made them: bearer tokens name it, refresh tokens belong to it,
-- and deleting the row ends them all. Lookups are by `id` or by the SHA-256 of what the client holds.
CREATE TABLE sign_ins (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL,
    session_hash BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sign_ins_by_user ON sign_ins (user_id);
CREATE INDEX sign_ins_by_session ON sign_ins (session_hash);
CREATE INDEX sign_ins_by_expiry ON sign_ins (expires_at);

-- Refresh tokens by their SHA-256. One that rotates keeps its row after it was replaced, so that its coming back is seen.
CREATE TABLE refresh_tokens (
    token_hash  BLOB PRIMARY KEY,
    sign_in_id  TEXT NOT NULL,
    rotates     BOOLEAN NOT NULL,
    created_at  INTEGER NOT NULL,
    replaced_at INTEGER
) WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_sign_in ON refresh_tokens (sign_in_id);

-- API keys by their SHA-256; `id` is what people call them by.
CREATE TABLE api_keys (
    key_hash    BLOB PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    user_id     TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER,
    revoked_at  INTEGER
) WITHOUT ROWID;
CREATE INDEX api_keys_by_user ON api_keys (user_id);
