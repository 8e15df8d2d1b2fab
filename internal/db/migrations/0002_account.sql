-- +goose Up

-- People who can sign in. "username" is the e-mail address in its normal form.
-- "signed_in_at" is also what a sign-in locks, so that it can't get by a change
-- of the password at the same time.
CREATE TABLE app_user (
	id {{.ID}} NOT NULL PRIMARY KEY,
	username {{.Text}} NOT NULL,
	username_fold {{.Text}} NOT NULL,
	name {{.Text}} NOT NULL,
	name_fold {{.Text}} NOT NULL,
	language {{.Text}},
	time_zone {{.Text}},
	operator {{.Bool}} NOT NULL,
	password_hash {{.Text}} NOT NULL,
	signed_in_at {{.Time}},
	version {{.Int}} NOT NULL,
	created_at {{.Time}} NOT NULL,
	updated_at {{.Time}} NOT NULL
) {{.Strict}};
CREATE UNIQUE INDEX app_user_username ON app_user (username);

-- Sign-ins. A session lives as long as its newest refresh token, until it is
-- revoked. "organization_id" is the organization chosen at sign-in, if any.
CREATE TABLE user_session (
	id {{.ID}} NOT NULL PRIMARY KEY,
	user_id {{.ID}} NOT NULL REFERENCES app_user (id),
	organization_id {{.ID}},
	address {{.Text}} NOT NULL,
	agent {{.Text}} NOT NULL,
	created_at {{.Time}} NOT NULL,
	expires_at {{.Time}} NOT NULL,
	revoked_at {{.Time}}
) {{.Strict}};
CREATE INDEX user_session_user_id ON user_session (user_id, expires_at);

-- The refresh tokens of a session, by their SHA-256 hash. A used one stays until
-- it would have expired, so that its second use is noticed.
CREATE TABLE refresh_token (
	hash {{.Bytes}} NOT NULL PRIMARY KEY,
	session_id {{.ID}} NOT NULL REFERENCES user_session (id),
	created_at {{.Time}} NOT NULL,
	expires_at {{.Time}} NOT NULL,
	used_at {{.Time}}
) {{.Strict}};
CREATE INDEX refresh_token_session_id ON refresh_token (session_id, expires_at);

-- The Ed25519 keys that sign tokens. "sealed" is the private key under the
-- master key; a key signs from "use_from" until the next one does.
CREATE TABLE signing_key (
	kid {{.Text}} NOT NULL PRIMARY KEY,
	public_key {{.Bytes}} NOT NULL,
	sealed {{.Bytes}} NOT NULL,
	use_from {{.Time}} NOT NULL,
	created_at {{.Time}} NOT NULL
) {{.Strict}};

-- Whose access changed, in the order of the commits: every process reads on from
-- the epoch it saw last and forgets what it knew of these users. The zero user
-- stands for everybody.
CREATE TABLE access_epoch (
	id {{.Int}} NOT NULL PRIMARY KEY,
	epoch {{.Int}} NOT NULL
) {{.Strict}};
INSERT INTO access_epoch (id, epoch) VALUES (1, 0);
CREATE TABLE access_change (
	epoch {{.Int}} NOT NULL PRIMARY KEY,
	user_id {{.ID}} NOT NULL
) {{.Strict}};
