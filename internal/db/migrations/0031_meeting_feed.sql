-- +goose Up
-- A secret address under which a member's meetings can be subscribed to, by the
-- SHA-256 hash of the secret. busy: it tells no more than when they are busy.
CREATE TABLE meeting_feed (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  user_id         {{.ID}} NOT NULL REFERENCES app_user (id),
  busy            {{.Bool}} NOT NULL,
  secret_hash     {{.Bytes}} NOT NULL,
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX meeting_feed_user_id_busy ON meeting_feed (organization_id, user_id, busy);
CREATE UNIQUE INDEX meeting_feed_secret_hash ON meeting_feed (secret_hash);
{{.Tenant "meeting_feed"}}
