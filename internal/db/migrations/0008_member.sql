-- +goose Up

-- What a list of members shows, filters and orders of their users is kept with
-- the member, so that it costs the same in small and large organizations.
ALTER TABLE organization_user ADD COLUMN name {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE organization_user ADD COLUMN name_fold {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE organization_user ADD COLUMN email {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE organization_user ADD COLUMN email_fold {{.Text}} NOT NULL DEFAULT '';
UPDATE organization_user SET
  name       = (SELECT u.name FROM app_user u WHERE u.id = organization_user.user_id),
  name_fold  = (SELECT u.name_fold FROM app_user u WHERE u.id = organization_user.user_id),
  email      = (SELECT u.username FROM app_user u WHERE u.id = organization_user.user_id),
  email_fold = (SELECT u.username_fold FROM app_user u WHERE u.id = organization_user.user_id);
CREATE INDEX organization_user_name ON organization_user (organization_id, name_fold, id);
CREATE INDEX organization_user_email ON organization_user (organization_id, email_fold, id);
CREATE INDEX organization_user_role ON organization_user (organization_id, role, id);
CREATE INDEX organization_user_status ON organization_user (organization_id, status, id);
CREATE INDEX organization_user_joined_at ON organization_user (organization_id, joined_at, id);

-- How many members have each role and status, see db.CountGroup.
INSERT INTO row_count (organization_id, resource, rows)
  SELECT organization_id, 'organization_user/' || role || '/' || status, count(*)
  FROM organization_user GROUP BY organization_id, role, status;
