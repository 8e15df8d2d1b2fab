-- +goose Up

-- The development mailbox: what would have been sent, had a server for mail been
-- set. "sealed" is the mail as JSON, encrypted because it holds links that let
-- people in.
CREATE TABLE mailbox (
	id {{.ID}} NOT NULL PRIMARY KEY,
	organization {{.ID}} NOT NULL,
	recipient {{.Text}} NOT NULL,
	sealed {{.Bytes}} NOT NULL,
	created_at {{.Time}} NOT NULL
) {{.Strict}};
CREATE INDEX mailbox_recipient ON mailbox (recipient, id);
