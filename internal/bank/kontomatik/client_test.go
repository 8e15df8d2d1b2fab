package kontomatik

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const testKey = "k3y-that-nobody-may-see"

// serve starts a server with one handler and returns a client for it.
func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := New(Config{URL: server.URL, Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answering serves one answer.
func answering(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, bad := range []Config{
		{}, {URL: "https://api.kontomatik.com"}, {URL: "http://api.kontomatik.com", Key: "k"}, {URL: "ftp://localhost", Key: "k"},
		{URL: "https://user:pass@api.kontomatik.com", Key: "k"}, {URL: "https://api.kontomatik.com?x=1", Key: "k"}, {URL: "https://api.kontomatik.com", Key: "a b"},
	} {
		if _, err := New(bad); err == nil || strings.Contains(err.Error(), "pass") {
			t.Errorf("%s: %v", bad.URL, err)
		}
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/command/default-import.xml" || r.Header.Get("X-Api-Key") != testKey ||
			r.PostFormValue("sessionId") != "1" || r.PostFormValue("sessionIdSignature") != "s" || r.PostFormValue("since") != "2030-01-02" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.PostForm)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(recorded(t, "v1.default-import-reply.xml"))
	})
	command, err := c.Import(t.Context(), Session{"1", "s"}, time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC))
	if err != nil || command.ID != "455026009" || command.State != Running {
		t.Errorf("%+v, %v", command, err)
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/command/455026009.xml" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		_, _ = w.Write(recorded(t, "v1.command-reply.default-import.xml"))
	})
	var k kept
	command, err := c.Command(t.Context(), "455026009", &k)
	if err != nil || command.State != Successful || len(k.transactions) != 72 {
		t.Errorf("%+v, %v, %d transactions", command, err, len(k.transactions))
	}
	if _, err := c.Command(t.Context(), "../data", &k); err == nil {
		t.Error("an id that is no number is sent")
	}
}

// TestRedirection reads the answers of the sign-in with the words in which they
// may come.
func TestRedirection(t *testing.T) {
	t.Parallel()
	c := serve(t, answering(200, "application/json", `{"redirectionId":"r1","redirectionLink":"https://signin.example/r1","more":[1]}`))
	r, err := c.Redirect(t.Context(), SignIn{RedirectURI: "https://app.example/cb", Country: "PL", Access: Multiple})
	if err != nil || r != (Redirection{"r1", "https://signin.example/r1"}) {
		t.Errorf("%+v, %v", r, err)
	}
	for _, link := range []string{"javascript:alert(1)", "ftp://signin.example/r1", "/r1", ""} {
		c := serve(t, answering(200, "application/json", `{"redirectionId":"r1","redirectionLink":"`+link+`"}`))
		if r, err := c.Redirect(t.Context(), SignIn{}); err == nil {
			t.Errorf("people would be sent to %q", r.Link)
		}
	}
	for body, want := range map[string]Outcome{
		`{"status":"SUCCESS","params":{"sessionId":"1","sessionIdSignature":"s","multipleAccessId":null,"target":"KontoBank"}}`: SignedIn,
		`{"status":"completed","params":{"sessionId":"1","sessionIdSignature":"s"}}`:                                            SignedIn,
		`{"status":"failed","params":{"exception":"NotSignedIn"}}`:                                                              NotSignedIn,
		`{"status":"Expired"}`:       Expired,
		`{"status":"in the making"}`: Waiting,
		`{}`:                         Waiting,
	} {
		c := serve(t, answering(200, "application/json", body))
		if r, err := c.RedirectionStatus(t.Context(), "r 1&x"); err != nil || r.Outcome != want {
			t.Errorf("%s: %+v, %v", body, r, err)
		}
	}
	for _, body := range []string{`{"status":"success","params":{}}`, `[]`, `<html>`, strings.Repeat(" ", maxJSON+1)} {
		c := serve(t, answering(200, "application/json", body))
		if _, err := c.RedirectionStatus(t.Context(), "r1"); err == nil {
			t.Errorf("%.20s: no error", body)
		}
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	gone := `<reply><exception name="InvalidMultipleAccessId"/></reply>`
	c := serve(t, answering(404, "application/xml", gone))
	if err := c.DeleteAccess(t.Context(), "m"); err != nil {
		t.Errorf("an access that is gone: %v", err)
	}
	if err := c.DeleteData(t.Context(), "o"); err != nil {
		t.Errorf("data that is not there: %v", err)
	}
	if _, err := c.Reuse(t.Context(), "m"); adviceOf(t, err) != AskPerson {
		t.Errorf("reuse: %v", err)
	}
	c = serve(t, answering(200, "application/xml", `<reply><command id="1" state="setup"/></reply>`))
	if _, err := c.Reuse(t.Context(), "m"); err == nil {
		t.Error("a command is taken for a session")
	}
	c = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodDelete || r.URL.Path != "/v1/data.xml" || r.URL.Query().Get("ownerExternalId") != "o&1" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	if err := c.DeleteData(t.Context(), "o&1"); err != nil {
		t.Error(err)
	}
}

func adviceOf(t *testing.T, err error) Advice {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("%v is no Error", err)
	}
	return e.Advice()
}

