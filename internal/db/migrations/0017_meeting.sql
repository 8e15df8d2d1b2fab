-- +goose Up
-- What is planned with an employee. It lies somewhere in the window from
-- date_from to date_to, and once starts_at is set it occupies the time up to
-- ends_at. What is cancelled stays for a while, for those who subscribed to it.
--
-- The columns that end in _s are the same moments in seconds since 1970, for
-- looking up what touches a stretch of time: span is the class of the window's
-- length, busy_span that of the occupied time, see window.go.
CREATE TABLE meeting (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  id              {{.ID}} NOT NULL,
  employee_id     {{.ID}},
  location_id     {{.ID}},
  date_from       {{.Time}} NOT NULL,
  date_to         {{.Time}} NOT NULL,
  span            {{.Int}} NOT NULL,
  from_s          {{.Int}} NOT NULL,
  to_s            {{.Int}} NOT NULL,
  starts_at       {{.Time}},
  ends_at         {{.Time}},
  busy_span       {{.Int}},
  starts_s        {{.Int}},
  ends_s          {{.Int}},
  duration        {{.Int}} NOT NULL,
  allow_overlap   {{.Bool}} NOT NULL,
  notes           {{.Text}},
  notes_fold      {{.Text}},
  sequence        {{.Int}} NOT NULL,
  cancelled_at    {{.Time}},
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, employee_id) REFERENCES employee (organization_id, id),
  FOREIGN KEY (organization_id, location_id) REFERENCES location (organization_id, id)
) {{.Strict}};
CREATE INDEX meeting_window ON meeting (organization_id, span, from_s, id);
CREATE INDEX meeting_employee_window ON meeting (organization_id, employee_id, span, from_s, id);
CREATE INDEX meeting_busy ON meeting (organization_id, employee_id, busy_span, starts_s) WHERE starts_s IS NOT NULL AND cancelled_at IS NULL;
CREATE INDEX meeting_employee_id ON meeting (organization_id, employee_id, id);
CREATE INDEX meeting_location_id ON meeting (organization_id, location_id, id);
CREATE INDEX meeting_date_from ON meeting (organization_id, date_from, id);
CREATE INDEX meeting_date_to ON meeting (organization_id, date_to, id);
CREATE INDEX meeting_starts_at ON meeting (organization_id, starts_at, id);
CREATE INDEX meeting_updated_at ON meeting (organization_id, updated_at, id);
CREATE INDEX meeting_cancelled_at ON meeting (cancelled_at) WHERE cancelled_at IS NOT NULL;
{{.Tenant "meeting"}}

{{if .PostgreSQL}}
-- Two meetings of one employee don't overlap unless the later one may. Writers
-- hold a lock and look first; the constraint stands behind them. The extension
-- needs no superuser where it is installed; where it is not, the lock is all.
-- +goose StatementBegin
DO $$
BEGIN
	CREATE EXTENSION IF NOT EXISTS btree_gist;
	ALTER TABLE meeting ADD CONSTRAINT meeting_overlap EXCLUDE USING gist (
		organization_id WITH =, employee_id WITH =, int8range(starts_s, ends_s) WITH &&
	) WHERE (starts_s IS NOT NULL AND cancelled_at IS NULL AND NOT allow_overlap);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
	RAISE NOTICE 'btree_gist is not to be had: overlapping meetings are refused by sede alone';
END
$$;
-- +goose StatementEnd
{{end}}
