-- +goose Up
-- What searches in texts read, see Listing.Texts.

-- Rows that the segments don't have as they are now. changes tells whether one
-- changed again.
CREATE TABLE text_pending (
	organization_id {{.ID}} NOT NULL,
	collection {{.Text}} NOT NULL,
	id {{.ID}} NOT NULL,
	changes {{.Int}} NOT NULL,
	PRIMARY KEY (organization_id, collection, id)
) {{.Strict}};
{{.Tenant "text_pending"}}

-- stamp is another one for every segment there ever was.
CREATE TABLE text_segment (
	organization_id {{.ID}} NOT NULL,
	collection {{.Text}} NOT NULL,
	base {{.Int}} NOT NULL,
	stamp {{.ID}} NOT NULL,
	rows {{.Int}} NOT NULL,
	directory {{.Bytes}} NOT NULL,
	PRIMARY KEY (organization_id, collection, base)
) {{.Strict}};
{{.Tenant "text_segment"}}

CREATE TABLE text_block (
	organization_id {{.ID}} NOT NULL,
	collection {{.Text}} NOT NULL,
	number {{.Int}} NOT NULL,
	content {{.Bytes}} NOT NULL,
	PRIMARY KEY (organization_id, collection, number)
) {{.Strict}};
{{.Tenant "text_block"}}

{{if .PostgreSQL}}
-- +goose StatementBegin
CREATE FUNCTION note_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO text_pending (organization_id, collection, id, changes) VALUES (NEW.organization_id, TG_TABLE_NAME, NEW.id, 1)
		ON CONFLICT (organization_id, collection, id) DO UPDATE SET changes = text_pending.changes + 1;
	RETURN NULL;
END
$$;
-- +goose StatementEnd
{{end}}

{{.Searchable "bank_transaction" "text_fold" "labels"}}
