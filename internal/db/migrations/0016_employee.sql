-- +goose Up
-- A person of the organization whom meetings are about, whether or not they can
-- sign in. name_fold is the whole name, for searching and sorting.
CREATE TABLE employee (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  first_name      {{.Text}} NOT NULL,
  first_name_fold {{.Text}} NOT NULL,
  last_name       {{.Text}} NOT NULL,
  last_name_fold  {{.Text}} NOT NULL,
  name_fold       {{.Text}} NOT NULL,
  email           {{.Text}},
  email_fold      {{.Text}},
  location_id     {{.ID}},
  user_id         {{.ID}},
  active          {{.Bool}} NOT NULL,
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, location_id) REFERENCES location (organization_id, id),
  FOREIGN KEY (user_id) REFERENCES app_user (id)
) {{.Strict}};
CREATE UNIQUE INDEX employee_user_id ON employee (organization_id, user_id);
CREATE INDEX employee_first_name ON employee (organization_id, first_name_fold, id);
CREATE INDEX employee_last_name ON employee (organization_id, last_name_fold, id);
CREATE INDEX employee_name ON employee (organization_id, name_fold, id);
CREATE INDEX employee_email ON employee (organization_id, email_fold, id);
CREATE INDEX employee_location_id ON employee (organization_id, location_id, id);
CREATE INDEX employee_active ON employee (organization_id, active, id);
CREATE INDEX employee_created_at ON employee (organization_id, created_at, id);
CREATE INDEX employee_updated_at ON employee (organization_id, updated_at, id);
{{.Tenant "employee"}}
