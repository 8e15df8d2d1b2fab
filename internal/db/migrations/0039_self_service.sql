-- +goose Up

-- Accounts that people asked for, by the SHA-256 hash of the token in the mail
-- that makes them. "used_at" says when that was.
CREATE TABLE sign_up (
	hash {{.Bytes}} NOT NULL PRIMARY KEY,
	email {{.Text}} NOT NULL,
	name {{.Text}} NOT NULL,
	password_hash {{.Text}} NOT NULL,
	language {{.Text}},
	time_zone {{.Text}},
	created_at {{.Time}} NOT NULL,
	expires_at {{.Time}} NOT NULL,
	used_at {{.Time}}
) {{.Strict}};
CREATE INDEX sign_up_email ON sign_up (email);
CREATE INDEX sign_up_expires_at ON sign_up (expires_at);
