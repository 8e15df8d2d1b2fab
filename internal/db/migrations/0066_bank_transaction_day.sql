-- +goose Up
-- What is imported together lies together: the days of a reply are neighbours,
-- fingerprints are not.
CREATE UNIQUE INDEX bank_transaction_account_id_transaction_on_fingerprint_ordinal ON bank_transaction (organization_id, account_id, transaction_on, fingerprint, ordinal);
DROP INDEX bank_transaction_account_id_fingerprint_ordinal;
