package stripe_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

const event = `{"id":"evt_1","object":"event","type":"invoice.paid","api_version":"` + stripe.Version + `","livemode":false,"created":1774951200,` +
	`"data":{"object":{"id":"in_1","object":"invoice","customer":"cus_1","parent":{"subscription_details":{"subscription":"sub_1"}}}}}`

func TestVerify(t *testing.T) {
	t.Parallel()
	body := []byte(event)
	good := stripefake.Sign(body, "whsec_new", start)
	old := stripefake.Sign(body, "whsec_old", start)
	other := strings.Replace(event, "in_1", "in_2", 1)
	version := strings.Replace(event, stripe.Version, "2024-06-20", 1)
	later := strings.Replace(event, stripe.Version, "2026-08-26.dahlia", 1)
	for name, c := range map[string]struct {
		body, header string
		now          time.Time
		want         error
	}{
		"signed with the new secret": {event, good, start, nil},
		"signed with the old secret": {event, old, start, nil},
		"signed with both":           {event, good + "," + strings.SplitN(old, ",", 2)[1], start, nil},
		"five minutes late":          {event, good, start.Add(5 * time.Minute), nil},
		"another date of a release":  {later, stripefake.Sign([]byte(later), "whsec_new", start), start, nil},
		"too late":                   {event, good, start.Add(5*time.Minute + time.Second), stripe.ErrTime},
		"in the future":              {event, good, start.Add(-5*time.Minute - time.Second), stripe.ErrTime},
		"another body":               {other, good, start, stripe.ErrSignature},
		"another secret":             {event, stripefake.Sign(body, "whsec_x", start), start, stripe.ErrSignature},
		"no header":                  {event, "", start, stripe.ErrUnsigned},
		"no time":                    {event, "v1=00", start, stripe.ErrUnsigned},
		"two times":                  {event, good + ",t=" + strconv.FormatInt(start.Unix(), 10), start, stripe.ErrUnsigned},
		"no signature":               {event, "t=1774951200", start, stripe.ErrUnsigned},
		"an old scheme only":         {event, strings.Replace(good, "v1", "v0", 1), start, stripe.ErrUnsigned},
		"another version":            {version, stripefake.Sign([]byte(version), "whsec_new", start), start, stripe.ErrVersion},
		"no JSON":                    {"{", stripefake.Sign([]byte("{"), "whsec_new", start), start, stripe.ErrEvent},
		"no event":                   {`{"id":"in_1","object":"invoice"}`, stripefake.Sign([]byte(`{"id":"in_1","object":"invoice"}`), "whsec_new", start), start, stripe.ErrEvent},
	} {
		got, err := stripe.Verify([]byte(c.body), c.header, []string{"whsec_new", "whsec_old"}, c.now)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err == nil && (got.ID != "evt_1" || got.Object != "invoice" || got.Key != "in_1" || got.Customer != "cus_1" || got.Subscription != "sub_1") {
			t.Errorf("%s: %+v", name, got)
		}
		if err != nil && got != (stripe.Event{}) {
			t.Errorf("%s: something is returned of what was not taken: %+v", name, got)
		}
	}
	if _, err := stripe.Verify(body, good, nil, start); !errors.Is(err, stripe.ErrSignature) {
		t.Errorf("without a secret: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte(event), "t=1774951200,v1=00")
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		if _, err := stripe.Verify(body, header, []string{"whsec_new"}, start); err == nil {
			t.Fatal("a message was taken that nobody signed")
		}
		e, err := stripe.Verify(body, stripefake.Sign(body, "whsec_new", start), []string{"whsec_new"}, start)
		if err == nil && (e.ID == "" || strings.ContainsAny(e.ID+e.Key+e.Type+e.Customer+e.Subscription, " /\n\"'")) {
			t.Fatalf("ids are not ids: %+v", e)
		}
	})
}
