-- +goose Up

-- Addresses that get events of an organization. "events" are words with blanks
-- between them. "secret" signs and is sealed, and so is the one that it replaced,
-- which signs as well until "former_until".
CREATE TABLE webhook_endpoint (
	organization_id {{.ID}} NOT NULL REFERENCES organization (id),
	id {{.ID}} NOT NULL,
	url {{.Text}} NOT NULL,
	description {{.Text}} NOT NULL,
	events {{.Text}} NOT NULL,
	enabled {{.Bool}} NOT NULL,
	secret {{.Bytes}},
	former_secret {{.Bytes}},
	former_until {{.Time}},
	delivered_at {{.Time}},
	failed_at {{.Time}},
	failing_since {{.Time}},
	error {{.Text}},
	version {{.Int}} NOT NULL,
	created_at {{.Time}} NOT NULL,
	updated_at {{.Time}} NOT NULL,
	PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE INDEX webhook_endpoint_created_at ON webhook_endpoint (organization_id, created_at, id);
{{.Tenant "webhook_endpoint"}}
