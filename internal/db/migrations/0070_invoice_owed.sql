-- +goose Up
-- What is owed to organizations, which few are owed anything.
CREATE INDEX invoice_owed ON invoice (organization_id) WHERE amount_paid + amount_credited > total AND issuer_id <> 'stripe';
