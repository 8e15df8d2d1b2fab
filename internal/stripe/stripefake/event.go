package stripefake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v85/webhook"

	"sede/internal/stripe"
)

// tick lets happen what has come to pass since, one thing after the other, each at
// its own time.
func (s *Server) tick() {
	now := s.clock.Now()
	for {
		at, do := int64(math.MaxInt64), func() {}
		first := func(when int64, then func()) {
			if when != 0 && when < at {
				at, do = when, then
			}
		}
		for _, i := range sorted(s.invoices) {
			if i.status == "draft" {
				first(i.finalizeAt, func() { s.finalize(i); s.attempt(i) })
			}
			if i.status == "open" {
				first(i.attemptAt, func() { s.attempt(i) })
			}
		}
		for _, c := range sorted(s.sessions) {
			if c.status == "open" {
				first(c.created+sessionAge, func() { c.status = "expired"; s.emit("checkout.session.expired", c.render(false)) })
			}
		}
		for _, sub := range sorted(s.subs) {
			switch sub.status {
			case "incomplete":
				first(sub.created+expireAfter, func() { s.expire(sub) })
			case "trialing", "active", "past_due", "unpaid":
				first(sub.to, func() { s.renew(sub) })
			}
		}
		if at > now.Unix() {
			break
		}
		s.now = later(s.now, time.Unix(at, 0))
		do()
	}
	s.now = later(s.now, now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (s *Server) expire(sub *subscription) {
	for _, i := range s.invoices {
		if i.subscription == sub.id && i.status == "open" {
			i.status, i.voided = "void", s.stamp()
			s.customers[i.customer].credit += i.covered
			s.emit("invoice.voided", s.renderInvoice(i))
		}
	}
	s.end(sub, "incomplete_expired")
}

// renew ends the period or the trial: the subscription ends if it was to, else the
// next period begins with an invoice that is a draft for an hour.
func (s *Server) renew(sub *subscription) {
	if sub.cancelAtEnd {
		s.end(sub, "canceled")
		return
	}
	s.next(sub)
	i := s.periodInvoice(sub, "subscription_cycle")
	if sub.status != "unpaid" {
		i.finalizeAt = s.stamp() + finalizeAfter
	}
	s.emit("customer.subscription.updated", s.render(sub, false))
}

// next begins the next period.
func (s *Server) next(sub *subscription) {
	if sub.status == "trialing" {
		sub.status, sub.anchor, sub.periods = "active", sub.to, 0
	}
	sub.periods++
	sub.from, sub.to = sub.to, sub.end(sub.periods)
	if sub.discount != nil && sub.discount.end != 0 && sub.discount.end <= sub.from {
		sub.discount = nil
	}
}

// Tick lets happen what has come to pass by the clock.
func (s *Server) Tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
}

// Event is a webhook that waits to be sent.
type Event struct {
	ID, Type string
	Body     []byte
}

func (s *Server) emit(kind string, o object) {
	id := s.id("evt")
	content, _ := json.Marshal(makeObject("event", object{"id": id, "type": kind, "created": s.stamp(), "api_version": stripe.Version, "pending_webhooks": 1,
		"data": object{"object": o}, "request": object{"id": nil, "idempotency_key": nil}}))
	if s.wrong != nil {
		if err := conforming().checkEvent(content); err != nil {
			s.wrong(fmt.Errorf("the fake's event %s: %w", kind, err))
		}
	}
	s.pending = append(s.pending, Event{id, kind, content})
}

// Take returns the events since it was last called.
func (s *Server) Take() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	taken := s.pending
	s.pending = nil
	return taken
}

// Mess is what happens to events on their way, in percent.
type Mess struct {
	Random      *rand.Rand
	Lose, Twice int
	Shuffle     bool
}

// Of returns the events as they arrive.
func (m Mess) Of(events []Event) (arriving []Event) {
	for _, e := range events {
		if m.Random.IntN(100) < m.Lose {
			continue
		}
		arriving = append(arriving, e)
		if m.Random.IntN(100) < m.Twice {
			arriving = append(arriving, e)
		}
	}
	if m.Shuffle {
		m.Random.Shuffle(len(arriving), func(i, j int) { arriving[i], arriving[j] = arriving[j], arriving[i] })
	}
	return arriving
}

// Sign returns the header with the signature of a body at a time.
func Sign(body []byte, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%x", at.Unix(), webhook.ComputeSignature(at, body, secret))
}

// Send posts an event, signed now, and returns the status of the answer.
func (s *Server) Send(to string, e Event) (int, error) {
	r, err := http.NewRequest(http.MethodPost, to, bytes.NewReader(e.Body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Stripe-Signature", Sign(e.Body, Secret, s.clock.Now()))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, firstError(err, answer.Body.Close())
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
