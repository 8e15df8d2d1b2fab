-- +goose Up
-- Organizations whose data is being removed or brought back: nobody else writes
-- there meanwhile.
CREATE TABLE organization_hold (
	organization_id {{.ID}} NOT NULL PRIMARY KEY REFERENCES organization (id),
	reason {{.Text}} NOT NULL,
	since {{.Time}} NOT NULL
) {{.Strict}};
{{.Tenant "organization_hold"}}
{{if .PostgreSQL}}
-- +goose StatementBegin
-- Lets a transaction that writes into an organization: it waits for one that is
-- about to hold the organization, and fails when that is so.
CREATE FUNCTION enter_organization(organization uuid, lock_key bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(lock_key);
	IF EXISTS (SELECT 1 FROM organization_hold WHERE organization_id = organization) THEN
		RAISE EXCEPTION 'the organization is held' USING ERRCODE = 'SE001';
	END IF;
	RETURN true;
END
$$;
-- +goose StatementEnd
{{end}}
