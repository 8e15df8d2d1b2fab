-- +goose Up

-- A page of the audit log, and one filtered by who, what or when, costs the same
-- in short and long chains. The newest come first.
CREATE INDEX audit_log_at ON audit_log (organization_id, at, seq);
CREATE INDEX audit_log_actor ON audit_log (organization_id, actor, at, seq) WHERE actor IS NOT NULL;
CREATE INDEX audit_log_action ON audit_log (organization_id, action, at, seq);
CREATE INDEX audit_log_resource_key ON audit_log (organization_id, resource_key, at, seq);
DROP INDEX audit_log_resource;
CREATE INDEX audit_log_resource ON audit_log (organization_id, resource, at, seq);
