package payment

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/stripe"
)

// eventArgs name an event and what is to be loaded because of it.
type eventArgs struct {
	Event   string `json:"event"`
	Subject string `json:"subject"`
	// Customer tells whose it is where the subject alone does not.
	Customer string `json:"customer,omitempty"`
}

var doEvent = jobs.Kind[eventArgs]{Name: "payment.event"}

// keptEvents is how long events are known that were worked off. Stripe repeats one
// for three days.
const keptEvents = 30 * 24 * time.Hour

// hear takes in one message of Stripe's.
func (s *Service) hear(problem func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.intake(r); err != nil {
			problem(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"received":true}`)
	})
}

func (s *Service) intake(r *http.Request) error {
	if s.client == nil || len(s.secrets) == 0 {
		return fault.Missing()
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, stripe.MaxEvent+1))
	if _, long := errors.AsType[*http.MaxBytesError](err); long || len(body) > stripe.MaxEvent {
		return fault.New(fault.TooLarge, "This message is too long.")
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The body can't be read.")
	}
	e, err := stripe.Verify(body, r.Header.Get("Stripe-Signature"), s.secrets, s.now.Now())
	switch {
	case errors.Is(err, stripe.ErrTime):
		return fault.New(fault.Invalid, "This message was signed too long ago, or in the future.")
	case errors.Is(err, stripe.ErrVersion):
		return fault.New(fault.Invalid, "This message is of another version of Stripe's API. Give the endpoint the version %s.", stripe.Version)
	case errors.Is(err, stripe.ErrEvent):
		return fault.New(fault.Invalid, "This message is no event.")
	case err != nil:
		return fault.Wrap(err, fault.Invalid, "This message is not signed with the secret of the endpoint.")
	case e.Live != s.client.Live():
		return fault.New(fault.Invalid, "This message is of the other mode: test, or live.")
	}
	return s.keep(r.Context(), &e)
}

// keep stores the event with the job that works it off. One that is known changes
// nothing.
func (s *Service) keep(ctx context.Context, e *stripe.Event) error {
	about := subject(e)
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		fresh, err := insertEvent(tx, e, about, s.now.Now())
		if err == nil && fresh && about != "" {
			doEvent.Enqueue(tx, s.jobs, access.Instance(), eventArgs{Event: e.ID, Subject: about, Customer: e.Customer}, jobs.Options{})
		}
		return err
	})
}

// work loads what an event is about, unless it was loaded since.
func (s *Service) work(ctx context.Context, job *jobs.Job[eventArgs]) error {
	var done bool
	var whose ident.ID
	err := s.db.Read(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		if done, err = settled(tx, job.Args.Event); err != nil || done {
			return err
		}
		whose, err = s.whose(tx, &job.Args)
		return err
	})
	if err != nil || done {
		return err
	}
	if s.client == nil {
		return jobs.Discard(errGone)
	}
	if whose.IsZero() { // another system's at the same account of Stripe's
		return s.settleAll(ctx, job.Args.Subject)
	}
	return jobFailure(s.pull(ctx, whose, job.Args.Subject))
}

// whose returns the organization that an event concerns; zero: none. What it is about
// tells where the customer was deleted in the meantime.
func (s *Service) whose(tx *db.Tx, a *eventArgs) (id ident.ID, err error) {
	of := []func() (ident.ID, error){
		func() (ident.ID, error) { return s.organizations.OfCustomer(tx, a.Subject) },
		func() (ident.ID, error) { return s.subscriptions.OfExternal(tx, a.Subject) },
		func() (ident.ID, error) { return organizationOf(tx, a.Subject) },
	}
	if a.Customer != "" {
		of = slices.Insert(of, 0, func() (ident.ID, error) { return s.organizations.OfCustomer(tx, a.Customer) })
	}
	for _, find := range of {
		if id, err = find(); !fault.Is(err, fault.NotFound) {
			return id, err
		}
	}
	return ident.ID{}, nil
}

// pull loads a subject.
func (s *Service) pull(ctx context.Context, whose ident.ID, about string) error {
	switch {
	case strings.HasPrefix(about, "cus_"):
		return s.pullCustomer(ctx, whose, about, "")
	case strings.HasPrefix(about, "sub_"):
		err := s.pullTwin(ctx, whose, about)
		if stripe.Is(err, stripe.Gone) {
			return s.settleAll(ctx, about)
		}
		return err
	case strings.HasPrefix(about, "cs_"), strings.HasPrefix(about, "pm_"):
		customer, err := s.customerOf(ctx, access.System(whose))
		if err != nil {
			return discarded(err)
		}
		return s.pullCustomer(ctx, whose, customer, about)
	}
	return s.settleAll(ctx, about)
}

// settleAll notes that nothing is to be done about a subject.
func (s *Service) settleAll(ctx context.Context, about string) error {
	return s.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		_, events, err := take(tx, about)
		if err == nil {
			settle(tx, events, s.now.Now())
		}
		return err
	})
}

// forget removes events that nobody sends any more.
func (s *Service) forget(ctx context.Context) error {
	before := s.now.Now().Add(-keptEvents)
	for {
		var n int64
		err := s.db.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
			n, err = forgetEvents(tx, before)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
