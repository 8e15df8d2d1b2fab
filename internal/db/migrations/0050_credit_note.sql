-- +goose Up
-- Credit notes take back what an invoice asked for, in whole or in part. They have
-- a series of their own for each issuer, and nothing of them ever changes. seller
-- and buyer are those of the invoice.
CREATE TABLE credit_note (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  invoice_id      {{.ID}} NOT NULL,
  invoice_number  {{.Text}} NOT NULL,
  issuer_id       {{.Text}} NOT NULL REFERENCES invoice_issuer (id),
  number          {{.Text}} NOT NULL,
  reason          {{.Text}} NOT NULL,
  currency        {{.Text}} NOT NULL,
  language        {{.Text}} NOT NULL,
  seller          {{.JSON}} NOT NULL,
  buyer           {{.JSON}} NOT NULL,
  lines           {{.JSON}} NOT NULL,
  subtotal        {{.Int}} NOT NULL,
  tax_category    {{.Text}} NOT NULL,
  tax_country     {{.Text}} NOT NULL,
  tax_rate        {{.Int}} NOT NULL,
  tax             {{.Int}} NOT NULL,
  total           {{.Int}} NOT NULL,
  issued_at       {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, invoice_id) REFERENCES invoice (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX credit_note_issuer_id_number ON credit_note (issuer_id, number);
CREATE INDEX credit_note_invoice_id ON credit_note (organization_id, invoice_id, id);
CREATE INDEX credit_note_issued_at ON credit_note (organization_id, issued_at, id);
CREATE INDEX credit_note_total ON credit_note (organization_id, total, id);
{{.Tenant "credit_note"}}

ALTER TABLE invoice ADD COLUMN amount_credited {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE invoice_issuer ADD COLUMN credit_prefix {{.Text}} NOT NULL DEFAULT 'CN-';
ALTER TABLE invoice_issuer ADD COLUMN next_credit_number {{.Int}} NOT NULL DEFAULT 1;

{{if .PostgreSQL}}
CREATE TRIGGER credit_note_append_only BEFORE UPDATE OR DELETE ON credit_note FOR EACH ROW EXECUTE FUNCTION refuse_change();
{{else}}
-- +goose StatementBegin
CREATE TRIGGER credit_note_no_update BEFORE UPDATE ON credit_note BEGIN
	SELECT RAISE(ABORT, 'credit_note is append only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER credit_note_no_delete BEFORE DELETE ON credit_note BEGIN
	SELECT RAISE(ABORT, 'credit_note is append only');
END;
-- +goose StatementEnd
{{end}}
