package app

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"sede/internal/access"
	"sede/internal/archive"
	"sede/internal/clock"
	"sede/internal/db"
)

// TestFullSample: the sample is the same in the same week, and what its meetings
// are is possible.
func TestFullSample(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC)
	c := newSample(FullSample, now)
	if again := newSample(FullSample, now.Add(48*time.Hour)); !reflect.DeepEqual(c, again) {
		t.Error("two days later it is another one")
	}
	if len(c.staff) != 40 || len(samplePlaces) != 3 {
		t.Errorf("%d people", len(c.staff))
	}
	seen, perPlace := map[string]bool{}, map[int]int{}
	for _, p := range c.staff {
		if seen[p.email] {
			t.Errorf("%s is there twice", p.email)
		}
		seen[p.email] = true
		perPlace[p.place]++
	}
	if len(perPlace) != 3 || perPlace[2] < 10 {
		t.Errorf("people by place: %v", perPlace)
	}
	if n := len(c.meetings); n < 1200 || n > 2100 {
		t.Errorf("%d meetings", n)
	}
	first, last, proposed := now, now, 0
	busy := map[int][][2]time.Time{}
	for _, m := range c.meetings {
		if !m.DateTo.After(m.DateFrom) {
			t.Errorf("window of %v", m)
		}
		if !m.Time.Valid {
			if proposed++; m.DateTo.Before(now) {
				t.Errorf("proposed and over: %v", m)
			}
			continue
		}
		end := m.Time.V.Add(time.Duration(m.Duration) * time.Minute)
		if m.Time.V.Before(m.DateFrom) || end.After(m.DateTo) {
			t.Errorf("out of its window: %v", m)
		}
		for _, other := range busy[m.with] {
			if m.Time.V.Before(other[1]) && other[0].Before(end) {
				t.Errorf("%s is twice at once at %s", c.staff[m.with].email, m.Time.V)
			}
		}
		busy[m.with] = append(busy[m.with], [2]time.Time{m.Time.V, end})
		if m.Time.V.Before(first) {
			first = m.Time.V
		}
		if m.Time.V.After(last) {
			last = m.Time.V
		}
	}
	if months := last.Sub(first).Hours() / 24 / 30; months < 5.5 || months > 6.5 || proposed < 50 {
		t.Errorf("%.1f months, %d without a time", months, proposed)
	}
}

// TestDailyReset fills the full sample and lets a day pass: the company is there
// again, and all of it is new.
func TestDailyReset(t *testing.T) {
	t.Parallel()
	fake := clock.NewFake(time.Date(2030, 1, 2, 9, 0, 0, 0, time.UTC))
	a, err := New(t.Context(), Config{
		Dir: t.TempDir(), Synchronous: "normal", DemoPassword: "correct horse", SecretKey: bytes.Repeat([]byte{1}, 32), Clock: fake,
		Sample: FullSample, DemoReset: true, Hashing: &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := a.Demo(t.Context()); err != nil {
		t.Fatal(err)
	}
	demo, err := a.features.organizations.Find(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	look := func() (counts map[string]int64, newest string) {
		counts = map[string]int64{}
		err := a.db.Read(t.Context(), access.System(demo), func(tx *db.Tx) error {
			list, err := archive.Counts(tx, archive.OfRole(archive.Working), demo)
			for _, c := range list {
				counts[c.Table] = c.Rows
			}
			if err != nil {
				return err
			}
			var id []byte
			err = tx.Row(`SELECT max(id) FROM location WHERE organization_id = $1`, demo).Scan(&id)
			newest = string(id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return counts, newest
	}
	before, place := look()
	if before["location"] != 3 || before["employee"] != 40 || before["meeting"] < 1200 || before["bank_transaction"] == 0 {
		t.Errorf("the demo begins with %v", before)
	}
	for range 2 {
		if _, err := a.RunJobs(t.Context()); err != nil {
			t.Fatal(err)
		}
		fake.Advance(25 * time.Hour)
	}
	if _, err := a.RunJobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, other := look()
	if after["location"] != 3 || after["employee"] != 40 || after["meeting"] != before["meeting"] || after["bank_integration"] != 1 {
		t.Errorf("two days later there is %v", after)
	}
	if place == other {
		t.Error("nothing was reset")
	}
}
