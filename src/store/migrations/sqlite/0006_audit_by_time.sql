-- Each new key leaves an audit row, so what the audit's indexes cost every request pays. The one by user was touched at a
-- random page each time; one by time grows at its end, and is what the audit is read by (`foundry-api audit --since`).
DROP INDEX audit_by_user;
CREATE INDEX audit_by_time ON audit (at);
