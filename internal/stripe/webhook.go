package stripe

import (
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85/webhook"
)

// Event is what Stripe says happened. It says which object to load again, and
// nothing of it is believed besides.
type Event struct {
	ID      string
	Type    string
	Version string // of the API that it was written in
	Live    bool
	Created time.Time
	// Object and Key are the kind and id of what it is about, empty where there is
	// nothing to load; Customer and Subscription those that it names, if it does.
	Object, Key, Customer, Subscription string
}

// Tolerance is how far the clocks of both sides may be apart. A message that is
// older or younger may be somebody's who recorded it.
const Tolerance = 5 * time.Minute

// MaxEvent is how long a message may be.
const MaxEvent = 1 << 20

// Why a message is not taken.
var (
	ErrUnsigned  = errors.New("stripe: the message has no signature that can be read")
	ErrSignature = errors.New("stripe: the signature is not of any of the secrets")
	ErrTime      = errors.New("stripe: the message was signed too long ago, or in the future")
	ErrVersion   = errors.New("stripe: the message is of another version of the API")
	ErrEvent     = errors.New("stripe: the message is no event")
)

// Verify checks the signature of a message, as it came, and reads the event. Any
// of the secrets may have signed it, so that they can be replaced one after the
// other. now is the time it came.
func Verify(body []byte, header string, secrets []string, now time.Time) (e Event, err error) {
	signed, signatures, err := parseSignature(header)
	if err != nil {
		return e, err
	}
	known := false
	for _, secret := range secrets {
		want := webhook.ComputeSignature(signed, body, secret)
		for _, got := range signatures {
			known = hmac.Equal(want, got) || known
		}
	}
	if !known {
		return e, ErrSignature
	}
	if apart := now.Sub(signed); apart > Tolerance || apart < -Tolerance {
		return e, ErrTime
	}
	if e, err = parseEvent(body); err != nil {
		return Event{}, err
	}
	if train(e.Version) != train(Version) {
		return Event{}, ErrVersion
	}
	return e, nil
}

// parseSignature reads Stripe-Signature: t=…,v1=…, perhaps several of v1.
func parseSignature(header string) (signed time.Time, signatures [][]byte, err error) {
	const most = 10
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil || seconds < 0 || !signed.IsZero() {
				return signed, nil, ErrUnsigned
			}
			signed = time.Unix(seconds, 0)
		case "v1":
			if sum, err := hex.DecodeString(value); err == nil && len(signatures) < most {
				signatures = append(signatures, sum)
			}
		}
	}
	if signed.IsZero() || len(signatures) == 0 {
		return signed, nil, ErrUnsigned
	}
	return signed, signatures, nil
}

// train is the name of the release of a version, within which nothing breaks:
// 2026-03-25.dahlia. Old versions had none.
func train(version string) string {
	if _, name, ok := strings.Cut(version, "."); ok {
		return name
	}
	return version
}

func parseEvent(body []byte) (e Event, err error) {
	var in struct {
		ID, Object, Type string
		APIVersion       string `json:"api_version"`
		Livemode         bool
		Created          int64
		Data             struct {
			Object struct {
				ID, Object   string
				Customer     json.RawMessage
				Subscription json.RawMessage
				Parent       struct {
					SubscriptionDetails struct{ Subscription json.RawMessage } `json:"subscription_details"`
				}
			}
		}
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Object != "event" || !isID(in.ID) || !isName(in.Type) {
		return e, ErrEvent
	}
	o := &in.Data.Object
	e = Event{ID: in.ID, Type: in.Type, Version: in.APIVersion, Live: in.Livemode, Created: at(in.Created), Object: o.Object, Key: o.ID,
		Customer: idOf(o.Customer), Subscription: idOf(o.Subscription)}
	if e.Subscription == "" {
		e.Subscription = idOf(o.Parent.SubscriptionDetails.Subscription)
	}
	if !isName(e.Object) || !isID(e.Key) {
		e.Object, e.Key = "", "" // about nothing that could be loaded, as an upcoming invoice
	}
	return e, nil
}

// idOf reads an id, or that of an object that stands in its place.
func idOf(raw json.RawMessage) string {
	var id string
	if json.Unmarshal(raw, &id) != nil {
		var object struct{ ID string }
		if json.Unmarshal(raw, &object) != nil {
			return ""
		}
		id = object.ID
	}
	if !isID(id) {
		return ""
	}
	return id
}

// isID reports whether s is as Stripe's ids are.
func isID(s string) bool { return s != "" && len(s) <= 255 && word(s) == s }

// isName reports whether s is as the names of events and objects are.
func isName(s string) bool {
	return s != "" && len(s) <= 100 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_.") == ""
}
