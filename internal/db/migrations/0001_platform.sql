-- +goose Up

-- How many rows of a resource an organization has, so that totals need no
-- counting. The rows of tables that belong to no organization are counted under
-- the zero id. "removed" only grows: see the anchors of deep pages.
CREATE TABLE row_count (
	organization_id {{.ID}} NOT NULL,
	resource {{.Text}} NOT NULL,
	rows {{.Int}} NOT NULL,
	removed {{.Int}} NOT NULL DEFAULT 0,
	PRIMARY KEY (organization_id, resource)
) {{.Strict}};
{{.Tenant "row_count"}}

-- Answers given to requests with an Idempotency-Key. "credential" is the user or
-- the API key that asked; status is null while the request runs.
CREATE TABLE idempotency (
	credential {{.ID}} NOT NULL,
	key {{.Text}} NOT NULL,
	route {{.Text}} NOT NULL,
	body_hash {{.Bytes}} NOT NULL,
	status {{.Int}},
	headers {{.JSON}},
	body {{.Bytes}},
	created_at {{.Time}} NOT NULL,
	PRIMARY KEY (credential, key)
) {{.Strict}};
CREATE INDEX idempotency_created_at ON idempotency (created_at);

-- Who changed what. Rows of one organization form a chain: each hash covers the
-- one before. What concerns the instance as a whole is under the zero id.
CREATE TABLE audit_log (
	organization_id {{.ID}} NOT NULL,
	seq {{.Int}} NOT NULL,
	id {{.ID}} NOT NULL,
	at {{.Time}} NOT NULL,
	actor {{.ID}},
	actor_name {{.Text}} NOT NULL,
	operator {{.Bool}} NOT NULL,
	address {{.Text}} NOT NULL,
	agent {{.Text}} NOT NULL,
	action {{.Text}} NOT NULL,
	resource {{.Text}} NOT NULL,
	resource_key {{.Text}} NOT NULL,
	before {{.JSON}},
	after {{.JSON}},
	previous_hash {{.Bytes}} NOT NULL,
	hash {{.Bytes}} NOT NULL,
	PRIMARY KEY (organization_id, seq)
) {{.Strict}};
CREATE UNIQUE INDEX audit_log_id ON audit_log (organization_id, id);
CREATE INDEX audit_log_resource ON audit_log (organization_id, resource, resource_key, seq);
{{.Tenant "audit_log"}}

-- The end of each chain.
CREATE TABLE audit_head (
	organization_id {{.ID}} NOT NULL PRIMARY KEY,
	seq {{.Int}} NOT NULL,
	hash {{.Bytes}} NOT NULL
) {{.Strict}};
{{.Tenant "audit_head"}}

{{if .PostgreSQL}}
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
	FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
	FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
{{else}}
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN
	SELECT RAISE(ABORT, 'audit_log is append only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN
	SELECT RAISE(ABORT, 'audit_log is append only');
END;
-- +goose StatementEnd
{{end}}
