-- +goose Up
-- Of the jobs of an organization with one kind and "series" one runs at a time; empty:
-- any number. Waiting jobs stand in lanes of organization, kind and series, of which
-- the first can be found without those behind it.
ALTER TABLE job ADD COLUMN series {{.Text}} NOT NULL DEFAULT '';
CREATE INDEX job_lane ON job (organization_id, kind, series, run_at, id) WHERE run_at IS NOT NULL;
CREATE UNIQUE INDEX job_kind_series ON job (organization_id, kind, series) WHERE series <> '' AND state = 'running';
-- Before "retry_at" nothing is sent to an endpoint where deliveries fail.
ALTER TABLE webhook_endpoint ADD COLUMN retry_at {{.Time}};
