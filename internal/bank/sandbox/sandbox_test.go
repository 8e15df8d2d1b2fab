package sandbox_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/bank/kontomatik"
	"sede/internal/bank/sandbox"
	"sede/internal/clock"
	"sede/internal/secret"
)

// bench is a bank that is served, with a client and a clock.
type bench struct {
	*testing.T
	clock  *clock.Fake
	client *kontomatik.Client
	pages  *httptest.Server
}

func newBench(t *testing.T) *bench {
	t.Helper()
	box, err := secret.NewBox(nil, bytes.Repeat([]byte{7}, secret.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, clock: clock.NewFake(time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC))}
	config := sandbox.Config{Key: "key", Secret: box, Random: rand.Reader, Clock: b.clock}
	var handler http.Handler
	b.pages = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(b.pages.Close)
	config.Pages = b.pages.URL
	bank := sandbox.New(config)
	handler = bank.Pages()
	api := httptest.NewServer(bank.API())
	t.Cleanup(api.Close)
	if b.client, err = kontomatik.New(kontomatik.Config{URL: api.URL, Key: "key"}); err != nil {
		t.Fatal(err)
	}
	return b
}

// redirect starts a sign-in.
func (b *bench) redirect(access kontomatik.Access) kontomatik.Redirection {
	b.Helper()
	r, err := b.client.Redirect(b.Context(), kontomatik.SignIn{RedirectURI: "https://app.example/back?x=1", OwnerExternalID: "owner", Country: "PL", Language: "pl", Access: access})
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// page loads a page, or sends its form, without following redirects.
func (b *bench) page(link string, form url.Values) (*http.Response, string) {
	b.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var answer *http.Response
	var err error
	if form == nil {
		answer, err = client.Get(link)
	} else {
		answer, err = client.PostForm(link, form)
	}
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answer, string(content)
}

// status is the state of a sign-in.
func (b *bench) status(id string) kontomatik.Result {
	b.Helper()
	result, err := b.client.RedirectionStatus(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	return result
}

// mock opens a session without the page.
func (b *bench) mock(login string) (kontomatik.Session, string) {
	b.Helper()
	session, access, err := b.client.MockSession(b.Context(), kontomatik.Mock{Login: login, Country: "pl", OwnerExternalID: "owner", Multiple: true})
	if err != nil {
		b.Fatal(err)
	}
	return session, access
}

// kept is what an import held.
type kept struct {
	accounts     []kontomatik.Account
	transactions map[string][]kontomatik.Transaction // by account
}

func (k *kept) Transaction(a *kontomatik.Account, t *kontomatik.Transaction) error {
	k.transactions[a.Name] = append(k.transactions[a.Name], *t)
	return nil
}

func (k *kept) Account(a *kontomatik.Account) error {
	k.accounts = append(k.accounts, *a)
	return nil
}

// load imports with a session.
func (b *bench) load(s kontomatik.Session, since time.Time) *kept {
	b.Helper()
	command, err := b.client.Import(b.Context(), s, since)
	if err != nil {
		b.Fatal(err)
	}
	b.clock.Advance(10 * time.Second)
	k := &kept{transactions: map[string][]kontomatik.Transaction{}}
	if command, err = b.client.Command(b.Context(), command.ID, k); err != nil || command.State != kontomatik.Successful {
		b.Fatalf("%+v, %v", command, err)
	}
	return k
}

func (b *bench) reuse(access string) kontomatik.Session {
	b.Helper()
	s, err := b.client.Reuse(b.Context(), access)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// wantName checks which exception an error is.
func (b *bench) wantName(err error, name string) {
	b.Helper()
	if e, ok := errors.AsType[*kontomatik.Error](err); !ok || e.Name != name {
		b.Errorf("%v, want %s", err, name)
	}
}

// TestSignIn clicks through the page, imports, comes back without the person
// until the day's imports are used up, and ends the access.
func TestSignIn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.redirect(kontomatik.Multiple)
	if got := b.status(r.ID); got.Outcome != kontomatik.Waiting {
		t.Errorf("before: %+v", got)
	}
	answer, page := b.page(r.Link, nil)
	for _, want := range []string{"Sandbox bank", `value="Sandbox1Api_pl"`, `value="Sandbox3Api_pl"`, "Wybierz bank", `lang="pl"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if policy := answer.Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "form-action 'self' https://app.example") {
		t.Errorf("policy %q", policy)
	}
	if strings.Contains(page, "_pt") {
		t.Error("the page shows banks of another country")
	}
	answer, _ = b.page(r.Link, url.Values{"bank": {"Sandbox2Api_pl"}, "login": {"ana"}})
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "https://app.example/back?x=1" {
		t.Errorf("%d to %s", answer.StatusCode, answer.Header.Get("Location"))
	}
	got := b.status(r.ID)
	if got.Outcome != kontomatik.SignedIn || got.MultipleAccessID == "" || got.Target != "Sandbox2Api_pl" || got.OfficialName != "Sandbox bank Odra" {
		t.Fatalf("after: %+v", got)
	}
	whole := b.load(got.Session, time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC))
	if len(whole.accounts) != 3 || !whole.accounts[2].Card || whole.accounts[0].IBAN == "" {
		t.Errorf("accounts %+v", whole.accounts)
	}
	if n := len(whole.transactions[whole.accounts[0].Name]); n < 200 {
		t.Errorf("%d transactions in a year", n)
	}
	_, err := b.client.Import(t.Context(), got.Session, b.clock.Now())
	b.wantName(err, kontomatik.AlreadyImported)
	for range 4 {
		b.load(b.reuse(got.MultipleAccessID), time.Time{})
	}
	_, err = b.client.Reuse(t.Context(), got.MultipleAccessID)
	b.wantName(err, "MultipleAccessLimitExceeded")
	b.clock.Advance(24 * time.Hour)
	b.reuse(got.MultipleAccessID)
	if err := b.client.DeleteAccess(t.Context(), got.MultipleAccessID); err != nil {
		t.Error(err)
	}
	if err := b.client.DeleteAccess(t.Context(), got.MultipleAccessID); err != nil {
		t.Errorf("again: %v", err)
	}
	_, err = b.client.Reuse(t.Context(), got.MultipleAccessID)
	b.wantName(err, kontomatik.InvalidMultipleAccessID)
}

// TestSignInEnds looks at sign-ins that nobody completes, and at those that are
// over.
func TestSignInEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cancelled := b.redirect(kontomatik.Single)
	if answer, _ := b.page(cancelled.Link, url.Values{"cancel": {"1"}}); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("cancel: %d", answer.StatusCode)
	}
	if got := b.status(cancelled.ID); got.Outcome != kontomatik.NotSignedIn {
		t.Errorf("cancelled: %+v", got)
	}
	answer, page := b.page(cancelled.Link, url.Values{"bank": {"Sandbox1Api_pl"}})
	if answer.StatusCode != http.StatusGone || strings.Contains(page, "<form") || !strings.Contains(page, "https://app.example/back?x=1") {
		t.Errorf("used: %d %s", answer.StatusCode, page)
	}
	foreign := b.redirect(kontomatik.Single)
	for _, form := range []url.Values{{"bank": {"Sandbox1Api_pt"}}, {"bank": {"nobody"}}, {"bank": {"Sandbox1Api_pl"}, "trouble": {"earthquake"}}, {"bank": {"Sandbox1Api_pl"}, "login": {strings.Repeat("x", 41)}}} {
		if answer, _ := b.page(foreign.Link, form); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", form, answer.StatusCode)
		}
	}
	b.page(foreign.Link, url.Values{"bank": {"Sandbox1_pl"}})
	if got := b.status(foreign.ID); got.Outcome != kontomatik.SignedIn || got.MultipleAccessID != "" {
		t.Errorf("once: %+v", got)
	}
	late := b.redirect(kontomatik.Single)
	b.clock.Advance(2 * time.Hour)
	if answer, _ := b.page(late.Link, url.Values{"bank": {"Sandbox1Api_pl"}}); answer.StatusCode != http.StatusGone {
		t.Errorf("late: %d", answer.StatusCode)
	}
	if got := b.status(late.ID); got.Outcome != kontomatik.Expired {
		t.Errorf("late: %+v", got)
	}
	if answer, _ := b.page(b.pages.URL+"/sign-in/made-up", nil); answer.StatusCode != http.StatusNotFound {
		t.Errorf("made up: %d", answer.StatusCode)
	}
	for _, uri := range []string{"javascript:alert(1)", "", "/back"} {
		if _, err := b.client.Redirect(t.Context(), kontomatik.SignIn{RedirectURI: uri, Country: "PL", Access: kontomatik.Single}); err == nil {
			t.Errorf("people would be sent back to %q", uri)
		}
	}
}

// TestHistory checks that what happened stays what it was while time goes on, and
// that balances chain.
func TestHistory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	since := time.Date(2029, 6, 1, 0, 0, 0, 0, time.UTC)
	session, _ := b.mock("ana")
	before := b.load(session, since)
	b.clock.Advance(45 * 24 * time.Hour)
	session, _ = b.mock("ana")
	after := b.load(session, since)
	other, _ := b.mock("ben")
	ben := b.load(other, since)
	for name, old := range before.transactions {
		grown := after.transactions[name]
		if len(grown) <= len(old) || !slices.EqualFunc(old, grown[len(grown)-len(old):], same) {
			t.Errorf("%s: what happened has changed", name)
		}
		for i := range grown[:len(grown)-1] {
			if minor(t, grown[i].Balance) != minor(t, grown[i+1].Balance)+minor(t, grown[i].Amount) {
				t.Fatalf("%s: balances don't chain at %s", name, grown[i].On)
			}
		}
		if minor(t, grown[0].Balance) != minor(t, accountNamed(after, name).Balance) {
			t.Errorf("%s: the balance is not the last one", name)
		}
		if slices.EqualFunc(ben.transactions[name], grown, same) {
			t.Errorf("%s: two people have one history", name)
		}
	}
}

func accountNamed(k *kept, name string) kontomatik.Account {
	return k.accounts[slices.IndexFunc(k.accounts, func(a kontomatik.Account) bool { return a.Name == name })]
}

func same(a, b kontomatik.Transaction) bool {
	return a.On == b.On && a.BookedOn == b.BookedOn && a.Amount == b.Amount && a.Balance == b.Balance && a.Title == b.Title && a.Party == b.Party &&
		a.PartyIBAN == b.PartyIBAN && a.Status == b.Status && slices.Equal(a.Labels, b.Labels)
}

func minor(t *testing.T, text string) int64 {
	t.Helper()
	n, err := kontomatik.Minor(text, 2)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return n
}

// count counts the transactions for which is holds.
func (k *kept) count(is func(t *kontomatik.Transaction) bool) (n int) {
	for _, list := range k.transactions {
		for i := range list {
			if is(&list[i]) {
				n++
			}
		}
	}
	return n
}

func all(*kontomatik.Transaction) bool { return true }

// twins counts the transactions that equal the one before them.
func (k *kept) twins() (n int) {
	for _, list := range k.transactions {
		for i := 1; i < len(list); i++ {
			if same(list[i-1], list[i]) {
				n++
			}
		}
	}
	return n
}

func TestTroubleInLists(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	since := time.Date(2029, 10, 10, 0, 0, 0, 0, time.UTC)
	session, _ := b.mock("ana")
	plain := b.load(session, since)
	if plain.twins() != 0 || plain.count(func(t *kontomatik.Transaction) bool { return t.Status != kontomatik.Done }) != 0 {
		t.Error("there is trouble that nobody asked for")
	}
	session, _ = b.mock("ana+duplicates")
	if double := b.load(session, since); double.twins() == 0 || double.count(all) <= plain.count(all) {
		t.Error("nothing is told twice")
	}
	session, _ = b.mock("ana+twins")
	twins := b.load(session, since)
	if bare := twins.count(func(t *kontomatik.Transaction) bool { return t.Balance == "" }); twins.twins() == 0 || bare != 2*twins.twins() {
		t.Errorf("%d twins, %d without balance", twins.twins(), bare)
	}
	session, access := b.mock("ana+partial+restless")
	half := b.load(session, since)
	if n := half.count(all); !half.accounts[0].Partial || n > plain.count(all)/2+3 {
		t.Errorf("half: %d of %d", n, plain.count(all))
	}
	full := b.load(b.reuse(access), since)
	if full.accounts[0].Partial || full.count(all) != plain.count(all) {
		t.Errorf("full: %d of %d", full.count(all), plain.count(all))
	}
	if full.count(func(t *kontomatik.Transaction) bool { return strings.Contains(t.Title, "  ") }) == plain.count(func(t *kontomatik.Transaction) bool { return strings.Contains(t.Title, "  ") }) {
		t.Error("restless texts are as they were")
	}
	session, _ = b.mock("ana+pending")
	held := func(t *kontomatik.Transaction) bool { return t.Status != kontomatik.Done }
	pending := b.load(session, since)
	for range 7 { // on some days nothing happens
		if pending.count(held) > 0 {
			break
		}
		b.clock.Advance(24 * time.Hour)
		session, _ = b.mock("ana+pending")
		pending = b.load(session, since)
	}
	if pending.count(func(t *kontomatik.Transaction) bool {
		return held(t) && t.BookedOn == "" && strings.HasPrefix(t.Title, "BLOKADA ")
	}) == 0 {
		t.Error("nothing is pending in a week")
	}
	b.clock.Advance(5 * 24 * time.Hour)
	session, _ = b.mock("ana")
	if booked := b.load(session, since); booked.count(held) != 0 || booked.count(all) < pending.count(all) {
		t.Error("what was pending is not booked")
	}
}

func TestTroubleWithRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	start := func(login string) (command kontomatik.Command, access string) {
		session, access := b.mock(login)
		command, err := b.client.Import(t.Context(), session, b.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return command, access
	}
	poll := func(c kontomatik.Command) (kontomatik.Command, error) {
		return b.client.Command(t.Context(), c.ID, &kept{transactions: map[string][]kontomatik.Transaction{}})
	}
	failing, _ := start("ana+error")
	gateway, _ := start("ana+bad-gateway")
	slow, _ := start("ana+slow")
	b.clock.Advance(10 * time.Second)
	if c, err := poll(failing); err != nil || c.State != kontomatik.Failed || c.Err.Name != "ServiceTemporarilyUnavailable" || c.Err.Friendly == "" {
		t.Errorf("error: %+v, %v", c, err)
	}
	_, err := poll(gateway)
	if e, ok := errors.AsType[*kontomatik.Error](err); !ok || e.Status != http.StatusBadGateway || e.Advice() != kontomatik.Retry {
		t.Errorf("gateway: %v", err)
	}
	if c, err := poll(slow); err != nil || c.State != kontomatik.Running {
		t.Errorf("slow: %+v, %v", c, err)
	}
	b.clock.Advance(10 * time.Minute)
	for _, c := range []kontomatik.Command{gateway, slow} {
		if c, err := poll(c); err != nil || c.State != kontomatik.Successful {
			t.Errorf("later: %+v, %v", c, err)
		}
	}
	session, refused := b.mock("ana+unauthorized")
	if _, err := b.client.Import(t.Context(), session, b.clock.Now()); status(err) != http.StatusUnauthorized {
		t.Errorf("unauthorized: %v", err)
	}
	if _, err := b.client.Reuse(t.Context(), refused); status(err) != http.StatusUnauthorized {
		t.Errorf("unauthorized: %v", err)
	}
	_, few := start("ana+quota")
	b.reuse(few)
	_, err = b.client.Reuse(t.Context(), few)
	b.wantName(err, "MultipleAccessLimitExceeded")
	_, killed := start("ana+killed")
	b.clock.Advance(8 * 24 * time.Hour)
	_, err = b.client.Reuse(t.Context(), killed)
	b.wantName(err, kontomatik.InvalidMultipleAccessID)
}

func status(err error) int {
	if e, ok := errors.AsType[*kontomatik.Error](err); ok {
		return e.Status
	}
	return 0
}

// TestBadRequests sends what no client should.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	session, _ := b.mock("ana")
	other, _ := b.mock("ben")
	_, err := b.client.Import(t.Context(), kontomatik.Session{ID: session.ID, Signature: other.Signature}, b.clock.Now())
	b.wantName(err, "InvalidSessionIdSignature")
	_, err = b.client.Import(t.Context(), kontomatik.Session{ID: "made-up", Signature: session.Signature}, b.clock.Now())
	b.wantName(err, kontomatik.InvalidSession)
	_, err = b.client.Import(t.Context(), session, b.clock.Now().AddDate(0, 0, 2))
	b.wantName(err, "InvalidSince")
	_, err = b.client.Command(t.Context(), "42", &kept{})
	b.wantName(err, "InvalidCommandId")
	command, err := b.client.Import(t.Context(), session, b.clock.Now().AddDate(-100, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Minute)
	if err := b.client.DeleteData(t.Context(), "owner"); err != nil {
		t.Error(err)
	}
	_, err = b.client.Command(t.Context(), command.ID, &kept{})
	b.wantName(err, "InvalidCommandId")
	b.clock.Advance(time.Hour)
	_, err = b.client.Import(t.Context(), other, b.clock.Now())
	b.wantName(err, kontomatik.InvalidSession)
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, country := range []string{"PL", "PT", "ES", "CZ", "DE", "GB"} {
		institutions := map[string]bool{}
		err := b.client.Targets(t.Context(), country, func(each kontomatik.Target) error {
			institutions[each.Institution] = true
			if !strings.HasPrefix(each.OfficialName, sandbox.Name) || !each.Imports || each.Country != strings.ToLower(country) {
				t.Errorf("%+v", each)
			}
			return nil
		})
		if err != nil || len(institutions) < 2 {
			t.Errorf("%s: %v, %v", country, institutions, err)
		}
	}
}

func TestIBAN(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for country, length := range map[string]int{"pl": 28, "pt": 25, "es": 24, "cz": 24, "de": 22, "gb": 22} {
		session, _, err := b.client.MockSession(t.Context(), kontomatik.Mock{Login: "ana", Country: country})
		if err != nil {
			t.Fatal(err)
		}
		iban := b.load(session, b.clock.Now()).accounts[0].IBAN
		if len(iban) != length || remainder(iban[4:]+iban[:4]) != 1 {
			t.Errorf("%s: %s", country, iban)
		}
	}
}

// remainder is what ISO 13616 wants to be 1.
func remainder(text string) (rest int) {
	for _, c := range text {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return rest
}
