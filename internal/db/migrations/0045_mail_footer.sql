-- +goose Up
-- What ends the mail of an organization: clean HTML with placeholders. There is
-- a row for those that ever had a footer; html is null when it was taken away.
CREATE TABLE organization_mail_footer (
  organization_id {{.ID}} NOT NULL PRIMARY KEY REFERENCES organization (id),
  html            {{.Text}},
  version         {{.Int}} NOT NULL,
  updated_at      {{.Time}} NOT NULL
) {{.Strict}};
{{.Tenant "organization_mail_footer"}}
