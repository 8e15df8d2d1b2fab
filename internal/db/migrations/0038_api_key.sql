-- +goose Up

-- Keys with which programs act for their maker in one organization, by their
-- SHA-256 hash. "hint" is their beginning, by which people know them. "scopes" are
-- words with blanks between them.
CREATE TABLE api_key (
	organization_id {{.ID}} NOT NULL REFERENCES organization (id),
	id {{.ID}} NOT NULL,
	user_id {{.ID}} NOT NULL REFERENCES app_user (id),
	name {{.Text}} NOT NULL,
	name_fold {{.Text}} NOT NULL,
	hash {{.Bytes}} NOT NULL,
	hint {{.Text}} NOT NULL,
	scopes {{.Text}} NOT NULL,
	expires_at {{.Time}} NOT NULL,
	used_at {{.Time}},
	created_at {{.Time}} NOT NULL,
	PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX api_key_hash ON api_key (hash);
CREATE UNIQUE INDEX api_key_id ON api_key (id);
CREATE INDEX api_key_user_id ON api_key (organization_id, user_id, id);
CREATE INDEX api_key_name ON api_key (organization_id, name_fold, id);
CREATE INDEX api_key_expires_at ON api_key (organization_id, expires_at, id);
CREATE INDEX api_key_used_at ON api_key (organization_id, used_at, id);
CREATE INDEX api_key_created_at ON api_key (organization_id, created_at, id);
{{.Tenant "api_key"}}

-- The key with which a change was made; null: none.
ALTER TABLE audit_log ADD COLUMN api_key_id {{.ID}};
