-- +goose Up
-- When a connection imports by itself, which reminder was sent last, and when
-- something happens to it next. Connections that are there are looked at at once.
ALTER TABLE bank_integration ADD COLUMN next_pull_at {{.Time}};
ALTER TABLE bank_integration ADD COLUMN reminded {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE bank_integration ADD COLUMN next_at {{.Time}};
UPDATE bank_integration SET next_at = created_at WHERE consent_id IS NOT NULL;
DROP INDEX bank_integration_ends;
CREATE INDEX bank_integration_next_at ON bank_integration (next_at, organization_id, id) WHERE next_at IS NOT NULL;
