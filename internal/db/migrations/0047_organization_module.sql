-- +goose Up
-- What organizations have of the modules of the product. trial_until: all of it
-- until then; bought: "now" while a subscription grants it, "before" once one did;
-- decided: what operators say, until decided_until, null: until they say otherwise.
CREATE TABLE organization_module (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  module          {{.Text}} NOT NULL,
  trial_until     {{.Time}},
  bought          {{.Text}},
  decided         {{.Bool}},
  decided_until   {{.Time}},
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX organization_module_module ON organization_module (organization_id, module);
{{.Tenant "organization_module"}}

-- Those who worked with sede before modules were sold go on: operators gave them
-- everything there was.
INSERT INTO organization_module (organization_id, id, module, decided, version, created_at, updated_at)
SELECT o.id, {{if .PostgreSQL}}gen_random_uuid(){{else}}randomblob(16){{end}}, m.module, {{.True}}, 1, o.created_at, o.created_at
FROM organization o CROSS JOIN (SELECT 'bank' AS module UNION ALL SELECT 'employees' UNION ALL SELECT 'meetings') m;
