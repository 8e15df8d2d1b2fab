-- +goose Up
-- The addresses under which the organization is reached and invoiced.
CREATE TABLE organization_address (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  name            {{.Text}} NOT NULL,
  name_fold       {{.Text}} NOT NULL,
  street_line     {{.Text}},
  building_number {{.Text}},
  locale_number   {{.Text}},
  post_code       {{.Text}},
  city            {{.Text}},
  city_fold       {{.Text}},
  country         {{.Text}} NOT NULL,
  phone_number    {{.Text}},
  email           {{.Text}},
  tin             {{.Text}},
  vat_number      {{.Text}},
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE INDEX organization_address_name ON organization_address (organization_id, name_fold, id);
CREATE INDEX organization_address_city ON organization_address (organization_id, city_fold {{.NullsFirst}}, id);
CREATE INDEX organization_address_country ON organization_address (organization_id, country, id);
CREATE INDEX organization_address_vat_number ON organization_address (organization_id, vat_number {{.NullsFirst}}, id);
CREATE INDEX organization_address_created_at ON organization_address (organization_id, created_at, id);
CREATE INDEX organization_address_updated_at ON organization_address (organization_id, updated_at, id);
{{.Tenant "organization_address"}}
