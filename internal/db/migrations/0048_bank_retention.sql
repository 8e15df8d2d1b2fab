-- +goose Up
-- Transactions of before kept_since were removed because they are old. They don't
-- come back, and months keep having them in their sums.
ALTER TABLE bank_account ADD COLUMN kept_since {{.Time}};
