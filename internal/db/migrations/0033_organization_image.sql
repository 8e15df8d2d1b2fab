-- +goose Up

-- The images that stand for the organization: "address 16x16 32x32 …", or null.
ALTER TABLE organization ADD COLUMN icon {{.Text}};
ALTER TABLE organization ADD COLUMN logo {{.Text}};

-- Every image that an organization ever showed. Its files stay when it is
-- replaced, since mail that was sent shows them.
CREATE TABLE organization_image (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  kind            {{.Text}} NOT NULL,
  address         {{.Text}} NOT NULL,
  sizes           {{.Text}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX organization_image_address ON organization_image (organization_id, address);
{{.Tenant "organization_image"}}
