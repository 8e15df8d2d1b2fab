-- +goose Up
-- At which organization the money for an issuer's invoices comes in.
ALTER TABLE invoice_issuer ADD COLUMN receiver_id {{.ID}};
CREATE INDEX invoice_unpaid ON invoice (issuer_id, total, id) WHERE status IN ('open', 'uncollectible');

-- Money that came in and the invoices that it is for. mark tells the transaction
-- from all others, also when it is removed and imported again, so that none is
-- matched twice.
CREATE TABLE payment_match (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  transaction_id  {{.ID}} NOT NULL,
  mark            {{.Bytes}} NOT NULL,
  status          {{.Text}} NOT NULL,
  score           {{.Int}} NOT NULL,
  reasons         {{.Text}} NOT NULL,
  amount          {{.Int}} NOT NULL,
  currency        {{.Text}} NOT NULL,
  received_on     {{.Time}} NOT NULL,
  title           {{.Text}} NOT NULL,
  party           {{.Text}} NOT NULL,
  party_iban      {{.Text}},
  parts           {{.JSON}} NOT NULL,
  payer_id        {{.ID}} NOT NULL,
  decided_at      {{.Time}},
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX payment_match_mark ON payment_match (organization_id, mark);
CREATE INDEX payment_match_transaction_id ON payment_match (organization_id, transaction_id, id);
CREATE INDEX payment_match_status ON payment_match (organization_id, status, id);
CREATE INDEX payment_match_party_iban ON payment_match (organization_id, party_iban, id);
CREATE INDEX payment_match_received_on ON payment_match (organization_id, received_on, id);
CREATE INDEX payment_match_score ON payment_match (organization_id, score, id);
CREATE INDEX payment_match_amount ON payment_match (organization_id, amount, id);
{{.Tenant "payment_match"}}
