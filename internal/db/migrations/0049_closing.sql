-- +goose Up
-- Why the status is what it is, as operators said. From removal_at on a closing
-- organization is removed: removed_at says when nobody could find it any more.
-- The row stays, for the invoices and the audit log that it is the owner of.
ALTER TABLE organization ADD COLUMN status_reason {{.Text}};
ALTER TABLE organization ADD COLUMN removal_at {{.Time}};
ALTER TABLE organization ADD COLUMN removed_at {{.Time}};
CREATE INDEX organization_removal_at ON organization (removal_at) WHERE removal_at IS NOT NULL;
