-- +goose Up
CREATE TABLE organization_clearing (
	organization_id {{.ID}} NOT NULL REFERENCES organization (id),
	id {{.ID}} NOT NULL,
	state {{.Text}} NOT NULL,
	counts {{.JSON}} NOT NULL,
	blob_key {{.Text}},
	error {{.Text}},
	created_at {{.Time}} NOT NULL,
	finished_at {{.Time}},
	restorable_until {{.Time}},
	restored_at {{.Time}},
	PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE INDEX organization_clearing_restorable_until ON organization_clearing (restorable_until) WHERE blob_key IS NOT NULL;
{{.Tenant "organization_clearing"}}

CREATE TABLE organization_clear_window (
	organization_id {{.ID}} NOT NULL PRIMARY KEY REFERENCES organization (id),
	until {{.Time}} NOT NULL
) {{.Strict}};
{{.Tenant "organization_clear_window"}}
