-- +goose Up
-- The slug is unique over the instance. seat_limit null: unlimited.
CREATE TABLE organization (
  id                 {{.ID}} NOT NULL PRIMARY KEY,
  type               {{.Text}} NOT NULL,
  status             {{.Text}} NOT NULL,
  name               {{.Text}} NOT NULL,
  name_fold          {{.Text}} NOT NULL,
  slug               {{.Text}} NOT NULL,
  stripe_customer_id {{.Text}},
  manual_billing     {{.Bool}} NOT NULL,
  production         {{.Bool}} NOT NULL,
  seat_limit         {{.Int}},
  version            {{.Int}} NOT NULL,
  created_at         {{.Time}} NOT NULL,
  updated_at         {{.Time}} NOT NULL
) {{.Strict}};
CREATE UNIQUE INDEX organization_slug ON organization (slug);
{{.TenantBy "organization" "id"}}

CREATE TABLE organization_user (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  user_id         {{.ID}} NOT NULL REFERENCES app_user (id),
  role            {{.Text}} NOT NULL,
  status          {{.Text}} NOT NULL,
  joined_at       {{.Time}} NOT NULL,
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX organization_user_user_id ON organization_user (organization_id, user_id);
CREATE INDEX organization_user_member ON organization_user (user_id, organization_id);
{{.Tenant "organization_user"}}

CREATE TABLE organization_config (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  key             {{.Text}} NOT NULL,
  value           {{.Text}} NOT NULL,
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX organization_config_key ON organization_config (organization_id, key);
{{.Tenant "organization_config"}}
