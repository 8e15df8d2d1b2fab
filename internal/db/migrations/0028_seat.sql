-- +goose Up

-- Seats that are kept for people who are invited, under the invitation's id,
-- until they expire.
CREATE TABLE seat_reservation (
	organization_id {{.ID}} NOT NULL REFERENCES organization (id),
	id {{.ID}} NOT NULL,
	email {{.Text}} NOT NULL,
	email_fold {{.Text}} NOT NULL,
	role {{.Text}} NOT NULL,
	created_at {{.Time}} NOT NULL,
	expires_at {{.Time}} NOT NULL,
	PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE INDEX seat_reservation_expires_at ON seat_reservation (organization_id, expires_at);
{{.Tenant "seat_reservation"}}
