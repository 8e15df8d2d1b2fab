-- +goose Up
-- What tells a removed transaction when the bank tells it again, and what it had that
-- goes on then. Null: it was removed before this was kept.
ALTER TABLE bank_transaction_removed ADD COLUMN fingerprint {{.Bytes}};
ALTER TABLE bank_transaction_removed ADD COLUMN transaction_on {{.Time}};
ALTER TABLE bank_transaction_removed ADD COLUMN amount {{.Int}};
ALTER TABLE bank_transaction_removed ADD COLUMN version {{.Int}};
ALTER TABLE bank_transaction_removed ADD COLUMN created_at {{.Time}};
