-- +goose Up

-- Work to be done after a commit or at a time. What concerns no organization is
-- under the zero id, so "organization_id" refers to nothing. "state" is waiting,
-- running, done, failed or discarded. "unique_key" is null or holds back a second
-- waiting or running job of the kind. "run_at" is set while the job waits, so that
-- an index finds what is due. "runner_id" is the process that runs it, "attempts"
-- counts the runs begun.
CREATE TABLE job (
	organization_id {{.ID}} NOT NULL,
	id {{.ID}} NOT NULL,
	kind {{.Text}} NOT NULL,
	state {{.Text}} NOT NULL,
	unique_key {{.Text}},
	args {{.Bytes}} NOT NULL,
	sealed {{.Bool}} NOT NULL,
	attempts {{.Int}} NOT NULL,
	most_attempts {{.Int}} NOT NULL,
	run_at {{.Time}},
	runner_id {{.ID}},
	error {{.Text}},
	created_at {{.Time}} NOT NULL,
	started_at {{.Time}},
	finished_at {{.Time}},
	PRIMARY KEY (organization_id, id)
) {{.Strict}};
CREATE UNIQUE INDEX job_kind_unique_key ON job (organization_id, kind, unique_key)
	WHERE unique_key IS NOT NULL AND state IN ('waiting', 'running');
CREATE INDEX job_run_at ON job (run_at, id) WHERE run_at IS NOT NULL;
CREATE INDEX job_finished_at ON job (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX job_id ON job (id);
CREATE INDEX job_state ON job (state, id);
{{.Tenant "job"}}

-- The processes that run jobs. "beat" grows as long as the process lives and has
-- work.
CREATE TABLE job_runner (
	id {{.ID}} NOT NULL PRIMARY KEY,
	beat {{.Int}} NOT NULL,
	beat_at {{.Time}} NOT NULL
) {{.Strict}};

-- When work that repeats is due next.
CREATE TABLE job_schedule (
	name {{.Text}} NOT NULL PRIMARY KEY,
	next_at {{.Time}} NOT NULL
) {{.Strict}};
