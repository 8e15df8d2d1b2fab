package stripe_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sede/internal/clock"
	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

func TestFailuresSayWhatToDo(t *testing.T) {
	t.Parallel()
	fake := stripefake.Start(t, clock.NewFake(start))
	c := client(t, fake.URL)
	for name, f := range map[string]struct {
		failure stripefake.Failure
		want    stripe.Kind
	}{
		"broken connection": {stripefake.Failure{}, stripe.Retry},
		"500":               {stripefake.Failure{Status: 500}, stripe.Retry},
		"503":               {stripefake.Failure{Status: 503}, stripe.Retry},
		"too many":          {stripefake.Failure{Status: 429, Code: "rate_limit", Type: "invalid_request_error"}, stripe.Retry},
		"locked":            {stripefake.Failure{Status: 429, Code: "lock_timeout", Type: "invalid_request_error"}, stripe.Retry},
		"at the same time":  {stripefake.Failure{Status: 409, Code: "idempotency_key_in_use", Type: "idempotency_error"}, stripe.Retry},
		"another request":   {stripefake.Failure{Status: 400, Type: "idempotency_error"}, stripe.KeyUsed},
		"refused card":      {stripefake.Failure{Status: 402, Code: "card_declined", Type: "card_error"}, stripe.Refused},
		"wrong key":         {stripefake.Failure{Status: 401, Type: "invalid_request_error"}, stripe.Misconfigured},
		"no right":          {stripefake.Failure{Status: 403, Type: "invalid_request_error"}, stripe.Misconfigured},
		"wrong request":     {stripefake.Failure{Status: 400, Code: "parameter_missing", Type: "invalid_request_error"}, stripe.Misconfigured},
		"not there":         {stripefake.Failure{Status: 404, Code: "resource_missing", Type: "invalid_request_error"}, stripe.Gone},
	} {
		fake.Fail(f.failure)
		_, err := c.Customer(t.Context(), "cus_1")
		if !stripe.Is(err, f.want) {
			t.Errorf("%s: %v, want kind %d", name, err, f.want)
		}
	}
}

// TestAnswersThatAreNone holds that what is no answer of Stripe's is tried again,
// and that neither the key nor text from outside is in an error.
func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"HTML": "<html>Bad Gateway</html>", "nothing": "", "half": `{"id":"cus_`, "a list": `[]`,
		"an error": `{"error":{"type":"invalid_request_error","code":"line\nbreak","message":"Invalid API Key sk_test_fake"}}`} {
		for _, status := range []int{200, 302, 401, 502} {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://elsewhere.example/")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			}))
			_, err := client(t, web.URL).Customer(t.Context(), "cus_1")
			web.Close()
			if err == nil && (status != 200 || name != "an error") {
				t.Errorf("%s with %d: no error", name, status)
			}
			if err != nil && (strings.Contains(err.Error(), stripefake.Key) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%s with %d: the error tells too much: %v", name, status, err)
			}
		}
	}
}

func TestNewRefusesWhatCantBe(t *testing.T) {
	t.Parallel()
	for _, c := range []stripe.Config{
		{}, {Key: "pk_test_1"}, {Key: "sk_test_1 2"}, {Key: "whsec_1"}, {Key: "sk_test_1", URL: "http://api.stripe.example"},
		{Key: "sk_test_1", URL: "https://a:b@api.stripe.example"}, {Key: "sk_test_1", URL: "ftp://api.stripe.example"}, {Key: "sk_test_1", URL: "https://x/?a=b"},
	} {
		if _, err := stripe.New(c); err == nil || strings.Contains(err.Error(), "_test_1") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for key, live := range map[string]bool{"sk_live_1": true, "rk_live_1": true, "sk_test_1": false} {
		if c, err := stripe.New(stripe.Config{Key: key}); err != nil || c.Live() != live {
			t.Errorf("%s: %v", key, err)
		}
	}
}
