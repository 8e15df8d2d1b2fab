-- +goose Up
CREATE TABLE location (
  organization_id   {{.ID}} NOT NULL REFERENCES organization (id),
  id                {{.ID}} NOT NULL,
  name              {{.Text}} NOT NULL,
  name_fold         {{.Text}} NOT NULL,
  office_open_hour  {{.Int}},
  office_close_hour {{.Int}},
  time_zone         {{.Text}} NOT NULL,
  country           {{.Text}},
  address           {{.Text}},
  version           {{.Int}} NOT NULL,
  created_at        {{.Time}} NOT NULL,
  updated_at        {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE INDEX location_name ON location (organization_id, name_fold, id);
CREATE INDEX location_country ON location (organization_id, country, id);
{{.Tenant "location"}}
