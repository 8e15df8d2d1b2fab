package jobs_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/sedetest"
)

// hall has jobs that run until the test lets them end.
type hall struct {
	mu   sync.Mutex
	runs map[string]int // by text
	most map[string]int
	did  chan string
	open chan struct{}
}

func newHall() *hall {
	return &hall{runs: map[string]int{}, most: map[string]int{}, did: make(chan string, 1000), open: make(chan struct{})}
}

// work waits if the text says so.
func (h *hall) work(ctx context.Context, j *jobs.Job[note]) error {
	h.mu.Lock()
	h.runs[j.Args.Text]++
	h.most[j.Args.Text] = max(h.most[j.Args.Text], h.runs[j.Args.Text])
	h.mu.Unlock()
	if j.Args.Text != "quick" {
		select {
		case <-h.open:
		case <-ctx.Done():
		}
	}
	h.mu.Lock()
	h.runs[j.Args.Text]--
	h.mu.Unlock()
	h.did <- j.Args.Text
	return ctx.Err()
}

// expect fails unless n jobs with the text end soon.
func (h *hall) expect(t *testing.T, text string, n int) {
	t.Helper()
	for range n {
		select {
		case did := <-h.did:
			if did != text {
				t.Fatalf("%s ended, want %s", did, text)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s waits for the jobs of others", text)
		}
	}
}

// TestFair keeps the jobs of one organization, kind or series from taking all workers,
// however many wait before those of others.
func TestFair(t *testing.T) {
	t.Parallel()
	const many = 300
	slow, few, lasting := jobs.Kind[note]{Name: "test.slow"}, jobs.Kind[note]{Name: "test.few", AtOnce: 2}, jobs.Kind[note]{Name: "test.lasting", Timeout: time.Hour}
	for name, c := range map[string]struct {
		kind    jobs.Kind[note]
		whose   func(i int, demo ident.ID) ident.ID
		options jobs.Options
		most    int
	}{
		"organization": {slow, func(_ int, demo ident.ID) ident.ID { return demo }, jobs.Options{}, 4},
		"kind":         {few, func(i int, _ ident.ID) ident.ID { return ident.ID{0: 1, 14: byte(i >> 8), 15: byte(i)} }, jobs.Options{}, 2},
		"lasting":      {lasting, func(i int, _ ident.ID) ident.ID { return ident.ID{0: 1, 14: byte(i >> 8), 15: byte(i)} }, jobs.Options{}, 4},
		"series":       {slow, func(_ int, demo ident.ID) ident.ID { return demo }, jobs.Options{Series: "one"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sedetest.Each(t, func(t *testing.T, engine db.Engine) {
				b, h := newBench(t, engine), newHall()
				b.register(b.q, []jobs.Worker{slow.Worker(h.work), few.Worker(h.work), lasting.Worker(h.work)})
				b.write(func(tx *db.Tx) error {
					for i := range many {
						c.kind.Enqueue(tx, b.q, access.System(c.whose(i, demo(b.in))), note{"slow"}, c.options)
					}
					return nil
				})
				b.in.Clock.Advance(time.Second)
				b.q.Start()
				defer b.q.Close()
				others := ident.ID{0: 255, 15: 1}
				for range 3 {
					b.write(func(tx *db.Tx) error {
						slow.Enqueue(tx, b.q, access.System(others), note{"quick"}, jobs.Options{Series: "its own"})
						return nil
					})
					h.expect(t, "quick", 1)
				}
				close(h.open)
				h.expect(t, "slow", many)
				if h.most["slow"] != c.most {
					t.Errorf("%d ran at once, want %d", h.most["slow"], c.most)
				}
			})
		})
	}
}

// TestSeries runs the jobs of a series one after another, also when several processes
// share the work.
func TestSeries(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		b, h := newBench(t, engine), newHall()
		close(h.open)
		kind := jobs.Kind[note]{Name: "test.series"}
		queues := []*jobs.Queue{b.q, newQueue(t, b.in)}
		for _, q := range queues {
			b.register(q, []jobs.Worker{kind.Worker(h.work)})
		}
		const all, series = 120, 3
		b.write(func(tx *db.Tx) error {
			for i := range all {
				name := fmt.Sprint(i % series)
				kind.Enqueue(tx, queues[i%2], access.System(demo(b.in)), note{name}, jobs.Options{Series: name})
			}
			return nil
		})
		for _, q := range queues {
			q.Start()
			defer q.Close()
		}
		for range all {
			select {
			case <-h.did:
			case <-time.After(30 * time.Second):
				t.Fatal("jobs of a series wait")
			}
		}
		for name, n := range h.most {
			if n != 1 {
				t.Errorf("%d jobs of series %s ran at once", n, name)
			}
		}
	})
}
