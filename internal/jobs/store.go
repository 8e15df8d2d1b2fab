package jobs

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
)

// The states of a job.
const (
	waiting   = "waiting"
	running   = "running"
	done      = "done"
	failed    = "failed"    // its attempts are used up, or it can't ever succeed
	discarded = "discarded" // an operator gave it up
)

// row is a new job.
type row struct {
	organization, id ident.ID
	kind             string
	unique, series   string
	args             []byte
	sealed           bool
	most             int
	runAt, createdAt time.Time
}

// insert stores a job, unless its unique key is taken.
func insert(tx *db.Tx, r *row) {
	tx.Queue(`INSERT INTO job (organization_id, id, kind, state, unique_key, args, sealed, attempts, most_attempts, run_at, created_at, series)
		VALUES ($1, $2, $3, 'waiting', $4, $5, $6, 0, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		r.organization, r.id, r.kind, null.Value[string]{V: r.unique, Valid: r.unique != ""}, r.args, r.sealed,
		r.most, r.runAt, r.createdAt, r.series)
}

// claim holds the statements that look for jobs of the kinds known here; others
// are left to processes that know them.
type claim struct{ next, due, byID string }

// newClaim makes the statements for so many kinds, and jobs taken at once.
func newClaim(kinds, most int) claim {
	const found = `SELECT organization_id, id, kind, args, sealed, attempts, most_attempts, series, ` + seriesRuns + ` FROM job WHERE run_at <= $1 AND `
	return claim{
		next: `SELECT run_at FROM job WHERE run_at IS NOT NULL AND kind IN (` + parameters(1, kinds) + `) ORDER BY run_at LIMIT 1`,
		due:  found + `kind IN (` + parameters(3, kinds) + `) ORDER BY run_at, id LIMIT $2 `,
		byID: found + `id IN (` + parameters(2, most) + `) ORDER BY run_at, id `,
	}
}

// seriesRuns says whether another job of the series runs.
const seriesRuns = `EXISTS (SELECT 1 FROM job r WHERE r.organization_id = job.organization_id AND r.kind = job.kind
	AND r.series = job.series AND r.series <> '' AND r.state = 'running')`

// parameters returns "$first, …", n of them.
func parameters(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(list, ", ")
}

// nextDue returns when the next waiting job is due, false when none waits.
func (c *claim) nextDue(tx *db.Tx, kinds []any) (at time.Time, some bool, err error) {
	if len(kinds) == 0 {
		return at, false, nil
	}
	err = tx.Row(c.next, kinds...).Scan(&at)
	if errors.Is(err, db.ErrNoRows) {
		return at, false, nil
	}
	return at, err == nil, err
}

// taken is a job that a process took to run it.
type taken struct {
	organization, id ident.ID
	kind             string
	series           string
	held             bool // another job of the series runs
	args             []byte
	sealed           bool
	attempt, most    int
}

// firstDue returns up to n due jobs, those due first first.
func (c *claim) firstDue(tx *db.Tx, now time.Time, n int, kinds []any) ([]taken, error) {
	return scanTaken(tx.Query(c.due+tx.SkipLocked(), append([]any{now, n}, kinds...)...))
}

// these returns the jobs if they are still due; there are as many ids as newClaim
// was told.
func (c *claim) these(tx *db.Tx, now time.Time, ids []any) ([]taken, error) {
	return scanTaken(tx.Query(c.byID+tx.SkipLocked(), append([]any{now}, ids...)...))
}

func scanTaken(rows *db.Rows) (list []taken, err error) {
	defer rows.Close()
	for rows.Next() {
		var t taken
		if err := rows.Scan(&t.organization, &t.id, &t.kind, &t.args, &t.sealed, &t.attempt, &t.most, &t.series, &t.held); err != nil {
			return nil, err
		}
		t.kind, t.series, t.args, t.attempt = strings.Clone(t.kind), strings.Clone(t.series), bytes.Clone(t.args), t.attempt+1
		list = append(list, t)
	}
	return list, rows.Err()
}

// begin makes the job running.
func begin(tx *db.Tx, t *taken, runner ident.ID, now time.Time) {
	tx.Queue(`UPDATE job SET state = 'running', run_at = NULL, attempts = $3, runner_id = $4, started_at = $5 WHERE organization_id = $1 AND id = $2`,
		t.organization, t.id, t.attempt, runner, now)
}

// lane is a line in which jobs wait for one another.
type lane struct {
	organization ident.ID
	kind, series string
}

// head is the first job of a lane.
type head struct {
	lane
	id    ident.ID
	runAt time.Time
	held  bool // another job of the series runs
}

// heads returns the first jobs of up to n lanes behind one, in the order of lanes.
// Each costs one look into an index, however many wait behind it.
func heads(tx *db.Tx, after lane, n int) (list []head, err error) {
	rows := tx.Query(`WITH RECURSIVE first (id, n) AS (
			SELECT (SELECT id FROM job WHERE run_at IS NOT NULL AND (organization_id, kind, series) > ($1, $2, $3)
				ORDER BY organization_id, kind, series, run_at, id LIMIT 1), 1
			UNION ALL
			SELECT (SELECT o.id FROM job o WHERE o.run_at IS NOT NULL AND (o.organization_id, o.kind, o.series) > (j.organization_id, j.kind, j.series)
				ORDER BY o.organization_id, o.kind, o.series, o.run_at, o.id LIMIT 1), n + 1
			FROM first JOIN job j ON j.id = first.id WHERE n < $4)
		SELECT organization_id, kind, series, job.id, run_at, `+seriesRuns+` FROM first JOIN job ON job.id = first.id
		WHERE run_at IS NOT NULL ORDER BY organization_id, kind, series`, after.organization, after.kind, after.series, n)
	defer rows.Close()
	for rows.Next() {
		var h head
		if err := rows.Scan(&h.organization, &h.kind, &h.series, &h.id, &h.runAt, &h.held); err != nil {
			return nil, err
		}
		h.kind, h.series = strings.Clone(h.kind), strings.Clone(h.series)
		list = append(list, h)
	}
	return list, rows.Err()
}

// outcome is what becomes of a job after a run.
type outcome struct {
	state    string
	attempts int                   // begun runs that count
	runAt    null.Value[time.Time] // of one that waits
	error    null.Value[string]
	finished null.Value[time.Time]
	wipe     bool // the arguments are not needed any more
}

// settle ends a run, and reports whether the job was still that run's.
func settle(tx *db.Tx, t *taken, runner ident.ID, o outcome) (bool, error) {
	changed, err := tx.Exec(`UPDATE job SET state = $5, attempts = $6, run_at = $7, error = $8, finished_at = $9, runner_id = NULL, args = COALESCE($10, args)
		WHERE organization_id = $1 AND id = $2 AND state = 'running' AND runner_id = $3 AND attempts = $4`,
		t.organization, t.id, runner, t.attempt, o.state, o.attempts, o.runAt, o.error, o.finished, null.Value[[]byte]{V: []byte{}, Valid: o.wipe})
	return changed > 0, err
}

// sighting is a running job as it was seen, with the beat of its process.
type sighting struct {
	taken
	runner ident.ID
	beat   int64
}

// running returns the jobs that run anywhere.
func runningNow(tx *db.Tx) (list []sighting, err error) {
	rows := tx.Query(`SELECT j.organization_id, j.id, j.kind, j.attempts, j.most_attempts, j.runner_id, COALESCE(r.beat, 0)
		FROM job j LEFT JOIN job_runner r ON r.id = j.runner_id WHERE j.state = 'running' ORDER BY j.id`)
	defer rows.Close()
	for rows.Next() {
		var s sighting
		if err := rows.Scan(&s.organization, &s.id, &s.kind, &s.attempt, &s.most, &s.runner, &s.beat); err != nil {
			return nil, err
		}
		s.kind = strings.Clone(s.kind)
		list = append(list, s)
	}
	return list, rows.Err()
}

// beat says that the process lives.
func beat(tx *db.Tx, runner ident.ID, now time.Time) {
	tx.Queue(`INSERT INTO job_runner (id, beat, beat_at) VALUES ($1, 1, $2)
		ON CONFLICT (id) DO UPDATE SET beat = job_runner.beat + 1, beat_at = $2`, runner, now)
}

// next returns when a schedule is due, after noting it if it was never seen.
func nextOf(tx *db.Tx, name string, first time.Time) (at time.Time, err error) {
	tx.Queue(`INSERT INTO job_schedule (name, next_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, first)
	err = tx.Row(`SELECT next_at FROM job_schedule WHERE name = $1`, name).Scan(&at)
	return at, err
}

// moveNext moves a schedule on, and reports whether it stood where it was
// thought to.
func moveNext(tx *db.Tx, name string, from, to time.Time) (bool, error) {
	changed, err := tx.Exec(`UPDATE job_schedule SET next_at = $3 WHERE name = $1 AND next_at = $2`, name, from, to)
	return changed > 0, err
}

// count returns how many jobs there are in the states that matter.
func count(tx *db.Tx) (map[string]int64, error) {
	counts := map[string]int64{}
	rows := tx.Query(`SELECT state, count(*) FROM job WHERE state IN ('waiting', 'running', 'failed') GROUP BY state`)
	defer rows.Close()
	for rows.Next() {
		var state string
		var n int64
		if err := rows.Scan(&state, &n); err != nil {
			return nil, err
		}
		counts[strings.Clone(state)] = n
	}
	return counts, rows.Err()
}

// batch is how many jobs one transaction removes or moves, so that others wait
// little.
const batch = 1000

// forget removes jobs that were finished before a time, up to a batch.
func forget(tx *db.Tx, state string, before time.Time) (int64, error) {
	return tx.Exec(`DELETE FROM job WHERE (organization_id, id) IN (
		SELECT organization_id, id FROM job WHERE state = $1 AND finished_at < $2 ORDER BY id LIMIT $3)`, state, before, batch)
}

// forgetRunners removes processes that have not run a job for long.
func forgetRunners(tx *db.Tx, before time.Time) {
	tx.Queue(`DELETE FROM job_runner WHERE beat_at < $1`, before)
}

// stray is a waiting job with its times.
type stray struct {
	organization, id ident.ID
	runAt, createdAt time.Time
	startedAt        null.Value[time.Time]
}

// fromFuture returns waiting jobs that were enqueued or begun after a time, up to
// a batch.
func fromFuture(tx *db.Tx, after time.Time) (list []stray, err error) {
	rows := tx.Query(`SELECT organization_id, id, run_at, created_at, started_at FROM job
		WHERE run_at > $1 AND (created_at > $1 OR started_at > $1) ORDER BY run_at, id LIMIT $2`, after, batch)
	defer rows.Close()
	for rows.Next() {
		var s stray
		if err := rows.Scan(&s.organization, &s.id, &s.runAt, &s.createdAt, &s.startedAt); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// moveJob stores the times of a job that still waits.
func moveJob(tx *db.Tx, s *stray) {
	tx.Queue(`UPDATE job SET run_at = $3, created_at = $4, started_at = $5
		WHERE organization_id = $1 AND id = $2 AND run_at IS NOT NULL`, s.organization, s.id, s.runAt, s.createdAt, s.startedAt)
}
