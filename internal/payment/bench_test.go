package payment_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/app"
	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

// BenchmarkIntake takes in messages of Stripe's, many at once, each with its job, on
// SQLite at FULL durability: an answer means that it is on the disk.
func BenchmarkIntake(b *testing.B) {
	send, took := intake(b), make(times, b.N)
	var n atomic.Int64
	b.SetParallelism(64)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i, begun := n.Add(1), time.Now()
			send(i)
			took[i-1] = time.Since(begun)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	took.report(b)
}

// BenchmarkIntakeSteady does so with 2,000 a second, one every half millisecond whether or
// not those before were answered, and tells how long answers take from then on.
func BenchmarkIntakeSteady(b *testing.B) {
	const every = time.Second / 2000
	send, took := intake(b), make(times, b.N)
	var all sync.WaitGroup
	b.ResetTimer()
	begun := time.Now()
	for i := range int64(b.N) {
		due := begun.Add(time.Duration(i) * every)
		time.Sleep(time.Until(due))
		all.Go(func() {
			send(i + 1)
			took[i] = time.Since(due)
		})
	}
	all.Wait()
	took.report(b)
}

// intake starts a sede and returns how the nth message gets there.
func intake(b *testing.B) func(n int64) {
	a, err := app.New(b.Context(), app.Config{Dir: b.TempDir(), Synchronous: "full", SecretKey: bytes.Repeat([]byte{1}, 32),
		Stripe: app.StripeSettings{Key: stripefake.Key, Secrets: []string{stripefake.Secret}, URL: "http://127.0.0.1:9"}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close() })
	handler := a.Handler()
	return func(i int64) {
		now := time.Now()
		body := fmt.Appendf(nil, `{"id":"evt_%d","object":"event","type":"invoice.paid","api_version":%q,"livemode":false,"created":%d,`+
			`"data":{"object":{"id":"in_%d","object":"invoice","customer":"cus_%d","subscription":"sub_%d","pad":"%01500d"}}}`, i, stripe.Version, now.Unix(), i, i%1000, i%1000, 0)
		r := httptest.NewRequest(http.MethodPost, "/webhooks/stripe", bytes.NewReader(body))
		r.Header.Set("Stripe-Signature", stripefake.Sign(body, stripefake.Secret, now))
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

// times are how long answers took.
type times []time.Duration

func (t times) report(b *testing.B) {
	slices.Sort(t)
	b.ReportMetric(float64(t[len(t)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(t[len(t)-1].Microseconds())/1000, "max-ms")
}
