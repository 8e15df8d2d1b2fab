-- +goose Up
-- The image that stands on papers of the issuer: where an organization's logo is.
ALTER TABLE invoice_issuer ADD COLUMN logo {{.Text}};
