package payment_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	a, err := app.New(b.Context(), app.Config{Dir: b.TempDir(), Synchronous: "full", SecretKey: bytes.Repeat([]byte{1}, 32),
		Stripe: app.StripeSettings{Key: stripefake.Key, Secrets: []string{stripefake.Secret}, URL: "http://127.0.0.1:9"}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close() })
	handler := a.Handler()
	var n atomic.Int64
	b.SetParallelism(64)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i, now := n.Add(1), time.Now()
			body := fmt.Appendf(nil, `{"id":"evt_%d","object":"event","type":"invoice.paid","api_version":%q,"livemode":false,"created":%d,`+
				`"data":{"object":{"id":"in_%d","object":"invoice","customer":"cus_%d","subscription":"sub_%d","pad":"%01500d"}}}`, i, stripe.Version, now.Unix(), i, i%1000, i%1000, 0)
			r := httptest.NewRequest(http.MethodPost, "/webhooks/stripe", bytes.NewReader(body))
			r.Header.Set("Stripe-Signature", stripefake.Sign(body, stripefake.Secret, now))
			w := httptest.NewRecorder()
			if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
				b.Fatalf("%d %s", w.Code, w.Body)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
