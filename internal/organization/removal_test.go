package organization_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

const dot = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x10\x20\x30\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// TestRemoval closes an organization that has everything. After 30 days nothing is
// left of it but what the law wants, and nothing of others is gone.
func TestRemoval(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		in.RunJobs()                                                                    // schedules begin
		owner := func() *sedetest.Client { return in.As("owner@demo.example", "demo") } // tokens end when the clock moves
		operator := func() *sedetest.Client { return in.As("operator@demo.example", "") }
		want := func(a *sedetest.Answer, status int) {
			t.Helper()
			if a.Status != status {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
		}
		want(operator().Do(http.MethodPatch, "/invoice-issuers/default-issuer",
			`{"name":"Sede Lda","streetLine":"Rua Augusta 1","postCode":"1100-048","city":"Lisboa","country":"/countries/PT","vatNumber":"PT501442600"}`), 200)
		want(owner().Do(http.MethodPost, "/subscriptions", `{"products":["/products/team"],"seats":9}`), 201)
		want(owner().Do(http.MethodPatch, "/organizations/mail-footer", `{"mailFooter":"<p>{{name}}</p>"}`), 200)
		var o struct{ Logo []struct{ URL string } }
		uploaded := owner().Do(http.MethodPost, "/organizations/logo", sedetest.Form("file", dot), "Content-Type", "multipart/form-data; boundary=form")
		want(uploaded, 200)
		uploaded.JSON(t, &o)
		image := strings.TrimPrefix(o.Logo[0].URL, "http://sede.test")
		in.Advance(15 * 24 * time.Hour) // the trial ends
		in.RunJobs()
		if a := owner().Do(http.MethodGet, "/invoices", ""); !strings.Contains(a.Body, "INV-000001") {
			t.Fatal(a.Body)
		}
		other := rowsOf(t, in, "other")
		want(owner().Do(http.MethodDelete, "/organizations/demo", ""), 204)
		want(in.With("").Do(http.MethodGet, image, ""), 200)

		in.Advance(30*24*time.Hour - time.Minute)
		in.RunJobs()
		want(owner().Do(http.MethodGet, "/organizations/demo", ""), 200)
		in.Advance(2 * time.Hour)
		in.RunJobs()
		want(operator().Do(http.MethodGet, "/organizations/"+in.Names["demo"], ""), 404)
		want(operator().Do(http.MethodGet, "/organizations/demo", ""), 404)
		want(in.As("owner@demo.example", "").Do(http.MethodGet, "/organizations?slug=demo", ""), 200)
		want(owner().Do(http.MethodGet, "/locations", ""), 404)
		want(operator().Do(http.MethodPost, "/organizations/"+in.Names["demo"]+"/reopen", ""), 404)
		want(in.With("").Do(http.MethodGet, image, ""), 404)
		for table, n := range rowsOf(t, in, "demo") {
			stays := slices.Contains([]string{"organization", "invoice", "audit_head", "audit_log", "job"}, table)
			if !stays && n > 0 || stays && n == 0 && table != "job" {
				t.Errorf("%d rows of %s are left", n, table)
			}
		}
		for table, n := range rowsOf(t, in, "other") {
			if n != other[table] && table != "job" {
				t.Errorf("%s of another organization had %d rows and has %d", table, other[table], n)
			}
		}
		want(in.As("owner@other.example", "").Do(http.MethodPost, "/organizations", `{"name":"New","slug":"demo"}`), 201)
	})
}

// TestRemovalGoesOn lets the removal fail at one statement after the other.
func TestRemovalGoesOn(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		in.RunJobs() // schedules begin
		in.As("owner@demo.example", "demo").Do(http.MethodDelete, "/organizations/demo", "")
		in.Advance(31 * 24 * time.Hour)
		for k := 5; k < 150; k += 12 {
			in.FailAt(k)
			_, _ = in.App.RunJobs(t.Context()) // fails
			in.FailAt(0)
			in.Advance(time.Minute)
		}
		for range 10 {
			in.Advance(3 * time.Hour)
			in.RunJobs()
		}
		if left := rowsOf(t, in, "demo"); left["employee"]+left["organization_user"]+left["row_count"]+left["bank_transaction"] > 0 {
			t.Errorf("there is left: %v", left)
		}
	})
}

// rowsOf counts the rows of an organization in all tables.
func rowsOf(t *testing.T, in *sedetest.Instance, name string) map[string]int64 {
	t.Helper()
	id, err := ident.Parse(in.Names[name])
	if err != nil {
		t.Fatal(err)
	}
	tables := slices.Concat(archive.OfRole(archive.Kept), archive.OfRole(archive.Working), archive.OfRole(archive.Trace))
	counts := map[string]int64{}
	err = in.App.Database().Read(t.Context(), access.System(id), func(tx *db.Tx) error {
		list, err := archive.Counts(tx, tables, id)
		for _, c := range list {
			counts[c.Table] = c.Rows
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}
