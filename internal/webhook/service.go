package webhook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/null"
	"sede/internal/outbound"
	"sede/internal/page"
	"sede/internal/secret"
)

// Those who run the organization see and change its endpoints.
var (
	mayRead  = access.Within(access.Admins)
	mayWrite = access.Within(access.Admins).ToChange()
)

// Config is what a Service works with.
type Config struct {
	DB     *db.DB
	Audit  *audit.Log
	Jobs   *jobs.Queue
	IDs    *ident.Source
	Clock  clock.Clock
	Random io.Reader // for secrets
	Secret *secret.Box
	Local  bool // addresses of this machine are fine, too
}

// Service holds the use cases of webhook endpoints, and sends events to them. It is
// safe for concurrent use.
type Service struct {
	Config
	types  []Type
	silent func(tx *db.Tx, organization ident.ID) (bool, error)
	public *http.Client
	local  *http.Client
}

// New returns a Service, which is told of changes by the audit log.
func New(c Config) *Service {
	s := &Service{Config: c, types: []Type{{Name: Ping, Doc: "somebody tries the endpoint"}}, public: outbound.New(outbound.Public), local: outbound.New(outbound.Loopback)}
	c.Audit.OnAppend(s.change)
	return s
}

// SetSilent says which organizations send nothing out. It is called once, before
// the first event.
func (s *Service) SetSilent(silent func(tx *db.Tx, organization ident.ID) (bool, error)) {
	s.silent = silent
}

// Declare adds types of events. It is called before Resources.
func (s *Service) Declare(types ...Type) { s.types = append(s.types, types...) }

// message is what an endpoint gets.
type message struct {
	Type         string          `json:"type"`
	Timestamp    string          `json:"timestamp"`
	Organization string          `json:"organization"`
	Data         json.RawMessage `json:"data"`
}

// Send has the event delivered to all endpoints of the organization that want it,
// after the commit of the transaction. Its type was declared.
func (s *Service) Send(tx *db.Tx, scope access.Scope, e Event) error {
	ids, err := wanting(tx, scope, e.Type)
	if err != nil || len(ids) == 0 {
		return err
	}
	return s.post(tx, scope, e, ids...)
}

// post has the event delivered to the endpoints.
func (s *Service) post(tx *db.Tx, scope access.Scope, e Event, endpoints ...ident.ID) error {
	body, err := json.Marshal(message{e.Type, s.Clock.Now().UTC().Format(time.RFC3339), "/organizations/" + scope.Organization().String(), e.Data})
	if err != nil {
		return err
	}
	event := s.IDs.New()
	for _, id := range endpoints {
		deliver.Enqueue(tx, s.Jobs, scope, delivery{Event: event, Endpoint: id, Body: string(body)}, jobs.Options{Sealed: true, Series: id.String()})
	}
	return nil
}

// change tells endpoints of a change, unless its resource was not declared.
func (s *Service) change(tx *db.Tx, scope access.Scope, resource string, entry []byte) error {
	at := slices.IndexFunc(s.types, func(t Type) bool { return t.Resource == resource })
	if at < 0 {
		return nil
	}
	return s.Send(tx, scope, Event{Type: s.types[at].Name, Data: slices.Concat([]byte(`{"auditLog":`), entry, []byte(`}`))})
}

// append writes an entry about the endpoint into the audit log, and tells that which
// changes the endpoints want to hear of from now on.
func (s *Service) append(tx *db.Tx, who *access.Caller, e audit.Entry) error {
	if e.Scope == (access.Scope{}) {
		e.Scope = tx.Scope()
	}
	if err := s.Audit.Append(tx, who, e); err != nil {
		return err
	}
	wanted, err := wantedTypes(tx, e.Scope)
	if err != nil {
		return err
	}
	var resources []string
	for _, t := range s.types {
		if t.Resource != "" && slices.Contains(wanted, t.Name) {
			resources = append(resources, t.Resource)
		}
	}
	if slices.Contains(wanted, All) {
		resources = []string{audit.Everything}
	}
	audit.Tell(tx, e.Scope, resources)
	return nil
}

// List returns a page of the organization's endpoints.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Endpoint], err error) {
	if err := mayRead.Check(who); err != nil {
		return r, err
	}
	err = s.DB.Read(ctx, who.Scope(), func(tx *db.Tx) (err error) {
		r, err = list(tx, who.Scope(), q)
		return err
	})
	return r, err
}

// Get loads one endpoint; Missing when the organization has no such one.
func (s *Service) Get(ctx context.Context, who *access.Caller, id ident.ID, e *Endpoint) error {
	if err := mayRead.Check(who); err != nil {
		return err
	}
	return s.DB.Read(ctx, who.Scope(), func(tx *db.Tx) error { return find(tx, who.Scope(), id, e) })
}

