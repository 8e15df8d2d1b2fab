// Package sandbox is the "Sandbox bank": a bank that is none, for everybody who
// has no contract with a real one. It speaks Kontomatik's protocol over HTTP, has
// a page where people sign in by clicking, several institutions in each of its
// countries, and accounts with years of transactions, which grow with time and
// are the same on every machine.
//
// What people and programs sign in with says which trouble they want, see
// Troubles. Redirections, sessions and access ids carry what they stand for,
// sealed, so the bank keeps little: which of them are used up, and the commands.
// That is in a Store, which several processes can share.
package sandbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sede/internal/clock"
	"sede/internal/secret"
)

// Name is what people are shown wherever they meet the bank.
const Name = "Sandbox bank"

// Config is what a Bank works with.
type Config struct {
	Key    string      // that callers of the API must send
	Pages  string      // URL under which people reach Pages, without a slash at the end
	Secret *secret.Box // seals ids
	Random io.Reader   // for ids
	Store  Store       // nil: in memory
	Clock  clock.Clock // nil: the system's
	Log    *slog.Logger
	// Problem answers with an error that is the bank's own; nil: a plain 500.
	Problem func(w http.ResponseWriter, r *http.Request, err error)
}

// Bank is a bank. It is safe for concurrent use.
type Bank struct {
	Config
	api   http.Handler
	pages http.Handler
}

// New returns a Bank.
func New(c Config) *Bank {
	if c.Store == nil {
		c.Store = NewMemory()
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Problem == nil {
		c.Problem = func(w http.ResponseWriter, r *http.Request, err error) {
			c.Log.ErrorContext(r.Context(), "sandbox bank", "error", err)
			http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		}
	}
	b := &Bank{Config: c}
	b.api, b.pages = b.newAPI(), b.newPages()
	return b
}

// API serves the protocol, below /v1.
func (b *Bank) API() http.Handler { return b.api }

// Pages serves the pages for people: /sign-in/ and what belongs to it.
func (b *Bank) Pages() http.Handler { return b.pages }

// The troubles that a sign-in can ask for. As login they are written behind the
// person, e.g. "test+twins+pending".
const (
	Pending      = "pending"      // the newest transactions are not booked; when they are, their text changes
	Duplicates   = "duplicates"   // the same transaction stands in one reply twice
	Twins        = "twins"        // two transactions differ in nothing, and have no balance
	Partial      = "partial"      // the first import holds the newest half only
	Restless     = "restless"     // labels change their order and texts their blanks from reply to reply
	Failing      = "error"        // every import fails, inside of an HTTP 200
	BadGateway   = "bad-gateway"  // the first 30 seconds of a command are answered with an HTML page and 502
	Slow         = "slow"         // an import takes five minutes
	Killed       = "killed"       // the consent ends after seven days
	Unauthorized = "unauthorized" // requests are refused as if the key were wrong
	Quick        = "quick"        // an import takes no time, which is no trouble at all
	Quota        = "quota"        // the bank allows one import a day
)

// Troubles lists them.
func Troubles() []string {
	return []string{Pending, Duplicates, Twins, Partial, Restless, Failing, BadGateway, Slow, Killed, Unauthorized, Quota, Quick}
}

// holder is who signed in and what trouble they want.
type holder struct {
	Person   string     `json:"p"`
	Troubles []string   `json:"w,omitempty"`
	Incoming []incoming `json:"i,omitempty"`
	Day      day        `json:"d,omitempty"` // on which Incoming came
}

// incoming is money that the person wants to have come in.
type incoming struct {
	Amount int64  `json:"a"` // in hundredths
	Title  string `json:"t"`
}

func (h *holder) has(trouble string) bool { return slices.Contains(h.Troubles, trouble) }

// What bounds the wishes for money: a redirection's answer carries them.
const (
	maxIncoming = 10
	maxTitle    = 100 // characters
	maxAmount   = 1_000_000_00
)

// parseIncoming reads wishes for money, each a line with an amount and a text behind
// it; false when one is not like that.
func parseIncoming(text string) (list []incoming, ok bool) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		number, title, _ := strings.Cut(line, " ")
		amount, err := hundredths(number)
		title = strings.TrimSpace(title)
		if err != nil || amount <= 0 || amount > maxAmount || title == "" || utf8.RuneCountInString(title) > maxTitle || len(list) == maxIncoming {
			return nil, false
		}
		list = append(list, incoming{amount, title})
	}
	return list, true
}

