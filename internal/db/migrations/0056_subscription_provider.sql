-- +goose Up
-- Who bills a subscription: empty is sede itself, stripe is Stripe, under the id
-- external_id. wanted grows with what people change and the provider must learn,
-- wanted_at is when they did last.
ALTER TABLE subscription ADD COLUMN provider {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE subscription ADD COLUMN external_id {{.Text}};
ALTER TABLE subscription ADD COLUMN payment_method_id {{.ID}};
ALTER TABLE subscription ADD COLUMN wanted {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE subscription ADD COLUMN wanted_at {{.Time}};
CREATE INDEX subscription_external_id ON subscription (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX subscription_provider ON subscription (provider, organization_id, id) WHERE live;

-- Invoices that Stripe makes are numbered by Stripe.
INSERT INTO invoice_issuer (id, name, street_line, post_code, city, country, prefix, next_number, payment_days, grace_days, version, created_at, updated_at)
  VALUES ('stripe', 'Stripe', '', '', '', '', '', 1, 0, 14, 1, {{if .PostgreSQL}}'2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00'{{else}}1767225600000000, 1767225600000000{{end}});

-- Which invoice of ours is which of Stripe's.
CREATE TABLE stripe_invoice (
  organization_id {{.ID}} NOT NULL,
  id              {{.Text}} NOT NULL,
  invoice_id      {{.ID}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, invoice_id) REFERENCES invoice (organization_id, id)
) {{.Strict}};
CREATE INDEX stripe_invoice_invoice_id ON stripe_invoice (organization_id, invoice_id);
{{.Tenant "stripe_invoice"}}

-- Rates of value added tax as Stripe knows them, by country and hundredths of a
-- percent.
CREATE TABLE stripe_tax_rate (
  country     {{.Text}} NOT NULL,
  rate        {{.Int}} NOT NULL,
  external_id {{.Text}} NOT NULL,
  PRIMARY KEY (country, rate)
) {{.Strict}};
