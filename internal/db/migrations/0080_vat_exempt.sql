-- +goose Up
-- Whether the issuer is exempt from VAT, as a small business is.
ALTER TABLE invoice_issuer ADD COLUMN vat_exempt {{.Bool}} NOT NULL DEFAULT false;
