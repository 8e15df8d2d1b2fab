-- +goose Up
-- The payment method that somebody chose for one subscription; null: the default of
-- the organization. payment_method_id is the one that pays.
ALTER TABLE subscription ADD COLUMN own_method_id {{.ID}};
-- Where an invoice of Stripe's is shown and can be paid.
ALTER TABLE invoice ADD COLUMN payment_url {{.Text}};
