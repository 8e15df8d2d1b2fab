package organization_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// BenchmarkMembers asks for members of an organization with 100 and of one with
// 100,000, in turn. Metric "ratio" is how many times as long the large one takes,
// by the medians.
func BenchmarkMembers(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		b.Run(engine.String(), func(b *testing.B) {
			in := sedetest.New(b, engine)
			small, large := crowd(b, engine, in, "Small", 100), crowd(b, engine, in, "Large", 100_000)
			for _, target := range []string{
				"/organization-users", "/organization-users?itemsPerPage=0",
				"/organization-users?role=billing", "/organization-users?role=member&status=active", "/organization-users?order[name]=asc",
				"/organization-users?order[email]=desc", "/organization-users?order[joinedAt]=desc", "/organization-users?role=member&order[name]=asc",
				"/organization-users?role=member&order[joinedAt]=desc", "/organization-users?status=active&order[name]=asc",
				"/organization-seats", "/organization-seats?order[name]=asc", "/organization-seats?order[since]=desc",
				"/organization-seats?role=billing", "/organization-seats?state=reserved", "/organizations/%s/seats", "/organizations/%s",
			} {
				b.Run(target, func(b *testing.B) { compare(b, target, small, large) })
			}
		})
	}
}

type group struct {
	slug   string
	client *sedetest.Client
}

// crowd makes an organization with so many members, one in ten of them for the
// money and one in ten a guest.
func crowd(b *testing.B, engine db.Engine, in *sedetest.Instance, name string, n int) group {
	b.Helper()
	owner := in.As("owner@other.example", "")
	var made struct{ ID, Slug string }
	owner.In("other").Do(http.MethodPost, "/organizations", `{"name":"`+name+`"}`).JSON(b, &made)
	id, err := ident.Parse(made.ID)
	if err != nil {
		b.Fatal(err)
	}
	roles := []string{"member", "billing", "guest", "member", "member", "member", "member", "member", "admin", "member"}
	ids := ident.NewSource(in.Clock.Now, rand.Reader)
	for from := 1; from < n; from += 5000 { // the owner is the first
		err := in.App.Database().Write(b.Context(), access.Instance(), func(tx *db.Tx) error {
			for i := from; i < min(from+5000, n); i++ {
				join(tx, access.System(id), ids, fmt.Sprintf("%s %06d", name, i*7919%n), roles[i%len(roles)], in.Clock.Now())
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if engine == db.PostgreSQL {
		analyze(b, in)
	}
	return group{made.Slug, owner.In(made.Slug)}
}

// analyze brings the statistics of PostgreSQL up to date, as it does by itself
// after a while.
func analyze(b *testing.B, in *sedetest.Instance) {
	b.Helper()
	err := in.App.Database().Write(b.Context(), access.Instance(), func(tx *db.Tx) error {
		_, err := tx.Exec("ANALYZE")
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// join stores a user and the membership as the use cases do.
func join(tx *db.Tx, scope access.Scope, ids *ident.Source, name, role string, now time.Time) {
	user, email := ids.New(), ids.New().String()+"@crowd.example"
	tx.Queue(`INSERT INTO app_user (id, username, username_fold, name, name_fold, operator, password_hash, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, '', 1, $7, $7)`, user, email, db.Fold(email), name, db.Fold(name), false, now)
	tx.Queue(`INSERT INTO organization_user (organization_id, id, user_id, name, name_fold, email, email_fold, role, status, joined_at, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9, 1, $9, $9)`,
		scope.Organization(), ids.New(), user, name, db.Fold(name), email, db.Fold(email), role, now)
	db.Count(tx, access.Instance(), "app_user", 1)
	db.Count(tx, scope, "organization_user", 1)
	db.CountGroup(tx, scope, "organization_user", 1, role, "active")
	if role != "guest" {
		db.Count(tx, scope, "seat", 1)
	}
}

// compare asks both in turn and reports the ratio of the medians.
func compare(b *testing.B, target string, small, large group) {
	var times [2][]time.Duration
	for b.Loop() {
		for i, g := range []group{small, large} {
			path := target
			if strings.Contains(path, "%s") {
				path = fmt.Sprintf(path, g.slug)
			}
			begun := time.Now()
			if a := g.client.Do(http.MethodGet, path, ""); a.Status != http.StatusOK {
				b.Fatal(a.Status, a.Body)
			}
			times[i] = append(times[i], time.Since(begun))
		}
	}
	for i := range times {
		slices.Sort(times[i])
	}
	middle := len(times[0]) / 2
	b.ReportMetric(float64(times[1][middle])/float64(times[0][middle]), "ratio")
	b.ReportMetric(float64(times[0][middle].Microseconds()), "small-µs")
	b.ReportMetric(float64(times[1][middle].Microseconds()), "large-µs")
}
