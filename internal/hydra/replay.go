package hydra

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
)

// A request with an Idempotency-Key is done once (draft-ietf-httpapi-
// idempotency-key-header). Its answer is stored in the transaction that does
// the work, under the caller's API key or user and the key, with a hash of what
// was asked:
//
//   - the same again gets the stored answer with Idempotency-Replayed: true,
//   - the key with something else asked gets 422,
//   - the same while the first is still at work gets 409.
//
// A request that fails stores nothing: repeating it tries again. Answers are
// kept for a day.

// keepAnswers is how long a stored answer can be asked for again.
const keepAnswers = 24 * time.Hour

// maxKey is the longest Idempotency-Key.
const maxKey = 255

// replay is the record of one request with a key. It is a db.Hook.
type replay struct {
	x          *exchange
	credential ident.ID
	key        string
	hash       [sha256.Size]byte
}

// stored is an answer of an earlier request with the same key.
type stored struct {
	status int
	header map[string]string
	body   []byte
}

// Error makes stored what Begin returns to stop the work.
func (*stored) Error() string { return "hydra: answered before" }

// keptHeaders are the headers that belong to the answer and not to the moment.
var keptHeaders = []string{"Content-Type", "Etag", "Location", "Content-Location"}

// underway holds the keys that requests of this process are at work on.
type underway struct{ keys sync.Map }

type underwayKey struct {
	credential ident.ID
	key        string
}

func newReplay(x *exchange, key string) (*replay, error) {
	if len(key) > maxKey {
		return nil, fault.New(fault.Invalid, "The Idempotency-Key is too long. It may have up to %d characters.", maxKey)
	}
	for _, c := range []byte(key) {
		if c < ' ' || c > '~' {
			return nil, fault.New(fault.Invalid, "The Idempotency-Key may hold printable ASCII characters only.")
		}
	}
	h := &replay{x: x, credential: x.who.Credential(), key: key}
	h.hash = h.sum(nil)
	x.replay = h
	if _, busy := x.api.underway.keys.LoadOrStore(underwayKey{h.credential, key}, nil); busy {
		x.replay = nil
		return nil, stillRunning()
	}
	return h, nil
}

func stillRunning() error {
	return &fault.Error{Kind: fault.Conflict, RetryAfter: time.Second,
		Text: fault.Textf("A request with this Idempotency-Key is still being worked on.")}
}

// freeKey lets others use the key of the request again. It comes before the
// answer is sent, since the client may use the key again as soon as it has it.
func (x *exchange) freeKey() {
	if h := x.replay; h != nil {
		x.replay = nil
		x.api.underway.keys.Delete(underwayKey{h.credential, h.key})
	}
}

// sum hashes what is asked: the operation, the organization it is asked in, and
// the body.
func (h *replay) sum(b *body) (sum [sha256.Size]byte) {
	digest := sha256.New()
	write := func(part []byte) {
		var size [8]byte
		for i, n := 0, len(part); i < 8; i++ {
			size[i] = byte(n >> (8 * i))
		}
		_, _ = digest.Write(size[:])
		_, _ = digest.Write(part)
	}
	write([]byte(h.x.r.Method))
	write([]byte(h.x.r.URL.RequestURI()))
	write(h.x.who.Organization[:])
	if b != nil {
		write(b.content)
		for i, value := range b.values {
			write([]byte{byte(i)})
			write(value)
		}
		for _, s := range h.x.op.input {
			write(b.files[s.name])
			if f, there := b.spooled[s.name]; there {
				write(f.sum[:])
			}
		}
	}
	digest.Sum(sum[:0])
	return sum
}

// hashBody adds the body to what is asked.
func (x *exchange) hashBody(b *body) {
	if x.replay != nil {
		x.replay.hash = x.replay.sum(b)
	}
}

// Begin looks for an answer given before.
func (h *replay) Begin(tx *db.Tx) error {
	if free, err := tx.TryLock("idempotency/" + h.credential.String() + "/" + h.key); err != nil || !free {
		if err == nil {
			err = stillRunning()
		}
		return err
	}
	var (
		hash, content []byte
		header        string
		answer        stored
		createdAt     time.Time
	)
	err := tx.Row(`SELECT body_hash, status, headers, body, created_at FROM idempotency WHERE credential = $1 AND key = $2`,
		h.credential, h.key).Scan(&hash, &answer.status, &header, &content, &createdAt)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if h.x.api.Clock.Now().Sub(createdAt) > keepAnswers {
		tx.Queue(`DELETE FROM idempotency WHERE credential = $1 AND key = $2`, h.credential, h.key)
		return nil
	}
	if string(hash) != string(h.hash[:]) {
		return fault.New(fault.Unprocessable, "This Idempotency-Key was used for another request before.")
	}
	if err := json.Unmarshal([]byte(header), &answer.header); err != nil {
		return err
	}
	if answer.body, err = h.open(content); err != nil {
		return err
	}
	return &answer
}

// End stores the answer.
func (h *replay) End(tx *db.Tx) error {
	x := h.x
	x.render()
	x.rendered = true
	kept := map[string]string{}
	if x.etag != "" {
		kept["Etag"] = x.etag
	}
	if len(x.buf) > 0 {
		kept["Content-Type"] = x.format.header[0]
	}
	written := http.Header{}
	x.setWritten(written)
	for _, name := range keptHeaders {
		if value := written[name]; len(value) == 1 {
			kept[name] = value[0]
		}
	}
	header, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	now := x.api.Clock.Now()
	tx.Queue(`DELETE FROM idempotency WHERE credential = $1 AND created_at < $2`, h.credential, now.Add(-keepAnswers))
	tx.Queue(`INSERT INTO idempotency (credential, key, route, body_hash, status, headers, body, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		h.credential, h.key, x.op.method+" "+x.op.path, h.hash[:], x.op.status, string(header), h.seal(x.buf), now)
	return nil
}

// seal makes unreadable what is stored of an answer that holds secrets.
func (h *replay) seal(body []byte) []byte {
	if out := h.x.op.output; out == nil || !out.secret {
		return body
	}
	return h.x.api.Secret.Seal(h.purpose(), body)
}

// open is the opposite of seal.
func (h *replay) open(body []byte) ([]byte, error) {
	if out := h.x.op.output; out == nil || !out.secret {
		return body, nil
	}
	return h.x.api.Secret.Open(h.purpose(), body)
}

func (h *replay) purpose() string { return "idempotency " + h.credential.String() + " " + h.key }

// replayed sends the stored answer when err is one, else it returns err.
func (x *exchange) replayed(err error) error {
	answer, ok := errors.AsType[*stored](err)
	if !ok {
		return err
	}
	x.freeKey()
	x.setHeader()
	h := x.w.Header()
	for name, value := range answer.header {
		h[name] = []string{value}
	}
	h["Idempotency-Replayed"] = []string{"true"}
	x.w.WriteHeader(answer.status)
	_, _ = x.w.Write(answer.body)
	return nil
}
