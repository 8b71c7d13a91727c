-- A new key overwrites the oldest of the ring. With room left on the page Postgres does that without touching the
-- indexes (a HOT update). Pages that are full already get their room as their rows move.
ALTER TABLE two_factors SET (fillfactor = 70);
ALTER TABLE two_factor_keys SET (fillfactor = 70);
