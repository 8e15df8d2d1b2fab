package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/jobs"
	"sede/internal/sedetest"
)

// item is a job in an answer.
type item struct {
	ID, Kind, State          string
	Organization, Error      *string
	Attempts                 int
	RunAt, FinishedAt, Begun *time.Time
}

type page struct {
	Total   int    `json:"totalItems"`
	Members []item `json:"hydra:member"`
}

// TestAPI has an operator look at jobs, run them again and give them up.
func TestAPI(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		operator := b.in.As("operator@demo.example", "")
		broken := true
		kind := jobs.Kind[note]{Name: "test.api", Attempts: 1}
		b.register(b.q, []jobs.Worker{kind.Worker(func(context.Context, *jobs.Job[note]) error {
			if broken {
				return errors.New("the server said no")
			}
			return nil
		})})
		enqueue := func(scope access.Scope, o jobs.Options) {
			b.write(func(tx *db.Tx) error {
				kind.Enqueue(tx, b.q, scope, note{"a secret word"}, o)
				return nil
			})
		}
		read := func(query string) (p page) {
			t.Helper()
			a := operator.Do(http.MethodGet, "/jobs"+query, "")
			if a.Status != http.StatusOK || strings.Contains(a.Body, "secret word") {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			a.JSON(t, &p)
			return p
		}
		enqueue(access.Instance(), jobs.Options{Unique: "key"})
		b.run(b.q, 1)
		b.in.Clock.Advance(time.Minute)
		enqueue(access.System(demo(b.in)), jobs.Options{Sealed: true, At: b.in.Clock.Now().Add(time.Hour)})

		all := read("").Members
		if len(all) != 2 || all[1].State != "failed" || all[1].Error == nil || *all[1].Error != "the server said no" || all[1].Attempts != 1 ||
			all[1].Organization != nil || all[0].Organization == nil || *all[0].Organization != "/organizations/"+b.in.Names["demo"] {
			t.Fatalf("the jobs are %+v", all)
		}
		for query, want := range map[string]int{
			"?state=failed": 1, "?state=done": 0, "?kind=test.api": 2, "?kind=other": 0, "?attempts[gt]=0": 1,
			"?organization=" + b.in.Names["demo"]: 1, "?organization=/organizations/" + b.in.Names["other"]: 0,
			"?createdAt[after]=2030-01-02T09:00:30Z": 1, "?finishedAt[before]=2030-01-02T09:00:30Z": 1, "?runAt[after]=2030-01-02T10:00:00Z": 1,
		} {
			if p := read(query); p.Total != want || len(p.Members) != want {
				t.Errorf("%s finds %d, want %d", query, p.Total, want)
			}
		}
		do := func(id, action string, want int) (i item) {
			t.Helper()
			before := b.in.Dump()
			a := operator.Do(http.MethodPost, "/jobs/"+id+"/"+action, "")
			if a.Status != want {
				t.Fatalf("%s: %d, want %d: %s", action, a.Status, want, a.Body)
			}
			if want == http.StatusOK {
				a.JSON(t, &i)
			} else {
				b.in.Unchanged(before, action)
			}
			return i
		}
		dead, later := all[1].ID, all[0].ID
		if i := do(dead, "retry", 200); i.State != "waiting" || i.Attempts != 0 || i.FinishedAt != nil || i.RunAt == nil {
			t.Errorf("after a retry: %+v", i)
		}
		b.run(b.q, 1)
		enqueue(access.Instance(), jobs.Options{Unique: "key"})
		do(dead, "retry", http.StatusConflict) // the new one does the same
		if i := do(dead, "discard", 200); i.State != "discarded" || i.FinishedAt == nil {
			t.Errorf("after discarding: %+v", i)
		}
		do(dead, "discard", http.StatusConflict)
		do("018cc6e0-0000-7000-8000-000000000001", "retry", http.StatusNotFound)
		do("x", "discard", http.StatusNotFound)
		broken = false
		b.run(b.q, 1)
		do(dead, "retry", 200)
		do(later, "retry", 200) // now instead of in an hour
		b.run(b.q, 2)
		do(dead, "retry", http.StatusConflict)
		do(dead, "discard", http.StatusConflict)
	})
}

// TestForget removes what was finished long ago, and nothing else.
func TestForget(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b := newBench(t, engine)
		kind := jobs.Kind[note]{Name: "test.forget", Attempts: 1}
		b.register(b.q, []jobs.Worker{kind.Worker(func(_ context.Context, j *jobs.Job[note]) error {
			if j.Args.Text == "bad" {
				return errors.New("bad")
			}
			return nil
		})})
		b.write(func(tx *db.Tx) error {
			for i := range 1203 {
				text := "good"
				if i%400 == 0 {
					text = "bad"
				}
				kind.Enqueue(tx, b.q, access.Instance(), note{text}, jobs.Options{})
			}
			kind.Enqueue(tx, b.q, access.Instance(), note{}, jobs.Options{At: b.in.Clock.Now().Add(9999 * time.Hour)})
			return nil
		})
		b.run(b.q, 1203)
		forget := b.q.Schedules()[0].Do
		for _, step := range []struct {
			wait time.Duration
			left int
		}{{23 * time.Hour, 1204}, {2 * time.Hour, 5}, {28 * 24 * time.Hour, 5}, {24 * time.Hour, 1}} {
			b.in.Clock.Advance(step.wait)
			if err := forget(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := len(b.jobs()); n != step.left {
				t.Errorf("%d jobs are left, want %d", n, step.left)
			}
		}
	})
}

// TestMetrics counts jobs in the database and runs in the process.
func TestMetrics(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		queue := in.App.Jobs()
		for i := range 3 {
			kind := jobs.Kind[note]{Name: fmt.Sprint("test.unknown.", i)}
			err := in.App.Database().Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
				kind.Enqueue(tx, queue, access.Instance(), note{}, jobs.Options{})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		in.RunJobs()
		in.Advance(2 * time.Hour)
		in.RunJobs() // the hourly schedule
		a := in.With("").Do(http.MethodGet, "/metrics", "")
		for _, line := range []string{
			`sede_jobs{state="waiting"} 3`, `sede_jobs{state="failed"} 0`, `sede_job_lag_seconds 0`,
			`sede_job_runs_total{kind="schedule.jobs.forget",result="done"} `, `sede_job_duration_seconds_count{kind="schedule.jobs.forget"} `,
		} {
			if !strings.Contains(a.Body, "\n"+line) {
				t.Errorf("the metrics lack %s", line)
			}
		}
	})
}
