package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
	"sede/internal/outbound"
)

// deliver is the job that posts an event to an endpoint, one at a time to each. With
// these attempts it tries for about six days. An endpoint may take long to answer, so
// deliveries get few of the workers.
var deliver = jobs.Kind[delivery]{Name: "webhook.deliver", Attempts: 20, AtOnce: 2}

type delivery struct {
	Event    ident.ID
	Endpoint ident.ID
	Body     string
}

// answerTime is how long an endpoint may take to answer.
const answerTime = 20 * time.Second

// Workers are those of the package, for the composition.
func (s *Service) Workers() []jobs.Worker { return []jobs.Worker{deliver.Worker(s.deliver)} }

// deliver posts an event, and notes at the endpoint how it went. Nothing is open in
// the database meanwhile.
func (s *Service) deliver(ctx context.Context, job *jobs.Job[delivery]) error {
	var e Endpoint
	quiet := false
	err := s.DB.Read(ctx, job.Scope, func(tx *db.Tx) (err error) {
		if err = find(tx, job.Scope, job.Args.Endpoint, &e); err != nil || s.silent == nil {
			return err
		}
		quiet, err = s.silent(tx, job.Scope.Organization())
		return err
	})
	switch {
	case fault.Is(err, fault.NotFound), err == nil && !e.Enabled:
		return nil
	case err != nil:
		return err
	case quiet:
		return s.settle(ctx, job, silent)
	}
	if wait := e.RetryAt.V.Sub(s.Clock.Now()); e.RetryAt.Valid && wait > 0 {
		return jobs.Snooze(wait)
	}
	why, err := s.send(ctx, &e, &job.Args)
	if err == nil || why == gone {
		return s.settle(ctx, job, why)
	}
	if failed := s.write(ctx, job.Scope, job.Args.Endpoint, why, nil); failed != nil {
		return failed
	}
	return err
}

// send posts the event. The error says what the job's log may hold, why is the same
// in a word.
func (s *Service) send(ctx context.Context, e *Endpoint, d *delivery) (why string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, strings.NewReader(d.Body))
	if err != nil {
		return unreachable, errors.New("webhook: the address is none")
	}
	if err := s.sign(request.Header, e, d); err != nil {
		return unreachable, err
	}
	client := s.public
	if s.Local && outbound.IsLocal(request.URL.Hostname()) {
		client = s.local
	}
	answer, err := client.Do(request)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the address, which may hold a secret
		}
		return reason(err), fmt.Errorf("webhook: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return "", nil
	case answer.StatusCode == http.StatusGone:
		return gone, errors.New("webhook: HTTP 410")
	}
	return refused, fmt.Errorf("webhook: HTTP %d", answer.StatusCode)
}

// reason is why there was no answer, in a word.
func reason(err error) string {
	_, unnamed := errors.AsType[*net.DNSError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	network, _ := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, outbound.ErrReach):
		return outOfReach
	case unnamed:
		return unknownHost
	case untrusted:
		return certificate
	case network != nil && network.Timeout():
		return timeout
	}
	return unreachable
}

// sign sets the headers by which the other side knows the event and who sent it.
func (s *Service) sign(h http.Header, e *Endpoint, d *delivery) error {
	now := s.Clock.Now()
	var signatures []string
	add := func(purpose string, sealed null.Value[[]byte]) error {
		text, err := s.open(purpose, e.ID, sealed)
		if err != nil {
			return err
		}
		signer, err := standard.NewWebhook(text)
		if err != nil {
			return err
		}
		signature, err := signer.Sign(d.Event.String(), now, []byte(d.Body))
		signatures = append(signatures, signature)
		return err
	}
	if err := add(sealSecret, e.secret); err != nil {
		return fmt.Errorf("webhook: the secret can't be used: %w", err)
	}
	if e.former.Valid && now.Before(e.formerUntil.V) {
		if err := add(sealFormer, e.former); err != nil {
			return fmt.Errorf("webhook: the secret before can't be used: %w", err)
		}
	}
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "sede")
	h.Set(standard.HeaderWebhookID, d.Event.String())
	h.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	h.Set(standard.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}

// settle ends the job and notes how it went; why is empty when the event arrived.
func (s *Service) settle(ctx context.Context, job *jobs.Job[delivery], why string) error {
	return s.write(ctx, job.Scope, job.Args.Endpoint, why, job.Complete)
}

// write notes at the endpoint how a delivery went, and switches it off when it has
// refused everything for long or wants no more. Endpoints are no data that is cleared or
// brought back, so a hold does not keep them: the event would come once more.
func (s *Service) write(ctx context.Context, scope access.Scope, id ident.ID, why string, complete func(tx *db.Tx) error) error {
	return s.DB.Write(db.ThroughHold(ctx), scope, func(tx *db.Tx) error {
		if complete != nil {
			if err := complete(tx); err != nil {
				return err
			}
		}
		var e Endpoint
		if err := find(tx, scope, id, &e); err != nil {
			return orGone(err)
		}
		now := s.Clock.Now().Truncate(time.Second)
		if why == "" {
			e.DeliveredAt = null.Of(now)
			e.recover()
			return note(tx, scope, &e)
		}
		e.fail(why, now)
		if err := note(tx, scope, &e); err != nil {
			return err
		}
		if e.Enabled && (why == gone || why != silent && now.Sub(e.FailingSince.V) >= patience) {
			return s.switchOff(tx, scope, &e, now)
		}
		return nil
	})
}

// switchOff ends deliveries to an endpoint until somebody switches it on again.
func (s *Service) switchOff(tx *db.Tx, scope access.Scope, e *Endpoint, now time.Time) error {
	before := hydra.JSON(fields, e)
	e.Enabled, e.Version, e.UpdatedAt = false, e.Version+1, now
	if err := update(tx, scope, e); err != nil {
		return err
	}
	return s.append(tx, nil, audit.Entry{Scope: scope, Action: "switch off", Resource: "WebhookEndpoint", Key: e.ID.String(), Before: before, After: hydra.JSON(fields, e)})
}

// orGone is nil for what is not there any more, so that nothing is left to do.
func orGone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