// Create stores a new endpoint and puts its secret into it.
func (s *Service) Create(ctx context.Context, who *access.Caller, e *Endpoint) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	given := *e
	return s.DB.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		*e = given
		if err := tx.Lock("webhook endpoints " + who.Scope().Organization().String()); err != nil {
			return err
		}
		n, err := count(tx, who.Scope())
		if err != nil {
			return err
		}
		if n >= maxEndpoints {
			return fault.New(fault.Conflict, "There are %d webhook endpoints here, which is the most there can be. Remove those that nobody needs.", maxEndpoints)
		}
		e.ID, e.Version, e.CreatedAt = s.IDs.New(), 1, s.Clock.Now().Truncate(time.Second)
		e.UpdatedAt = e.CreatedAt
		e.tidy()
		if err := s.renewSecret(e); err != nil {
			return err
		}
		insert(tx, who.Scope(), e)
		return s.append(tx, who, audit.Entry{Action: "create", Resource: "WebhookEndpoint", Key: e.ID.String(), After: hydra.JSON(fields, e)})
	})
}

// tidy brings what people write into one form.
func (e *Endpoint) tidy() {
	slices.Sort(e.Events)
	e.Events = slices.Compact(e.Events)
}

// renewSecret makes a secret for the endpoint. The one before signs as well for a
// day, so that the other side can change over in peace.
func (s *Service) renewSecret(e *Endpoint) error {
	var raw [32]byte
	if _, err := io.ReadFull(s.Random, raw[:]); err != nil {
		return err
	}
	if e.secret.Valid {
		text, err := s.open(sealSecret, e.ID, e.secret)
		if err != nil {
			return err
		}
		e.former = null.Of(s.Secret.Seal(sealFormer+e.ID.String(), []byte(text)))
		e.formerUntil = null.Of(s.Clock.Now().Add(formerTime).Truncate(time.Second))
	}
	e.Secret = null.Of("whsec_" + base64.StdEncoding.EncodeToString(raw[:]))
	e.secret = null.Of(s.Secret.Seal(sealSecret+e.ID.String(), []byte(e.Secret.V)))
	return nil
}

// What is sealed, in front of the endpoint's id.
const (
	sealSecret = "webhook_endpoint.secret "
	sealFormer = "webhook_endpoint.former_secret "
)

func (s *Service) open(purpose string, id ident.ID, sealed null.Value[[]byte]) (string, error) {
	plain, err := s.Secret.Open(purpose+id.String(), sealed.V)
	return string(plain), err
}

// edit loads an endpoint, lets with change it, and stores what came of it.
func (s *Service) edit(ctx context.Context, who *access.Caller, action string, id ident.ID, e *Endpoint, with func(tx *db.Tx) error) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	return s.DB.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		*e = Endpoint{}
		if err := find(tx, who.Scope(), id, e); err != nil {
			return err
		}
		before := hydra.JSON(fields, e)
		if err := with(tx); err != nil {
			return err
		}
		e.tidy()
		if action == "update" && string(hydra.JSON(fields, e)) == string(before) {
			return nil
		}
		e.Version, e.UpdatedAt = e.Version+1, s.Clock.Now().Truncate(time.Second)
		if err := update(tx, who.Scope(), e); err != nil {
			return err
		}
		return s.append(tx, who, audit.Entry{Action: action, Resource: "WebhookEndpoint", Key: id.String(), Before: before, After: hydra.JSON(fields, e)})
	})
}

// Update lets apply change an endpoint. One that is switched on begins with a clean
// slate.
func (s *Service) Update(ctx context.Context, who *access.Caller, id ident.ID, e *Endpoint, apply func() error) error {
	return s.edit(ctx, who, "update", id, e, func(*db.Tx) error {
		was := e.Enabled
		if err := apply(); err != nil {
			return err
		}
		if e.Enabled && !was {
			e.recover()
		}
		return nil
	})
}

// RotateSecret gives an endpoint a new secret, and puts it into e.
func (s *Service) RotateSecret(ctx context.Context, who *access.Caller, id ident.ID, e *Endpoint) error {
	return s.edit(ctx, who, "rotate", id, e, func(*db.Tx) error { return s.renewSecret(e) })
}

// Ping sends an endpoint an event by which people see whether it works.
func (s *Service) Ping(ctx context.Context, who *access.Caller, id ident.ID, e *Endpoint) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	return s.DB.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := find(tx, who.Scope(), id, e); err != nil {
			return err
		}
		if !e.Enabled {
			return fault.New(fault.Conflict, "This webhook endpoint is switched off.")
		}
		if e.RetryAt.Valid { // somebody wants to know now
			e.RetryAt = null.Value[time.Time]{}
			if err := note(tx, who.Scope(), e); err != nil {
				return err
			}
		}
		data := hydra.JSON(fields, e)
		if err := s.post(tx, who.Scope(), Event{Type: Ping, Data: data}, id); err != nil {
			return err
		}
		return s.Audit.Append(tx, who, audit.Entry{Action: "ping", Resource: "WebhookEndpoint", Key: id.String()})
	})
}

// Delete removes an endpoint. What waits to be delivered to it is not any more.
func (s *Service) Delete(ctx context.Context, who *access.Caller, id ident.ID) error {
	if err := mayWrite.Check(who); err != nil {
		return err
	}
	return s.DB.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		var e Endpoint
		if err := find(tx, who.Scope(), id, &e); err != nil {
			return err
		}
		if err := remove(tx, who.Scope(), id); err != nil {
			return err
		}
		return s.append(tx, who, audit.Entry{Action: "delete", Resource: "WebhookEndpoint", Key: id.String(), Before: hydra.JSON(fields, &e)})
	})
}