// TestAdvice says for each failure what to do about it.
func TestAdvice(t *testing.T) {
	t.Parallel()
	exception := func(name string) string { return `<reply><exception name="` + name + `"/></reply>` }
	for _, test := range []struct {
		status     int
		kind, body string
		want       Advice
	}{
		{401, "application/xml", string(recorded(t, "unauthorized-reply.xml")), TellOperator},
		{400, "application/xml", string(recorded(t, "command-not-available-reply.xml")), TellOperator},
		{404, "application/xml", exception("InvalidSessionId"), AskPerson},
		{400, "application/xml", exception("MultipleAccessLimitExceeded"), WaitForQuota},
		{400, "application/xml", exception("ConcurrentSessionsLimitExceed"), Retry},
		{400, "application/xml", exception("ConcurrentSessionsLimitExceeded"), Retry},
		{400, "application/xml", exception("NeverHeardOf"), TellOperator},
		{500, "application/xml", exception("NeverHeardOf"), Retry},
		{200, "application/xml", exception("ServiceMaintenance"), Retry},
		{502, "text/html", "<html>Bad Gateway", Retry},
		{200, "text/html", "<html>Welcome</html>", Retry},
		{429, "text/plain", "", Retry},
		{302, "text/plain", "", TellOperator},
	} {
		c := serve(t, answering(test.status, test.kind, test.body))
		_, err := c.Command(t.Context(), "1", &kept{})
		if got := adviceOf(t, err); got != test.want {
			t.Errorf("%d %.60s: %v, advice %d, want %d", test.status, test.body, err, got, test.want)
		}
	}
}

// TestErrorsAreSilent makes requests fail in many ways and looks for secrets in
// what the errors say.
func TestErrorsAreSilent(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	for name, handler := range map[string]http.HandlerFunc{
		"cut": func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
		"echo": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `<reply><`+r.Header.Get("X-Api-Key")+secret)
		},
		"named": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `<reply><exception name="IO"><message>`+secret+testKey+`</message></exception></reply>`)
		},
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://localhost:1/"+secret, http.StatusTemporaryRedirect)
		},
	} {
		c := serve(t, handler)
		_, one := c.Reuse(t.Context(), secret)
		_, two := c.RedirectionStatus(t.Context(), secret)
		_, three := c.Import(t.Context(), Session{secret, secret}, time.Now())
		four := c.DeleteData(t.Context(), secret) // looks at no body, so it may go well
		for _, err := range []error{one, two, three, cmp.Or(four, one)} {
			if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), testKey) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestTimeOut(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	c := serve(t, func(http.ResponseWriter, *http.Request) { <-over })
	t.Cleanup(func() { close(over) }) // before the server is closed
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Reuse(ctx, "m")
	if adviceOf(t, err) != Retry || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestEveryNameHasAdvice says for each exception that is known what to do about it,
// whatever the HTTP status is, and for all others by the status.
func TestEveryNameHasAdvice(t *testing.T) {
	t.Parallel()
	unsaid := maps.Clone(advices)
	for advice, names := range map[Advice]string{
		Retry:        "ConcurrentSessionsLimitExceed ConcurrentSessionsLimitExceeded JobsQuotaExceeded ServiceTemporarilyUnavailable ServiceMaintenance IO",
		WaitForQuota: "MultipleAccessLimitExceeded",
		AskPerson:    "InvalidSessionId SessionExpired NotSignedIn InvalidMultipleAccessId DefaultImportAlreadyExecuted",
		TellOperator: "CommandNotAvailable AlreadySignedIn InvalidSessionIdSignature InvalidTarget InvalidIban InvalidSince InvalidParameter InvalidArgument " +
			"InvalidCommandId InvalidOwnerExternalId NoDataToCalculateScore",
	} {
		for name := range strings.FieldsSeq(names) {
			for _, status := range []int{200, 400, 404, 500, 503} {
				if got := (&Error{Name: name, Status: status}).Advice(); got != advice {
					t.Errorf("%s with %d: %d, want %d", name, status, got, advice)
				}
			}
			delete(unsaid, name)
		}
	}
	for name := range unsaid {
		t.Errorf("%s: say here what to do", name)
	}
	for status, want := range map[int]Advice{0: Retry, 401: TellOperator, 403: TellOperator, 404: TellOperator, 408: Retry, 425: Retry, 429: Retry, 302: TellOperator,
		500: Retry, 502: Retry, 503: Retry} {
		for _, name := range []string{"", "NobodyKnows"} {
			if got := (&Error{Name: name, Status: status}).Advice(); got != want && status != 0 {
				t.Errorf("%q with %d: %d, want %d", name, status, got, want)
			}
		}
	}
	if got := (&Error{Name: "NobodyKnows", Status: 200}).Advice(); got != TellOperator {
		t.Errorf("an unknown exception in a command: %d", got)
	}
	if got := (&Error{}).Advice(); got != Retry {
		t.Errorf("no answer: %d", got)
	}
}
