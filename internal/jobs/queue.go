package jobs

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/secret"
)

// Config is what a Queue works with.
type Config struct {
	DB      *db.DB
	Audit   *audit.Log // of what operators do with jobs
	Clock   clock.Clock
	IDs     *ident.Source
	Secret  *secret.Box   // seals arguments
	Random  io.Reader     // for jitter; nil: the system's
	Log     *slog.Logger  // nil: discards
	Workers int           // jobs at once; 0: 8
	Grace   time.Duration // that Close leaves running jobs; 0: 10 s
	Alone   bool          // no other process uses the database: what another one runs, it died of
}

// Queue keeps jobs and runs them. It is safe for concurrent use.
type Queue struct {
	Config
	runner  ident.ID // this process among those that run jobs
	wakeup  chan struct{}
	workers map[string]Worker
	kinds   []any // of the workers, sorted
	claim   claim // the statements made for the kinds

	schedules []*repeated
	due       []*Due
	chores    []Chore
	metrics   *metrics

	mu     sync.Mutex // held from before a claim until its runs are in mine
	mine   map[ident.ID]*run
	next   lane // where the search for jobs of others goes on
	watch  watch
	looked time.Time // when the loop looked last
	wall   time.Time // on the clock at the last look; zero: there was none

	life     context.Context // of running jobs
	kill     context.CancelFunc
	stop     chan struct{} // closed when no further job may begin
	stopping sync.Once
	busy     sync.WaitGroup
	started  atomic.Bool
}

// New returns a Queue that runs nothing until Start or RunDue.
func New(config Config) *Queue {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Random == nil {
		config.Random = rand.Reader
	}
	if config.Workers == 0 {
		config.Workers = 8
	}
	if config.Grace == 0 {
		config.Grace = grace
	}
	q := &Queue{
		Config: config, runner: config.IDs.New(), wakeup: make(chan struct{}, 1), workers: map[string]Worker{},
		mine: map[ident.ID]*run{}, watch: watch{}, stop: make(chan struct{}),
	}
	q.metrics = newMetrics(q)
	q.life, q.kill = context.WithCancel(context.Background())
	return q
}

// RegisterDue adds tables whose rows are due at times of their own. It is called
// like Register.
func (q *Queue) RegisterDue(tables []Due) error {
	schedules := make([]Schedule, len(tables))
	for i := range tables {
		d := tables[i]
		schedules[i] = d.schedule(q)
		q.due = append(q.due, &d)
	}
	return q.Register(nil, schedules)
}

// Register adds workers and schedules. It is called before Start and RunDue, and
// fails when a kind has two workers.
func (q *Queue) Register(workers []Worker, schedules []Schedule) error {
	for _, s := range schedules {
		r := &repeated{Schedule: s, kind: Kind[struct{}]{Name: "schedule." + s.Name, Timeout: s.Timeout}}
		if s.Every <= 0 {
			return fmt.Errorf("jobs: schedule %s has no interval", s.Name)
		}
		q.schedules = append(q.schedules, r)
		workers = append(workers, r.worker())
	}
	for _, w := range workers {
		if _, twice := q.workers[w.kind]; twice {
			return fmt.Errorf("jobs: kind %s has two workers", w.kind)
		}
		q.workers[w.kind] = w
	}
	names := make([]string, 0, len(q.workers))
	for name := range q.workers {
		names = append(names, name)
	}
	slices.Sort(names)
	q.kinds = q.kinds[:0]
	for _, name := range names {
		q.kinds = append(q.kinds, name)
	}
	q.claim = newClaim(len(names), q.Workers)
	return nil
}

// enqueue writes the job and has the workers woken after the commit.
func (q *Queue) enqueue(tx *db.Tx, scope access.Scope, kind string, attempts int, args []byte, o Options) {
	now := q.Clock.Now().Truncate(time.Microsecond)
	r := row{organization: scope.Organization(), id: q.IDs.New(), kind: kind, unique: o.Unique, series: o.Series,
		args: args, sealed: o.Sealed, most: attempts, runAt: now, createdAt: now}
	if o.At.After(now) {
		r.runAt = o.At
	}
	if o.Sealed {
		r.args = q.Secret.Seal(purpose(kind, r.id), args)
	}
	insert(tx, &r)
	tx.AfterCommit(q.wake)
}

// purpose ties sealed arguments to their job.
func purpose(kind string, id ident.ID) string { return "job " + kind + " " + id.String() }

// wake has the runner look for jobs that are due.
func (q *Queue) wake() {
	select {
	case q.wakeup <- struct{}{}:
	default: // it will look anyway
	}
}
