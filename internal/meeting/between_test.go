package meeting_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// window is a meeting as the test remembers it.
type window struct {
	iri, employee string
	from, to      time.Time
}

func (w window) touches(from, to time.Time) bool { return w.from.Before(to) && w.to.After(from) }

// TestBetweenFindsWhatTouches makes meetings of all lengths at random and looks
// for what touches stretches of time at random: what is found is what touches
// it, and conflicts are those of the same employee.
func TestBetweenFindsWhatTouches(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		c := in.As("admin@demo.example", "demo")
		random := rand.New(rand.NewPCG(3, 4))
		start := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
		moment := func() time.Time { return start.Add(time.Duration(random.IntN(120*24)) * time.Hour) }
		lengths := []time.Duration{time.Second, time.Hour, 2 * time.Hour, 2*time.Hour + 1e9, 24 * time.Hour, 25 * time.Hour, 8 * 24 * time.Hour, 62 * 24 * time.Hour, 366 * 24 * time.Hour}
		length := func() time.Duration { return lengths[random.IntN(len(lengths))] }
		var all []window
		for range 90 {
			from := moment()
			m := window{employee: "/employees/" + in.Names[[]string{"ana", "jan", "emma"}[random.IntN(3)]], from: from, to: from.Add(length())}
			a := c.Do(http.MethodPost, "/meetings", fmt.Sprintf(`{"employee":%q,"dateFrom":%q,"dateTo":%q}`,
				m.employee, m.from.Format(time.RFC3339), m.to.Format(time.RFC3339)))
			m.iri = a.Header.Get("Location")
			all = append(all, m)
		}
		for range 60 {
			from := moment()
			to := from.Add(length())
			query := "between[from]=" + url.QueryEscape(from.Format(time.RFC3339)) + "&between[to]=" + url.QueryEscape(to.Format(time.RFC3339)) + "&itemsPerPage=100"
			find(t, c, query, all, func(m window) bool { return m.touches(from, to) })
			find(t, c, query+"&employee="+all[0].employee, all, func(m window) bool { return m.touches(from, to) && m.employee == all[0].employee })
		}
	})
}

// find compares what a query finds with what it should, and the conflicts of
// each meeting with what they should be.
func find(t *testing.T, c *sedetest.Client, query string, all []window, should func(window) bool) {
	t.Helper()
	var page struct {
		Members []struct {
			IRI       string    `json:"@id"`
			DateFrom  time.Time `json:"dateFrom"`
			Conflicts []string  `json:"conflicts"`
		} `json:"hydra:member"`
	}
	c.Do(http.MethodGet, "/meetings?"+query, "").JSON(t, &page)
	var got, want []string
	for i, m := range page.Members {
		got = append(got, m.IRI)
		if i > 0 && m.DateFrom.Before(page.Members[i-1].DateFrom) {
			t.Fatalf("%s: not in order", query)
		}
		self := all[slices.IndexFunc(all, func(w window) bool { return w.iri == m.IRI })]
		var others []string
		for _, w := range all {
			if w.iri != self.iri && w.employee == self.employee && w.touches(self.from, self.to) {
				others = append(others, w.iri)
			}
		}
		slices.Sort(others)
		slices.Sort(m.Conflicts)
		if !slices.Equal(others, m.Conflicts) {
			t.Fatalf("%s conflicts with %v, want %v", m.IRI, m.Conflicts, others)
		}
	}
	for _, m := range all {
		if should(m) {
			want = append(want, m.iri)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%s finds %v, want %v", query, got, want)
	}
}
