-- +goose Up
CREATE TABLE archive_key (
	id {{.Text}} NOT NULL PRIMARY KEY,
	public_key {{.Bytes}} NOT NULL,
	sealed {{.Bytes}} NOT NULL,
	created_at {{.Time}} NOT NULL
) {{.Strict}};
