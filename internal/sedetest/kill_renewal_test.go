package sedetest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestKillWhileRenewing kills the real program while the first import under a new
// consent runs. The connection has a live consent at every start: that of before until
// the import is done, then the new one.
func TestKillWhileRenewing(t *testing.T) {
	binary := build(t)
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		for _, place := range []int{beforeImport, afterImport, atCommand, inReply} {
			t.Run(fmt.Sprint("good ", place), func(t *testing.T) {
				t.Parallel()
				killRenewal(t, binary, engine, "restless", place)
			})
		}
		t.Run("bad", func(t *testing.T) {
			t.Parallel()
			killRenewal(t, binary, engine, "unauthorized", beforeImport)
		})
	})
}

// killRenewal renews a connection with a trouble, and dies at a place.
func killRenewal(t *testing.T, binary string, engine db.Engine, trouble string, place int) {
	w, p := onWire(t, binary, engine)
	w.at(nowhere)
	connection := p.connectBank("ana")
	p.imported(connection)
	before := p.renewal(connection)
	w.at(place)
	p.renew(connection, trouble)
	select {
	case <-w.died:
	case <-time.After(time.Minute):
		t.Fatal("sede did not get there")
	}
	p.kill()
	w.mu.Lock()
	begun := w.commands
	w.mu.Unlock()
	p.start()
	after := p.renewal(connection)
	for deadline := time.Now().Add(2 * time.Minute); after.RenewalStatus == "sign-in" || after.RenewalStatus == "checking"; after = p.renewal(connection) {
		if after.Status != "active" || time.Now().After(deadline) {
			t.Fatalf("%+v", after)
		}
		time.Sleep(20 * time.Millisecond)
	}
	renewed := after.ConsentGivenAt != before.ConsentGivenAt
	switch {
	case after.Status != "active" || after.PullStatus != "done":
		t.Errorf("%+v", after)
	case trouble == "restless" && (!renewed || after.RenewalStatus != ""):
		t.Errorf("the good consent is not taken: %+v", after)
	case trouble == "unauthorized" && (renewed || after.RenewalStatus != "failed"):
		t.Errorf("the bad consent is taken: %+v", after)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.commands > 1+begun {
		t.Errorf("the bank began %d imports", w.commands)
	}
	p.kill()
}

// bankLink is how a connection and its renewal are.
type bankLink struct{ Status, PullStatus, ConsentGivenAt, RenewalStatus, RenewalError string }

func (p *program) renewal(connection string) (got bankLink) {
	p.t.Helper()
	status, content, err := p.do(http.MethodGet, connection, "", "")
	if err == nil {
		err = json.Unmarshal(content, &got)
	}
	if err != nil || status != http.StatusOK {
		p.t.Fatal(status, string(content), err)
	}
	return got
}

// renew renews a connection and signs in at the Sandbox bank.
func (p *program) renew(connection, trouble string) {
	p.t.Helper()
	body := fmt.Sprintf(`{"integration": %q, "country": "PL", "redirectUri": "https://app.example/back"}`, connection)
	status, content, err := p.do(http.MethodPost, "/integrations/kontomatik/setup", body, "")
	var made struct{ SignInURL string }
	if err == nil {
		err = json.Unmarshal(content, &made)
	}
	if status != http.StatusOK || err != nil {
		p.t.Fatal(status, string(content), err)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.PostForm(made.SignInURL, url.Values{"bank": {"Sandbox1Api_pl"}, "login": {"ana"}, "trouble": {trouble}})
	if err != nil || res.StatusCode != http.StatusSeeOther {
		p.t.Fatal(res, err)
	}
	_ = res.Body.Close()
}
