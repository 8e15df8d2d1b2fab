-- +goose Up

-- Invitations. "email" is in its normal form. "token_hash" is the SHA-256 hash of
-- the token in the link that was made last, which dies when the next is made.
-- "mailed" says that this token went to the address by mail, so that whoever
-- shows it can read that mail. "status" is pending, accepted or revoked; a
-- pending one is expired once its time is over. "invited_by" is the name of who
-- sent it last.
CREATE TABLE organization_user_invitation (
	organization_id {{.ID}} NOT NULL REFERENCES organization (id),
	id {{.ID}} NOT NULL,
	email {{.Text}} NOT NULL,
	email_fold {{.Text}} NOT NULL,
	role {{.Text}} NOT NULL,
	status {{.Text}} NOT NULL,
	language {{.Text}},
	invited_by {{.Text}} NOT NULL,
	token_hash {{.Bytes}} NOT NULL,
	mailed {{.Bool}} NOT NULL,
	sent_at {{.Time}} NOT NULL,
	expires_at {{.Time}} NOT NULL,
	accepted_by {{.ID}},
	accepted_at {{.Time}},
	version {{.Int}} NOT NULL,
	created_at {{.Time}} NOT NULL,
	updated_at {{.Time}} NOT NULL,
	PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX organization_user_invitation_token_hash ON organization_user_invitation (token_hash);
CREATE UNIQUE INDEX organization_user_invitation_email ON organization_user_invitation (organization_id, email) WHERE status = 'pending';
CREATE INDEX organization_user_invitation_invitee ON organization_user_invitation (email, id) WHERE status = 'pending';
CREATE INDEX organization_user_invitation_email_fold ON organization_user_invitation (organization_id, email_fold, id);
CREATE INDEX organization_user_invitation_status ON organization_user_invitation (organization_id, status, id);
CREATE INDEX organization_user_invitation_expires_at ON organization_user_invitation (organization_id, expires_at, id);
CREATE INDEX organization_user_invitation_created_at ON organization_user_invitation (organization_id, created_at, id);
{{.Tenant "organization_user_invitation"}}
