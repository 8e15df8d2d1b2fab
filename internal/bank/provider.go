package bank

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"sede/internal/access"
	"sede/internal/bank/kontomatik"
	"sede/internal/bank/sandbox"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/feature"
	"sede/internal/secret"
)

// providers are whom data comes from.
type providers struct {
	db    *db.DB
	clock clock.Clock
	real  *kontomatik.Client // nil: there is none
	bank  *sandbox.Bank
	key   string // of the Sandbox bank, for this process

	mu        sync.Mutex
	server    *http.Server // of the Sandbox bank; nil: not needed yet
	client    *kontomatik.Client
	catalogue map[string]catalogue
}

// catalogue are the banks of a provider as they were at a time.
type catalogue struct {
	at     time.Time
	banks  []kontomatik.Target
	failed error     // what the last try met
	again  time.Time // not before it is tried again
}

// catalogueAge is how long a catalogue is good, catalogueRest how long nobody asks
// after it could not be had.
const (
	catalogueAge  = 24 * time.Hour
	catalogueRest = time.Minute
)

// of returns the client of a provider.
func (p *providers) of(name string) (*kontomatik.Client, error) {
	if name != Sandbox {
		if p.real == nil {
			return nil, errors.New("bank: Kontomatik is not configured")
		}
		return p.real, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		return p.client, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	client, err := kontomatik.New(kontomatik.Config{URL: "http://" + listener.Addr().String(), Key: p.key})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	p.server = &http.Server{Handler: p.bank.API(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(listener) }() // ends with close
	p.client = client
	return client, nil
}

// close stops the Sandbox bank.
func (p *providers) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return nil
	}
	return p.server.Close()
}

// banks lists the ways to banks that data can be imported from. The list is shared:
// nobody changes it.
func (p *providers) banks(ctx context.Context, provider string) ([]kontomatik.Target, error) {
	p.mu.Lock()
	known := p.catalogue[provider]
	p.mu.Unlock()
	now := p.clock.Now()
	switch {
	case len(known.banks) > 0 && (now.Sub(known.at) < catalogueAge || now.Before(known.again)):
		return known.banks, nil
	case now.Before(known.again):
		return nil, known.failed
	}
	fresh := catalogue{at: now}
	client, err := p.of(provider)
	if err == nil {
		err = client.Targets(ctx, "", func(t kontomatik.Target) error {
			if t.Imports && len(fresh.banks) < maxBanks {
				fresh.banks = append(fresh.banks, t)
			}
			return nil
		})
	}
	if err != nil { // yesterday's are better than none
		fresh.at, fresh.banks, fresh.failed, fresh.again = known.at, known.banks, err, now.Add(catalogueRest)
	}
	p.mu.Lock()
	p.catalogue[provider] = fresh
	p.mu.Unlock()
	if len(fresh.banks) > 0 {
		err = nil
	}
	return fresh.banks, err
}

// maxBanks bounds a catalogue.
const maxBanks = 20_000

// bankOf finds the way to a bank by its technical id; false when there is none.
func (p *providers) bankOf(ctx context.Context, provider, target string) (kontomatik.Target, bool, error) {
	list, err := p.banks(ctx, provider)
	for _, t := range list {
		if t.Name == target {
			return t, true, nil
		}
	}
	return kontomatik.Target{}, false, err
}

// countriesOf lists the countries that have banks, in upper case.
func countriesOf(list []kontomatik.Target) map[string]bool {
	countries := map[string]bool{}
	for _, t := range list {
		countries[strings.ToUpper(t.Country)] = true
	}
	return countries
}

// records is the sandbox.Store in the database.
type records struct{ db *db.DB }

// Load returns a record.
func (r records) Load(ctx context.Context, key string) (content []byte, err error) {
	err = r.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		content, err = loadRecord(tx, key)
		return err
	})
	return content, err
}

// Change replaces a record.
func (r records) Change(ctx context.Context, key string, until time.Time, with func([]byte) ([]byte, error)) error {
	return r.db.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		if err := tx.Lock("sandbox bank " + key); err != nil {
			return err
		}
		old, err := loadRecord(tx, key)
		if err != nil {
			return err
		}
		content, err := with(old)
		if err != nil {
			return err
		}
		storeRecord(tx, key, content, until)
		return nil
	})
}

// sandboxBox seals the ids of the Sandbox bank with a key of the bank's own, which
// stays when the instance's is replaced, as those of other banks do. It is no
// secret of anybody's: it tells who signed in there with which trouble.
func sandboxBox(ctx context.Context, p feature.Platform) (*secret.Box, error) {
	const name = "key"
	kept := records{p.DB}
	content, err := kept.Load(ctx, name)
	if err == nil && content == nil {
		fresh := make([]byte, secret.MinKey)
		if _, err := io.ReadFull(p.Random, fresh); err != nil {
			return nil, err
		}
		err = kept.Change(ctx, name, p.Clock.Now().AddDate(1000, 0, 0), func(old []byte) ([]byte, error) {
			if content = old; old == nil {
				content = fresh
			}
			return content, nil
		})
	}
	if err != nil {
		return nil, err
	}
	box, err := secret.NewBox(p.Random, content)
	if err == nil {
		box.OpenWith(p.Secret) // ids of before it had a key
	}
	return box, err
}

// orNothing is nil when nothing was found.
func orNothing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	return err
}

// newKey makes the key of the Sandbox bank.
func newKey() string { return rand.Text() }
