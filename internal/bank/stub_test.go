package bank_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/sedetest"
)

// stub is a Kontomatik that tells what a test wants.
type stub struct {
	mu       sync.Mutex
	sessions int
	imports  map[string]int // how often each session imported
	polls    map[string]int // how often each command was asked for
	deleted  []string       // what was to be forgotten
	reused   []string       // the access ids that sessions were asked with
	ended    []string       // those that were to be forgotten
	since    []string       // from when on imports were to be

	reply     func(out io.Writer) // the accounts of an import
	onImport  func()              // runs when an import begins
	onCommand func()              // runs when a command is asked for
	raw       func(out io.Writer) // the whole answer about a command in place of reply
	waits     int                 // how often a command is not done yet
}

// withStub starts a sede whose banks are the stub's.
func withStub(t testing.TB, engine db.Engine, change ...func(*app.Config)) (*sedetest.Instance, *stub) {
	t.Helper()
	s := &stub{imports: map[string]int{}, polls: map[string]int{}, reply: func(io.Writer) {}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	in := sedetest.NewWith(t, engine, func(c *app.Config) {
		c.Bank = app.BankSettings{URL: server.URL, Key: "key"}
		for _, do := range change {
			do(c)
		}
	})
	return in, s
}

// connect has a person sign in, with access for many times.
func connect(t testing.TB, in *sedetest.Instance, session string) {
	t.Helper()
	operator := in.As("operator@demo.example", in.Names["other"])
	var modules struct {
		Members []struct {
			IRI string `json:"@id"`
		} `json:"hydra:member"`
	}
	operator.Do("GET", "/organization-modules?module=bank", "").JSON(t, &modules)
	if a := operator.Do("PATCH", modules.Members[0].IRI, `{"endsAt": null}`); a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body) // it outlives the trial
	}
	token := "access"
	if session != "first" {
		token = session
	}
	a := owner(in).Do("POST", "/integrations/kontomatik/setup",
		`{"sessionId": "`+session+`", "sessionIdSignature": "s", "multipleAccessId": "`+token+`", "target": "Stub"}`)
	if a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
}

func owner(in *sedetest.Instance) *sedetest.Client { return in.As("owner@other.example", "") }

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	_ = r.ParseForm()
	id, isCommand := strings.CutPrefix(strings.TrimSuffix(r.URL.Path, ".xml"), "/v1/command/")
	switch {
	case r.URL.Path == "/v1/command-catalog.xml":
		fmt.Fprint(w, `<reply status="200 OK"><targets><target name="Stub" country="pl" institution="Stub" officialName="Stub" psd2="true">`+
			`<commands><command name="DefaultImportCommand"/></commands></target></targets></reply>`)
	case isCommand && id == "default-import":
		s.mu.Lock()
		session := r.Form.Get("sessionId")
		s.imports[session]++
		s.since = append(s.since, r.Form.Get("since"))
		again := s.imports[session] > 1
		bad := strings.HasPrefix(session, "bad")
		id, hook := len(s.imports), s.onImport
		s.mu.Unlock()
		if hook != nil {
			hook()
		}
		if bad {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `<reply status="404 Not Found"><exception name="InvalidSessionId"/></reply>`)
			return
		}
		if again {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `<reply status="400 Bad Request"><exception name="DefaultImportAlreadyExecuted"/></reply>`)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, `<reply status="202 Accepted"><command id="%d" state="setup" name="DefaultImportCommand"/></reply>`, id)
	case isCommand && id == "reuse-multiple-access":
		s.mu.Lock()
		s.sessions++
		n, token := s.sessions, r.Form.Get("multipleAccessId")
		s.reused = append(s.reused, token)
		bad := strings.HasPrefix(token, "bad") || slices.Contains(s.ended, token)
		s.mu.Unlock()
		if bad {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `<reply status="404 Not Found"><exception name="InvalidMultipleAccessId"/></reply>`)
			return
		}
		fmt.Fprintf(w, `<reply status="200 OK"><session id="reused-%d" signature="s"/></reply>`, n)
	case isCommand && id == "delete-multiple-access", r.Method == http.MethodDelete:
		s.mu.Lock()
		s.deleted = append(s.deleted, r.URL.Path)
		if token := r.Form.Get("multipleAccessId"); token != "" {
			s.ended = append(s.ended, token)
		}
		s.mu.Unlock()
		fmt.Fprint(w, `<reply status="200 OK"/>`)
	case isCommand:
		s.command(w, id)
	default:
		http.NotFound(w, r)
	}
}

