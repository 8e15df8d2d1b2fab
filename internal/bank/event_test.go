package bank_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestEvents has another program told what becomes of a connection, from the sign-in
// over the reminders to its end.
func TestEvents(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		var got []string
		hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			var e struct {
				Type string
				Data struct {
					DaysLeft    int
					Integration struct{ Name, Error, PullStatus string }
				}
			}
			if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
				t.Error(err)
			}
			if strings.HasSuffix(e.Type, ".changed") { // of each step on the way
				return
			}
			got = append(got, fmt.Sprint(e.Type, " ", e.Data.DaysLeft, " ", e.Data.Integration.Name, " ", e.Data.Integration.Error))
		}))
		t.Cleanup(hook.Close)
		keepModules(t, in)
		owner(in).Must("POST", "/webhook-endpoints", `{"url":"`+hook.URL+`","events":["*"]}`)
		expect := func(when string, want ...string) {
			t.Helper()
			in.RunJobs()
			slices.Sort(got)
			if slices.Sort(want); !slices.Equal(got, want) {
				t.Errorf("%s\n got %q\nwant %q", when, got, want)
			}
			got = nil
		}
		id := signIn(t, in, "bank=Sandbox1Api_pt&login=rui&trouble=quick")
		in.Advance(10 * time.Second)
		expect("somebody signs in", "integration.active 0 Sandbox bank Tejo ", "integration.imported 0 Sandbox bank Tejo ")
		owner(in).Must("POST", "/integrations/kontomatik/pull", `{}`)
		expect("an import", "integration.imported 0 Sandbox bank Tejo ")
		for _, days := range []int{14, 7, 1} {
			var i struct{ ConsentEndsAt time.Time }
			owner(in).Must("GET", "/integrations/"+id, "").JSON(t, &i)
			in.Advance(i.ConsentEndsAt.AddDate(0, 0, -days).Add(time.Minute).Sub(in.Clock.Now()))
			in.RunJobs()
			got = slices.DeleteFunc(got, func(e string) bool { return e == "integration.imported 0 Sandbox bank Tejo " }) // of the nights
			expect(fmt.Sprint(days, " days before"), fmt.Sprintf("integration.expiring %d Sandbox bank Tejo ", days))
		}
		in.Advance(25 * time.Hour)
		in.RunJobs()
		got = slices.DeleteFunc(got, func(e string) bool { return e == "integration.imported 0 Sandbox bank Tejo " })
		expect("the end", "integration.expired 0 Sandbox bank Tejo consent-ended")
		owner(in).Must("POST", "/integrations/kontomatik/revoke", `{}`)
		expect("somebody ends it", "integration.revoked 0 Sandbox bank Tejo consent-ended")
	})
}

// keepModules gives the organization its module for good.
func keepModules(t *testing.T, in *sedetest.Instance) {
	t.Helper()
	operator := in.As("operator@demo.example", "other")
	var list struct {
		Members []struct{ ID string } `json:"hydra:member"`
	}
	operator.Must("GET", "/organization-modules?module=bank", "").JSON(t, &list)
	operator.Must("PATCH", "/organization-modules/"+list.Members[0].ID, `{"endsAt": null}`)
}

// signIn sets a connection up and signs in at the Sandbox bank.
func signIn(t *testing.T, in *sedetest.Instance, form string) (id string) {
	t.Helper()
	var made struct{ ID, SignInURL string }
	owner(in).Must("POST", "/integrations/kontomatik/setup", `{"country": "PT", "redirectUri": "https://app.example/back"}`).JSON(t, &made)
	at, err := url.Parse(made.SignInURL)
	if err != nil {
		t.Fatal(err)
	}
	if a := in.With("").Do("POST", at.Path, form, "Content-Type", "application/x-www-form-urlencoded"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	return made.ID
}

// TestWaiting: so many connections may wait for somebody to sign in, and no more.
func TestWaiting(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		const setup = `{"country": "PT", "redirectUri": "https://app.example/back"}`
		var first struct{ ID string }
		owner(in).Must("POST", "/integrations/kontomatik/setup", setup).JSON(t, &first)
		for range 19 {
			owner(in).Must("POST", "/integrations/kontomatik/setup", setup)
		}
		before := in.Dump()
		a := owner(in).Do("POST", "/integrations/kontomatik/setup", setup)
		if a.Status != http.StatusConflict || !strings.Contains(string(a.Body), "20 connections wait") {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if changes := before.Changes(in.Dump()); len(changes) > 0 {
			t.Errorf("%s", changes[0])
		}
		owner(in).Must("POST", "/integrations/kontomatik/setup", `{"integration": "/integrations/`+first.ID+`", "redirectUri": "https://app.example/back"}`) // once more
		owner(in).Must("POST", "/integrations/kontomatik/revoke", `{"integration": "/integrations/`+first.ID+`"}`)
		owner(in).Must("POST", "/integrations/kontomatik/setup", setup)
		in.Advance(time.Hour + time.Minute)
		in.RunJobs()
		owner(in).Must("POST", "/integrations/kontomatik/setup", setup)
	})
}
