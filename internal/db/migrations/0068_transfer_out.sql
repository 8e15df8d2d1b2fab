-- +goose Up
-- Organizations on their way out: archives that are made as jobs and kept for a
-- while. A transfer that came in has no end.
ALTER TABLE organization_transfer ADD COLUMN direction {{.Text}} NOT NULL DEFAULT 'in';
ALTER TABLE organization_transfer ADD COLUMN expires_at {{.Time}};
CREATE INDEX organization_transfer_expires_at ON organization_transfer (expires_at) WHERE expires_at IS NOT NULL;