// hundredths reads an amount such as 12, 12.5 or 12,50.
func hundredths(text string) (int64, error) {
	whole, part, _ := strings.Cut(strings.Replace(text, ",", ".", 1), ".")
	if len(part) > 2 {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.ParseUint(whole+(part + "00")[:2], 10, 40)
	return int64(n), err
}

// maxPerson bounds the name that somebody signs in with.
const maxPerson = 40

// parseHolder reads a login; false when a trouble is not known.
func parseHolder(login string) (h holder, ok bool) {
	words := strings.Split(strings.ToLower(strings.TrimSpace(login)), "+")
	h.Person = cmp.Or(words[0], "test")
	for _, word := range words[1:] {
		if !slices.Contains(Troubles(), word) {
			return h, false
		}
		if !h.has(word) {
			h.Troubles = append(h.Troubles, word)
		}
	}
	return h, len(h.Person) <= maxPerson
}

// redirection is what the id of a redirection carries.
type redirection struct {
	Nonce     string `json:"n"`
	Owner     string `json:"o"`
	Return    string `json:"r"`
	Country   string `json:"c"`
	Locale    string `json:"l"`
	Access    string `json:"a"`
	CreatedAt int64  `json:"t"`
}

// accessGrant is what an access id carries: a consent.
type accessGrant struct {
	Nonce     string `json:"n"`
	Owner     string `json:"o"`
	Target    string `json:"b"`
	Holder    holder `json:"h"`
	CreatedAt int64  `json:"t"`
}

// visit is what the id of a session carries.
type visit struct {
	Nonce     string `json:"n"`
	Owner     string `json:"o"`
	Target    string `json:"b"`
	Holder    holder `json:"h"`
	Access    string `json:"a,omitempty"` // nonce of the access; empty: once
	First     bool   `json:"f,omitempty"` // the person is there: all of the history
	CreatedAt int64  `json:"t"`
}

const (
	redirectionTime = time.Hour
	visitTime       = 15 * time.Minute
	consentTime     = 180 * 24 * time.Hour
	killedAfter     = 7 * 24 * time.Hour
	keepTime        = 200 * 24 * time.Hour // records about consents
	resultTime      = 24 * time.Hour       // results of commands
	reuseReach      = 90                   // days of history without the person
)

// errID says that an id was not made here, or not for this.
var errID = errors.New("sandbox: not an id of this bank")

// seal makes an id that carries v.
func (b *Bank) seal(purpose string, v any) string {
	content, err := json.Marshal(v)
	if err != nil {
		panic("sandbox: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b.Secret.Seal("sandbox bank "+purpose, content))
}

// open reads what an id carries into v.
func (b *Bank) open(purpose, id string, v any) error {
	sealed, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return errID
	}
	content, err := b.Secret.Open("sandbox bank "+purpose, sealed)
	if err != nil || json.Unmarshal(content, v) != nil {
		return errID
	}
	return nil
}

// nonce tells one id from all others.
func (b *Bank) nonce() string {
	raw := make([]byte, 12)
	if _, err := io.ReadFull(b.Random, raw); err != nil {
		panic("sandbox: no randomness: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// sign returns the signature of a session.
func (b *Bank) sign(session string) string {
	sum := sha256.Sum256([]byte(session))
	return base64.RawURLEncoding.EncodeToString(b.Secret.Seal("sandbox bank signature", sum[:]))
}

// signed reports whether the signature is the session's.
func (b *Bank) signed(session, signature string) bool {
	sealed, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(session))
	content, err := b.Secret.Open("sandbox bank signature", sealed)
	return err == nil && subtle.ConstantTimeCompare(content, sum[:]) == 1
}

// now is the time in whole seconds.
func (b *Bank) now() time.Time { return b.Clock.Now().Truncate(time.Second) }

// record loads a record into v; false when there is none.
func (b *Bank) record(ctx context.Context, key string, v any) (bool, error) {
	content, err := b.Store.Load(ctx, key)
	if err != nil || content == nil {
		return false, err
	}
	return true, json.Unmarshal(content, v)
}

// change lets with change a record, whose zero value stands for none. An error of
// with leaves it as it is. It may be called more than once.
func change[T any](ctx context.Context, b *Bank, key string, keep time.Duration, with func(v *T) error) error {
	return b.Store.Change(ctx, key, b.now().Add(keep), func(old []byte) ([]byte, error) {
		var v T
		if old != nil {
			if err := json.Unmarshal(old, &v); err != nil {
				return nil, err
			}
		}
		if err := with(&v); err != nil {
			return nil, err
		}
		return json.Marshal(v)
	})
}
