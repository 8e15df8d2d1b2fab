-- +goose Up
-- Pending transactions that a bank told no more, by the ids that they had, so that
-- whoever has copies hears of it.
CREATE TABLE bank_transaction_removed (
  organization_id {{.ID}} NOT NULL,
  id              {{.ID}} NOT NULL,
  account_id      {{.ID}} NOT NULL,
  removed_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, account_id) REFERENCES bank_account (organization_id, id)
) {{.Strict}};
CREATE INDEX bank_transaction_removed_at ON bank_transaction_removed (organization_id, removed_at, id);
CREATE INDEX bank_transaction_removed_account ON bank_transaction_removed (organization_id, account_id, removed_at, id);
{{.Tenant "bank_transaction_removed"}}
-- What changed since a moment.
CREATE INDEX bank_transaction_updated_at ON bank_transaction (organization_id, updated_at, id);