func (s *stub) command(w http.ResponseWriter, id string) {
	s.mu.Lock()
	s.polls[id]++
	done, reply, raw, hook := s.polls[id] > s.waits, s.reply, s.raw, s.onCommand
	s.mu.Unlock()
	if hook != nil {
		hook()
	}
	if !done {
		fmt.Fprintf(w, `<reply status="200 OK"><command id="%s" state="in_progress" name="DefaultImportCommand"/></reply>`, id)
		return
	}
	if raw != nil {
		raw(w)
		return
	}
	fmt.Fprintf(w, `<reply status="200 OK"><command id="%s" state="successful" name="DefaultImportCommand"><result><accounts>`, id)
	reply(w)
	fmt.Fprint(w, `</accounts></result></command></reply>`)
}

// begun counts the imports that were begun.
func (s *stub) begun() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, times := range s.imports {
		n += times
	}
	return n
}

// tell sets what imports bring from now on.
func (s *stub) tell(reply func(out io.Writer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = reply
}

// row is a transaction as a bank tells it; amounts in hundredths.
type row struct {
	on, booked string
	amount     int64
	balance    int64
	bare       bool // without balance
	title      string
	status     string // empty: DONE
	labels     []string
}

func decimal(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}

// writeAccount writes an account with rows.
func writeAccount(out io.Writer, iban string, balance int64, rows []row) {
	writeAccountIn(out, "PLN", iban, balance, rows)
}

func writeAccountIn(out io.Writer, currency, iban string, balance int64, rows []row) {
	fmt.Fprintf(out, `<account><name>A</name><iban>%s</iban><currencyBalance>%s</currencyBalance><currencyName>%s</currencyName><moneyTransactions>`,
		iban, decimal(balance), currency)
	for _, r := range rows {
		fmt.Fprintf(out, `<moneyTransaction><transactionOn>%s</transactionOn><currencyAmount>%s</currencyAmount><title>%s</title>`,
			r.on, decimal(r.amount), html.EscapeString(r.title))
		if r.booked != "" {
			fmt.Fprintf(out, `<bookedOn>%s</bookedOn>`, r.booked)
		}
		if !r.bare {
			fmt.Fprintf(out, `<currencyBalance>%s</currencyBalance>`, decimal(r.balance))
		}
		status := r.status
		if status == "" {
			status = "DONE"
		}
		fmt.Fprintf(out, `<status>%s</status><labels>`, status)
		for _, l := range r.labels {
			fmt.Fprintf(out, `<label>%s</label>`, l)
		}
		fmt.Fprint(out, `</labels></moneyTransaction>`)
	}
	fmt.Fprint(out, `</moneyTransactions></account>`)
}

// movements lists all transactions of an account, as sede has them.
func movements(t testing.TB, c *sedetest.Client, account string) (list []movement) {
	t.Helper()
	for page := 1; ; page++ {
		var got struct {
			Members []movement `json:"hydra:member"`
		}
		a := c.Do("GET", fmt.Sprintf("/bank-transactions?itemsPerPage=100&page=%d&account=%s", page, account), "")
		a.JSON(t, &got)
		list = append(list, got.Members...)
		if len(got.Members) < 100 {
			return list
		}
	}
}

type movement struct {
	ID       string  `json:"@id"`
	Status   string  `json:"status"`
	On       string  `json:"transactionOn"`
	BookedOn *string `json:"bookedOn"`
	Amount   int64   `json:"amount"`
	Balance  *int64  `json:"balance"`
	Title    string  `json:"title"`
}

// accountOf finds an account by its IBAN; empty: there is none.
func accountOf(t testing.TB, c *sedetest.Client, iban string) string {
	t.Helper()
	var got struct {
		Members []struct {
			IRI string `json:"@id"`
		} `json:"hydra:member"`
	}
	c.Do("GET", "/bank-accounts?iban="+iban, "").JSON(t, &got)
	if len(got.Members) == 0 {
		return ""
	}
	return got.Members[0].IRI
}
