-- +goose Up
-- Clocks of organizations that are ahead of the instance's: what they showed at a
-- time by the instance's clock.
CREATE TABLE organization_clock (
	organization_id {{.ID}} NOT NULL PRIMARY KEY REFERENCES organization (id),
	set_at {{.Time}} NOT NULL,
	shows_at {{.Time}} NOT NULL
) {{.Strict}};
{{.Tenant "organization_clock"}}
INSERT INTO invoice_issuer (id, name, street_line, post_code, city, country, prefix, next_number, payment_days, grace_days, credit_prefix, version, created_at, updated_at)
  VALUES ('test-issuer', '', '', '', '', '', 'TEST-', 1, 14, 14, 'TEST-CN-', 1, {{if .PostgreSQL}}'2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'{{else}}1767225600000000, 1767225600000000{{end}});
UPDATE organization SET removal_at = NULL WHERE removed_at IS NOT NULL;
{{if .PostgreSQL}}
-- +goose StatementBegin
-- Lets a transaction that writes into an organization, and tells by how many
-- microseconds the organization's clock is ahead.
CREATE FUNCTION enter_organization_clock(organization uuid, lock_key bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM enter_organization(organization, lock_key);
	RETURN COALESCE((SELECT CAST(extract(epoch FROM shows_at - set_at) * 1000000 AS bigint) FROM organization_clock WHERE organization_id = organization), 0);
END
$$;
-- +goose StatementEnd
{{end}}
