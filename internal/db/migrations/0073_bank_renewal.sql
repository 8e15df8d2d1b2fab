-- +goose Up
-- A consent that is to take the place of a live one is offered until its first import
-- is done. What it would change of the connection is kept with it meanwhile.
ALTER TABLE bank_integration ADD COLUMN renewal_status {{.Text}};
ALTER TABLE bank_integration ADD COLUMN renewal_error {{.Text}};
ALTER TABLE bank_consent ADD COLUMN country {{.Text}};
ALTER TABLE bank_consent ADD COLUMN target {{.Text}};
ALTER TABLE bank_consent ADD COLUMN name {{.Text}};
-- The import under the live consent that begins if this one, of an offered consent,
-- fails.
ALTER TABLE bank_pull ADD COLUMN otherwise_since {{.Text}};
ALTER TABLE bank_pull ADD COLUMN otherwise_attended {{.Bool}} NOT NULL DEFAULT false;
