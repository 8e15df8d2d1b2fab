package payment_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/stripe/stripefake"
)

// TestIntakeWaitsForNobody: while Stripe answers no call, and jobs wait for it, a message
// is answered after one short transaction and without a call, whatever it is about and
// however many there are already. How fast that is BenchmarkIntake tells.
func TestIntakeWaitsForNobody(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		var hangs atomic.Bool
		arrived, release := make(chan struct{}, 1000), make(chan struct{})
		w := beginWith(t, engine, func(w *world, c *app.Config) {
			front := httptest.NewServer(http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
				if hangs.Load() {
					arrived <- struct{}{}
					<-release
				}
				w.fake.ServeHTTP(to, r)
			}))
			t.Cleanup(front.Close)
			c.Stripe.URL = front.URL
		})
		prepare(t, w.Instance, w.owner())
		w.add(stripefake.Card{})
		w.settled()
		s := w.buy(`{"products":["/products/bank"]}`)
		events := w.fake.Take()
		if len(events) < 4 {
			t.Fatalf("%d messages", len(events))
		}
		sent := 0
		send := func() *sedetest.Answer {
			e := events[sent%len(events)]
			id := fmt.Sprint("evt_intake", sent)
			e.Body, e.ID = []byte(strings.Replace(string(e.Body), e.ID, id, 1)), id
			sent++
			a := w.send(e)
			if again := w.send(e); a.Status != 200 || again.Status != 200 {
				t.Fatalf("%s: %d, %d", e.Type, a.Status, again.Status)
			}
			return a
		}
		calls := len(w.fake.Calls())
		for range 100 {
			if steps := w.Steps(func() { send() }); steps > 10 {
				t.Fatalf("%d steps for a message and its repetition", steps)
			}
		}
		if made := len(w.fake.Calls()); made != calls {
			t.Errorf("%d calls", made-calls)
		}
		hangs.Store(true)
		worked := make(chan error)
		go func() {
			_, err := w.App.RunJobs(t.Context())
			worked <- err
		}()
		<-arrived // a job waits for Stripe now
		for range 100 {
			send()
		}
		hangs.Store(false)
		close(release)
		if err := <-worked; err != nil {
			t.Error(err)
		}
		w.RunJobs()
		if got := w.subscription(s.ID); got.Status == "incomplete" {
			t.Errorf("%+v", got)
		}
	})
}
