-- +goose Up

-- When the user showed that mail to the address reaches them; null: not yet.
-- Operators vouch for the users that they made.
ALTER TABLE app_user ADD COLUMN email_verified_at {{.Time}};
UPDATE app_user SET email_verified_at = created_at;

-- What operators order all users by.
CREATE INDEX app_user_username_fold ON app_user (username_fold, id);
CREATE INDEX app_user_name ON app_user (name_fold, id);
CREATE INDEX app_user_created_at ON app_user (created_at, id);

-- When a request last came with a token of the session, to the minute.
ALTER TABLE user_session ADD COLUMN used_at {{.Time}};

-- Tokens that were sent by mail, by their SHA-256 hash. Each is good for one
-- purpose, once. "email" is the address that it was sent to, in its normal form.
CREATE TABLE mailed_token (
	hash {{.Bytes}} NOT NULL PRIMARY KEY,
	purpose {{.Text}} NOT NULL,
	user_id {{.ID}} NOT NULL REFERENCES app_user (id),
	email {{.Text}} NOT NULL,
	created_at {{.Time}} NOT NULL,
	expires_at {{.Time}} NOT NULL,
	used_at {{.Time}}
) {{.Strict}};
CREATE INDEX mailed_token_user_id ON mailed_token (user_id, purpose);
CREATE INDEX mailed_token_expires_at ON mailed_token (expires_at);
