package web

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts requests by the pattern of their route, so that ids in paths
// make no new series.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	limited  *prometheus.CounterVec
	inFlight atomic.Int64
	page     http.Handler

	mu     sync.RWMutex
	series map[seriesKey]series
}

// seriesKey names a series; series is what a request adds to, looked up once.
type (
	seriesKey struct {
		route, method string
		class         int // of the status: 2 for 2xx
	}
	series struct {
		requests prometheus.Counter
		duration prometheus.Observer
	}
)

func newMetrics(version string, further []prometheus.Collector) *metrics {
	m := &metrics{series: map[seriesKey]series{}}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sede_http_requests_total", Help: "Requests answered, by route, method and class of status.",
	}, []string{"route", "method", "status"})
	m.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "sede_http_request_duration_seconds", Help: "Time from the header's arrival to the handler's end.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"route", "method"})
	m.limited = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sede_http_requests_limited_total", Help: "Requests refused because they were too many, by route and method.",
	}, []string{"route", "method"})
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "sede_build_info", Help: "1, with the program's version.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	inFlight := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sede_http_requests_in_flight", Help: "Requests being answered.",
	}, func() float64 { return float64(m.inFlight.Load()) })
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.requests, m.duration, m.limited, info, inFlight,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(further...)
	m.page = promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
	return m
}

func (m *metrics) observe(r *http.Request, status int, took time.Duration) {
	key := seriesKey{r.Pattern, methodLabel(r.Method), status / 100}
	m.mu.RLock()
	s, ok := m.series[key]
	m.mu.RUnlock()
	if !ok {
		s = m.resolve(key, routeOf(r))
	}
	s.requests.Inc()
	s.duration.Observe(took.Seconds())
	if status == http.StatusTooManyRequests {
		m.limited.WithLabelValues(routeOf(r), key.method).Inc()
	}
}

func (m *metrics) resolve(key seriesKey, route string) series {
	class := [...]string{"", "1xx", "2xx", "3xx", "4xx", "5xx"}
	s := series{
		requests: m.requests.WithLabelValues(route, key.method, class[min(max(key.class, 1), 5)]),
		duration: m.duration.WithLabelValues(route, key.method),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.series[key] = s
	return s
}

// routeOf is the path of the pattern that the request matched; "other" when it
// matched none.
func routeOf(r *http.Request) string {
	pattern := r.Pattern
	if _, path, ok := strings.Cut(pattern, " "); ok {
		pattern = path
	}
	if pattern == "" || pattern == "/" {
		return "other"
	}
	return pattern
}

// methodLabel keeps made-up methods from making series.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}
