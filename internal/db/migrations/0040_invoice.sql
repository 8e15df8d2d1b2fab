-- +goose Up
-- Who issues invoices, with the number that the next one gets.
CREATE TABLE invoice_issuer (
  id           {{.Text}} NOT NULL PRIMARY KEY,
  name         {{.Text}} NOT NULL,
  street_line  {{.Text}} NOT NULL,
  post_code    {{.Text}} NOT NULL,
  city         {{.Text}} NOT NULL,
  country      {{.Text}} NOT NULL,
  vat_number   {{.Text}},
  bank_account {{.Text}},
  prefix       {{.Text}} NOT NULL,
  next_number  {{.Int}} NOT NULL,
  payment_days {{.Int}} NOT NULL,
  grace_days   {{.Int}} NOT NULL,
  version      {{.Int}} NOT NULL,
  created_at   {{.Time}} NOT NULL,
  updated_at   {{.Time}} NOT NULL
) {{.Strict}};
INSERT INTO invoice_issuer (id, name, street_line, post_code, city, country, prefix, next_number, payment_days, grace_days, version, created_at, updated_at)
  VALUES ('default-issuer', '', '', '', '', '', 'INV-', 1, 14, 14, 1, {{if .PostgreSQL}}'2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'{{else}}1767225600000000, 1767225600000000{{end}});

-- Invoices. A draft has no number. Once there is one, nothing changes but the
-- status and what was paid. issuer, buyer and discount_text are as they were then.
CREATE TABLE invoice (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  subscription_id {{.ID}} NOT NULL,
  issuer_id       {{.Text}} NOT NULL REFERENCES invoice_issuer (id),
  number          {{.Text}},
  status          {{.Text}} NOT NULL,
  reason          {{.Text}} NOT NULL,
  currency        {{.Text}} NOT NULL,
  language        {{.Text}} NOT NULL,
  seller          {{.JSON}} NOT NULL,
  buyer           {{.JSON}} NOT NULL,
  discount_text   {{.Text}},
  lines           {{.JSON}} NOT NULL,
  subtotal        {{.Int}} NOT NULL,
  discount        {{.Int}} NOT NULL,
  tax_category    {{.Text}} NOT NULL,
  tax_country     {{.Text}} NOT NULL,
  tax_rate        {{.Int}} NOT NULL,
  tax             {{.Int}} NOT NULL,
  total           {{.Int}} NOT NULL,
  amount_paid     {{.Int}} NOT NULL,
  period_from     {{.Time}} NOT NULL,
  period_to       {{.Time}} NOT NULL,
  issued_at       {{.Time}},
  due_at          {{.Time}},
  paid_at         {{.Time}},
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX invoice_issuer_id_number ON invoice (issuer_id, number);
CREATE INDEX invoice_subscription_id ON invoice (organization_id, subscription_id, id);
CREATE INDEX invoice_status ON invoice (organization_id, status, id);
CREATE INDEX invoice_issued_at ON invoice (organization_id, issued_at {{.NullsFirst}}, id);
CREATE INDEX invoice_due_at ON invoice (organization_id, due_at {{.NullsFirst}}, id);
CREATE INDEX invoice_total ON invoice (organization_id, total, id);
CREATE INDEX invoice_id ON invoice (id);
{{.Tenant "invoice"}}

-- Payments of invoices, as they were recorded.
CREATE TABLE payment (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  invoice_id      {{.ID}} NOT NULL,
  amount          {{.Int}} NOT NULL,
  reference       {{.Text}},
  received_at     {{.Time}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, invoice_id) REFERENCES invoice (organization_id, id)
) {{.Strict}};
CREATE INDEX payment_invoice_id ON payment (organization_id, invoice_id, id);
{{.Tenant "payment"}}

{{if .PostgreSQL}}
-- +goose StatementBegin
CREATE FUNCTION keep_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.number IS NULL THEN
		RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
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
CREATE TRIGGER invoice_keep BEFORE UPDATE OR DELETE ON invoice FOR EACH ROW EXECUTE FUNCTION keep_invoice();
CREATE TRIGGER payment_append_only BEFORE UPDATE OR DELETE ON payment FOR EACH ROW EXECUTE FUNCTION refuse_change();
{{else}}
-- +goose StatementBegin
CREATE TRIGGER invoice_keep_update BEFORE UPDATE ON invoice WHEN OLD.number IS NOT NULL AND (
	NEW.subscription_id, NEW.issuer_id, NEW.number, NEW.reason, NEW.currency, NEW.language, NEW.seller, NEW.buyer, NEW.discount_text,
	NEW.lines, NEW.subtotal, NEW.discount, NEW.tax_category, NEW.tax_country, NEW.tax_rate, NEW.tax, NEW.total, NEW.period_from, NEW.period_to, NEW.issued_at, NEW.due_at)
	IS NOT (
	OLD.subscription_id, OLD.issuer_id, OLD.number, OLD.reason, OLD.currency, OLD.language, OLD.seller, OLD.buyer, OLD.discount_text,
	OLD.lines, OLD.subtotal, OLD.discount, OLD.tax_category, OLD.tax_country, OLD.tax_rate, OLD.tax, OLD.total, OLD.period_from, OLD.period_to, OLD.issued_at, OLD.due_at)
BEGIN
	SELECT RAISE(ABORT, 'an invoice with a number does not change');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER invoice_keep_delete BEFORE DELETE ON invoice WHEN OLD.number IS NOT NULL BEGIN
	SELECT RAISE(ABORT, 'an invoice with a number does not change');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER payment_no_update BEFORE UPDATE ON payment BEGIN
	SELECT RAISE(ABORT, 'payment is append only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER payment_no_delete BEFORE DELETE ON payment BEGIN
	SELECT RAISE(ABORT, 'payment is append only');
END;
-- +goose StatementEnd
{{end}}
