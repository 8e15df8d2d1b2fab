-- +goose Up
CREATE INDEX bank_transaction_status ON bank_transaction (organization_id, status, transaction_on, id);
CREATE INDEX bank_transaction_party_iban ON bank_transaction (organization_id, party_iban, transaction_on, id) WHERE party_iban IS NOT NULL;
