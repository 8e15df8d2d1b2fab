-- +goose Up
-- stale: segments may have the row as it was before it was changed or removed.
ALTER TABLE text_pending ADD COLUMN stale {{.Bool}} NOT NULL DEFAULT false;
-- When a segment was begun that is not complete yet, or not needed any more.
ALTER TABLE text_segment ADD COLUMN draft_at {{.Time}};

{{if .PostgreSQL}}
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION note_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		INSERT INTO text_pending (organization_id, collection, id, changes) VALUES (NEW.organization_id, TG_TABLE_NAME, NEW.id, 1)
			ON CONFLICT (organization_id, collection, id) DO UPDATE SET changes = text_pending.changes + 1;
	ELSE
		INSERT INTO text_pending (organization_id, collection, id, changes, stale) VALUES (OLD.organization_id, TG_TABLE_NAME, OLD.id, 1, true)
			ON CONFLICT (organization_id, collection, id) DO UPDATE SET changes = text_pending.changes + 1, stale = true;
	END IF;
	RETURN NULL;
END
$$;
-- +goose StatementEnd
{{end}}

{{.Erasable "bank_transaction" "text_fold" "labels"}}
{{.Erasable "employee" "first_name_fold" "last_name_fold" "name_fold" "email_fold"}}
{{.Erasable "location" "name_fold"}}
