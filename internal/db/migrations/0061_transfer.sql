-- +goose Up
-- What brings an organization here.
CREATE TABLE organization_transfer (
	organization_id {{.ID}} NOT NULL,
	id {{.ID}} NOT NULL,
	state {{.Text}} NOT NULL,
	user_id {{.ID}} NOT NULL,
	operator {{.Bool}} NOT NULL,
	name {{.Text}} NOT NULL,
	source_id {{.ID}},
	rows_total {{.Int}} NOT NULL,
	rows_done {{.Int}} NOT NULL,
	bytes {{.Int}} NOT NULL,
	left_out {{.JSON}} NOT NULL,
	blob_key {{.Text}},
	error {{.Text}},
	created_at {{.Time}} NOT NULL,
	updated_at {{.Time}} NOT NULL,
	finished_at {{.Time}},
	PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE INDEX organization_transfer_user_id ON organization_transfer (user_id, id);
CREATE INDEX organization_transfer_id ON organization_transfer (id);
{{.Tenant "organization_transfer"}}

-- What stays for good stays from the moment an organization is there. While it is
-- being imported nobody has seen it, and all of it can be taken out again.
{{if .PostgreSQL}}
-- +goose StatementBegin
CREATE FUNCTION being_imported(organization uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (SELECT 1 FROM organization_hold WHERE organization_id = organization AND reason = 'importing')
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		IF being_imported(OLD.organization_id) THEN
			RETURN OLD;
		END IF;
	END IF;
	RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION keep_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.number IS NULL THEN
		RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
	END IF;
	IF TG_OP = 'DELETE' THEN
		IF being_imported(OLD.organization_id) THEN
			RETURN OLD;
		END IF;
	END IF;
	IF TG_OP = 'DELETE' OR ROW (NEW.subscription_id, NEW.issuer_id, NEW.number, NEW.reason, NEW.currency, NEW.language, NEW.seller, NEW.buyer, NEW.discount_text,
			NEW.lines, NEW.subtotal, NEW.discount, NEW.tax_category, NEW.tax_country, NEW.tax_rate, NEW.tax, NEW.total, NEW.period_from, NEW.period_to, NEW.issued_at, NEW.due_at)
		IS DISTINCT FROM ROW (OLD.subscription_id, OLD.issuer_id, OLD.number, OLD.reason, OLD.currency, OLD.language, OLD.seller, OLD.buyer, OLD.discount_text,
			OLD.lines, OLD.subtotal, OLD.discount, OLD.tax_category, OLD.tax_country, OLD.tax_rate, OLD.tax, OLD.total, OLD.period_from, OLD.period_to, OLD.issued_at, OLD.due_at) THEN
		RAISE EXCEPTION 'an invoice with a number does not change' USING ERRCODE = 'restrict_violation';
	END IF;
	RETURN NEW;
END
$$;
-- +goose StatementEnd
{{else}}
DROP TRIGGER audit_log_no_delete;
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
WHEN NOT EXISTS (SELECT 1 FROM organization_hold WHERE organization_id = OLD.organization_id AND reason = 'importing') BEGIN
	SELECT RAISE(ABORT, 'audit_log is append only');
END;
-- +goose StatementEnd
DROP TRIGGER payment_no_delete;
-- +goose StatementBegin
CREATE TRIGGER payment_no_delete BEFORE DELETE ON payment
WHEN NOT EXISTS (SELECT 1 FROM organization_hold WHERE organization_id = OLD.organization_id AND reason = 'importing') BEGIN
	SELECT RAISE(ABORT, 'payment is append only');
END;
-- +goose StatementEnd
DROP TRIGGER credit_note_no_delete;
-- +goose StatementBegin
CREATE TRIGGER credit_note_no_delete BEFORE DELETE ON credit_note
WHEN NOT EXISTS (SELECT 1 FROM organization_hold WHERE organization_id = OLD.organization_id AND reason = 'importing') BEGIN
	SELECT RAISE(ABORT, 'credit_note is append only');
END;
-- +goose StatementEnd
DROP TRIGGER invoice_keep_delete;
-- +goose StatementBegin
CREATE TRIGGER invoice_keep_delete BEFORE DELETE ON invoice WHEN OLD.number IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM organization_hold WHERE organization_id = OLD.organization_id AND reason = 'importing') BEGIN
	SELECT RAISE(ABORT, 'an invoice with a number does not change');
END;
-- +goose StatementEnd
{{end}}
