package jobs

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sede/internal/access"
	"sede/internal/db"
)

// metrics are what the queue tells of itself: what this process ran, and how many
// jobs there are, which is counted in the database when somebody asks.
type metrics struct {
	q        *Queue
	runs     *prometheus.CounterVec
	duration *prometheus.HistogramVec
	jobs     *prometheus.Desc
	lag      *prometheus.Desc

	mu    sync.Mutex
	last  census
	known bool
}

// census is what was counted at a time.
type census struct {
	at     time.Time
	counts map[string]int64 // by state
	oldest time.Time        // when the job that waits longest was due; zero: none waits
}

// censusAge is for how long a census is told, so that many who ask cost one count.
const censusAge = 5 * time.Second

func newMetrics(q *Queue) *metrics {
	return &metrics{
		q: q,
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sede_job_runs_total", Help: "Runs of jobs in this process, by kind and what came of them.",
		}, []string{"kind", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sede_job_duration_seconds", Help: "Time that runs of jobs took, by kind.",
			Buckets: []float64{.005, .025, .1, .5, 1, 5, 15, 60, 300},
		}, []string{"kind"}),
		jobs: prometheus.NewDesc("sede_jobs", "Jobs in the database, by state; done ones are not counted.", []string{"state"}, nil),
		lag:  prometheus.NewDesc("sede_job_lag_seconds", "How long the job that waits longest has been due.", nil, nil),
	}
}

// Collectors are the metrics of the package, for the composition.
func (q *Queue) Collectors() []prometheus.Collector { return []prometheus.Collector{q.metrics} }

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	m.runs.Describe(ch)
	m.duration.Describe(ch)
	ch <- m.jobs
	ch <- m.lag
}

// Collect implements prometheus.Collector. What can't be counted is left out.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.runs.Collect(ch)
	m.duration.Collect(ch)
	c, err := m.census()
	if err != nil {
		m.q.Log.Error("jobs: the jobs can't be counted", "error", err)
		return
	}
	for _, state := range []string{waiting, running, failed} {
		ch <- prometheus.MustNewConstMetric(m.jobs, prometheus.GaugeValue, float64(c.counts[state]), state)
	}
	lag := 0.0
	if !c.oldest.IsZero() {
		lag = max(m.q.now().Sub(c.oldest).Seconds(), 0)
	}
	ch <- prometheus.MustNewConstMetric(m.lag, prometheus.GaugeValue, lag)
}

// census counts the jobs, or repeats the last count.
func (m *metrics) census() (census, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.q.Clock.Now()
	if age := now.Sub(m.last.at); m.known && age >= 0 && age < censusAge {
		return m.last, nil
	}
	ctx, cancel := context.WithTimeout(m.q.life, censusAge)
	defer cancel()
	c := census{at: now}
	err := m.q.DB.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		if c.counts, err = count(tx); err == nil {
			c.oldest, _, err = m.q.claim.nextDue(tx, m.q.kinds)
		}
		return err
	})
	if err == nil {
		m.last, m.known = c, true
	}
	return c, err
}

// observe counts a run.
func (m *metrics) observe(kind, result string, took time.Duration) {
	m.runs.WithLabelValues(kind, result).Inc()
	m.duration.WithLabelValues(kind).Observe(took.Seconds())
}
