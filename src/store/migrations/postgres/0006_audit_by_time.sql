-- Each new key leaves an audit row, so what the audit's indexes cost every request pays. The one by user was touched at a
-- random page each time. The audit is read by time (`foundry-api audit --since`), in which it also grows: a BRIN index
-- costs next to nothing there. Databases that speak Postgres' protocol without having BRIN get an ordinary index.
DROP INDEX audit_by_user;
DO $$
BEGIN
    EXECUTE 'CREATE INDEX audit_by_time ON audit USING brin (at) WITH (autosummarize = on)';
EXCEPTION WHEN feature_not_supported OR undefined_object THEN
    EXECUTE 'CREATE INDEX audit_by_time ON audit (at)';
END
$$;
