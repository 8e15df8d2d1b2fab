package bank_test

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// copied is a transaction as a program that keeps copies has it.
type copied struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Status    string    `json:"status"`
	Amount    int64     `json:"amount"`
	CreatedAt string    `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// keeper is a program that keeps copies, and asks for what it has not seen.
type keeper struct {
	t       *testing.T
	in      *sedetest.Instance
	copies  map[string]copied
	updated time.Time // the last updatedAt that it got
	removed time.Time // when it asked for what was removed
}

// sync does what the recipe says, and returns how often each id was new or changed.
func (k *keeper) sync() map[string]int {
	k.t.Helper()
	seen := map[string]int{}
	asked := k.in.Clock.Now()
	var gone struct {
		Members []copied `json:"hydra:member"`
	}
	owner(k.in).Must("GET", "/removed-bank-transactions?itemsPerPage=100&removedAt[after]="+url.QueryEscape(k.removed.Format(time.RFC3339)), "").JSON(k.t, &gone)
	for _, c := range gone.Members {
		delete(k.copies, c.ID)
	}
	var news struct {
		Members []copied `json:"hydra:member"`
	}
	owner(k.in).Must("GET", "/bank-transactions?itemsPerPage=100&order[updatedAt]=asc&updatedAt[after]="+url.QueryEscape(k.updated.Format(time.RFC3339)), "").JSON(k.t, &news)
	for _, c := range news.Members {
		if k.copies[c.ID] != c {
			seen[c.ID]++
		}
		k.copies[c.ID], k.updated = c, c.UpdatedAt
	}
	k.removed = asked
	return seen
}

// TestReturned has a bank tell pending transactions, tell them no more, tell them again
// and book them, in any order, and follows them with programs that keep copies and ask
// now and then. What was removed comes back under its id, as new or changed once, and is
// told as removed no more; copies are what sede has.
func TestReturned(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		r := rand.New(rand.NewPCG(3, 14))
		const many, rounds = 12, 40
		state := make([]string, many) // of the bank's transactions; empty: it does not tell it
		on := func(i int) string { return sedetest.Start.AddDate(0, 0, -i%3).Format(time.DateOnly) }
		bank.tell(func(out io.Writer) {
			var rows []row
			for _, i := range r.Perm(many) {
				title := fmt.Sprintf("HOLD %d", i%4)
				if state[i] == "DONE" {
					title = fmt.Sprintf("PAYMENT %d", i)
				}
				if state[i] != "" {
					rows = append(rows, row{on: on(i), amount: int64(-100 - 100*(i/2)), bare: true, title: title, status: state[i]})
				}
			}
			writeAccount(out, "PL61109010140000071219812874", 0, rows)
		})
		connect(t, in, "first")
		in.RunJobs()
		keepers := []*keeper{{t: t, in: in, copies: map[string]copied{}}, {t: t, in: in, copies: map[string]copied{}}, {t: t, in: in, copies: map[string]copied{}}}
		ids := map[string]string{} // the id and the time of making by amount, day and title while pending
		for range rounds {
			for i := range state {
				switch {
				case state[i] == "DONE":
				case r.IntN(3) == 0:
					state[i] = []string{"", "PENDING", "PENDING", "DONE"}[r.IntN(4)]
				}
			}
			in.Advance(time.Duration(7+r.IntN(20)) * time.Hour)
			if a := owner(in).Do("POST", "/integrations/kontomatik/pull", `{}`); a.Status != 202 {
				continue // the imports of the day are used up
			}
			in.RunJobs()
			now := map[string]copied{}
			var all struct {
				Members []copied `json:"hydra:member"`
			}
			owner(in).Must("GET", "/bank-transactions?itemsPerPage=100", "").JSON(t, &all)
			told := 0
			for _, s := range state {
				if s != "" {
					told++
				}
			}
			if len(all.Members) != told {
				t.Fatalf("%d transactions, the bank tells %d", len(all.Members), told)
			}
			for _, c := range all.Members {
				now[c.ID] = c
				if a := owner(in).Do("GET", "/removed-bank-transactions/"+c.ID, ""); a.Status != 404 {
					t.Fatalf("%s is there and removed", c.ID)
				}
				if c.Status == "pending" {
					key := fmt.Sprint(c.Amount, c.Title)
					if was, ok := ids[key]; ok && was != c.ID+c.CreatedAt {
						t.Fatalf("%s was %s and is %s", key, was, c.ID+c.CreatedAt)
					}
					ids[key] = c.ID + c.CreatedAt
				}
			}
			for n, k := range keepers {
				if n > 0 && r.IntN(n+1) > 0 {
					continue
				}
				before := maps.Clone(k.copies)
				seen := k.sync()
				if !maps.Equal(k.copies, now) {
					t.Fatalf("copies %v\nsede has %v", k.copies, now)
				}
				for id, c := range now {
					if want := before[id] != c; want && seen[id] != 1 {
						t.Fatalf("%s came %d times", id, seen[id])
					}
				}
			}
		}
		for _, k := range keepers {
			k.sync()
			if again := k.sync(); len(again) > 0 {
				t.Errorf("%v came again", again)
			}
		}
	})
}
