package bank_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// history is what really happened on an account.
type history struct {
	iban      string
	rows      []row
	keptSince string // what is older sede was told not to keep
}

// newHistory makes one of some weeks. Of every third account the bank tells no
// balances, of another third of some days none.
func newHistory(number int, r *rand.Rand) history {
	h := history{iban: fmt.Sprintf("PL%024d", number)}
	balance := int64(r.IntN(100_000))
	for d := range historyDays {
		on := historyStart.AddDate(0, 0, d)
		for range r.IntN(4) {
			amount := []int64{35000, -2500, 120, -999}[r.IntN(4)]
			balance += amount
			h.rows = append(h.rows, row{on: on.Format(time.DateOnly), booked: on.AddDate(0, 0, r.IntN(3)).Format(time.DateOnly), amount: amount, balance: balance,
				bare: number%3 == 1 || number%3 == 2 && d%2 == 0, title: []string{"WPLATA W KASIE", "CARD 1 & 2"}[r.IntN(2)], labels: []string{"cash deposit", "fee"}[:r.IntN(3)]})
		}
	}
	return h
}

const historyDays = 50

var historyStart = sedetest.Start.AddDate(0, 0, -70)

// window is a part of the history as a bank might tell it: in any order, with other
// blanks, labels turned round, rows told twice.
func (h *history) window(from, to int, r *rand.Rand) (list []row) {
	first, last := historyStart.AddDate(0, 0, from).Format(time.DateOnly), historyStart.AddDate(0, 0, to).Format(time.DateOnly)
	for _, x := range h.rows {
		if x.on < first || x.on >= last {
			continue
		}
		if r.IntN(2) == 0 {
			x.title, x.labels = strings.ReplaceAll(x.title, " ", " \n "), slices.Clone(x.labels)
			slices.Reverse(x.labels)
		}
		list = append(list, x)
		if !x.bare && r.IntN(5) == 0 {
			list = append(list, x)
		}
	}
	switch r.IntN(3) {
	case 0:
		slices.Reverse(list)
	case 1:
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	return list
}

// TestImportWindows imports windows of histories, overlapping, in any order, any
// number of times: what is left is exactly the histories. Balances chain, and the
// months have the sums.
func TestImportWindows(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		r := rand.New(rand.NewPCG(11, uint64(engine)))
		var histories []history
		for n := range 9 {
			histories = append(histories, newHistory(n, r))
		}
		const rounds = 9
		round := 0
		bank.tell(func(out io.Writer) {
			for i := range histories {
				from := r.IntN(historyDays)
				to := from + 1 + r.IntN(historyDays-from)
				if round == i { // at some time each is told as a whole
					from, to = 0, historyDays
				}
				h := &histories[i]
				writeAccount(out, h.iban, h.rows[len(h.rows)-1].balance, h.window(from, to, r))
			}
		})
		connect(t, in, "first")
		for ; round < rounds; round++ {
			in.RunJobs()
			in.Advance(25 * time.Hour) // it imports by night, too
			if a := owner(in).Do("POST", "/integrations/kontomatik/pull", `{}`); a.Status != http.StatusAccepted {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
		}
		in.RunJobs()
		if n := bank.begun(); n < rounds {
			t.Fatalf("%d imports", n)
		}
		for i := range histories {
			histories[i].compare(t, owner(in))
		}
	})
}

// compare checks that sede has the history and nothing else.
func (h *history) compare(t *testing.T, c *sedetest.Client) {
	t.Helper()
	account := accountOf(t, c, h.iban)
	list := movements(t, c, account)
	var want, got []string
	for _, x := range h.rows {
		if x.on < h.keptSince {
			continue
		}
		want = append(want, fmt.Sprint(x.on, "/", x.amount, "/", x.title, "/", !x.bare, "/", balanceOf(x)))
	}
	for _, m := range list {
		balance := int64(0)
		if m.Balance != nil {
			balance = *m.Balance
		}
		got = append(got, fmt.Sprint(m.On[:10], "/", m.Amount, "/", m.Title, "/", m.Balance != nil, "/", balance))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Fatalf("%s: %d transactions, want %d\n%v\n%v", h.iban, len(got), len(want), got, want)
	}
	h.compareMonths(t, c, account)
}

func balanceOf(x row) int64 {
	if x.bare {
		return 0
	}
	return x.balance
}

// compareMonths checks sums, and that each month ends where the next begins.
func (h *history) compareMonths(t *testing.T, c *sedetest.Client, account string) {
	t.Helper()
	type month struct {
		Month   string `json:"month"`
		In      int64  `json:"in"`
		Out     int64  `json:"out"`
		Count   int64  `json:"count"`
		Closing int64  `json:"closingBalance"`
	}
	var got struct {
		Months []month `json:"months"`
	}
	c.Do("GET", account+"/balance-history", "").JSON(t, &got)
	want := map[string]*month{}
	for _, x := range h.rows {
		m := want[x.booked[:7]]
		if m == nil {
			m = &month{Month: x.booked[:7]}
			want[m.Month] = m
		}
		m.Count++
		if x.amount > 0 {
			m.In += x.amount
		} else {
			m.Out -= x.amount
		}
	}
	if len(got.Months) != len(want) {
		t.Fatalf("%s: %d months, want %d", h.iban, len(got.Months), len(want))
	}
	for _, m := range got.Months {
		w := *want[m.Month]
		w.Closing = m.Closing
		if m != w {
			t.Errorf("%s: %+v, want %+v", h.iban, m, w)
		}
	}
}

// TestImportAtOnce asks for many imports at the same moment: it is one.
func TestImportAtOnce(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		connect(t, in, "first")
		in.RunJobs()
		before := bank.begun()
		answers := sedetest.AtOnce(20, func(int) *sedetest.Answer { return owner(in).Do("POST", "/integrations/kontomatik/pull", `{}`) })
		if got := sedetest.Statuses(answers); got[http.StatusAccepted] != 20 {
			t.Fatalf("%v", got)
		}
		in.RunJobs()
		if n := bank.begun() - before; n != 1 {
			t.Errorf("%d imports", n)
		}
	})
}

// TestRevokeWhilePulling ends a connection in the middle of an import: what the bank
// tells afterwards is not stored, and with erase nothing is left.
func TestRevokeWhilePulling(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		for name, erase := range map[string]string{"kept": "false", "erased": "true"} {
			t.Run(name, func(t *testing.T) {
				in, bank := withStub(t, engine)
				revoke := func() {
					a := owner(in).Do("POST", "/integrations/kontomatik/revoke", `{"erase": `+erase+`}`)
					if a.Status != http.StatusOK {
						t.Errorf("%d %s", a.Status, a.Body)
					}
				}
				r := rand.New(rand.NewPCG(5, 5))
				h := newHistory(0, r)
				for len(h.rows) < 1000 {
					more := newHistory(0, r)
					h.rows = append(h.rows, more.rows...)
				}
				bank.tell(func(out io.Writer) {
					writeAccount(out, h.iban, 0, h.rows)
					if flush, ok := out.(http.Flusher); ok {
						flush.Flush()
					}
					for accountOf(t, owner(in), h.iban) == "" {
						time.Sleep(time.Millisecond)
					}
					revoke()
					writeAccount(out, "PL999", 0, h.rows)
				})
				connect(t, in, "first")
				in.RunJobs()
				in.Advance(time.Minute)
				in.RunJobs()
				if accountOf(t, owner(in), "PL999") != "" {
					t.Error("the import went on")
				}
				if account := accountOf(t, owner(in), h.iban); (account == "") != (erase == "true") {
					t.Errorf("the account is %q", account)
				}
				var got struct {
					Members []struct {
						Status      string  `json:"status"`
						PullStatus  string  `json:"pullStatus"`
						ConfirmedAt *string `json:"confirmedAt"`
						ErasedAt    *string `json:"erasedAt"`
					} `json:"hydra:member"`
				}
				owner(in).Do("GET", "/integrations", "").JSON(t, &got)
				if len(got.Members) != 1 {
					t.Fatalf("%d connections", len(got.Members))
				}
				m := got.Members[0]
				if m.Status != "revoked" || m.PullStatus != "failed" || m.ConfirmedAt == nil || (m.ErasedAt != nil) != (erase == "true") {
					t.Errorf("%+v", m)
				}
			})
		}
	})
}

// TestImportFaults lets one step of the database fail in the middle of a pull, each
// in turn, as if the process had died there: no session imports twice, an import
// whose command is known is looked at again and not begun anew, and in the end
// everything is there once.
func TestImportFaults(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		r := rand.New(rand.NewPCG(6, 6))
		h := newHistory(0, r)
		bank.tell(func(out io.Writer) { writeAccount(out, h.iban, 0, h.window(0, historyDays, r)) })
		bank.waits = 1
		connect(t, in, "first")
		settle := func() {
			for range 12 {
				in.RunJobs()
				in.Advance(5 * time.Minute)
			}
			in.RunJobs()
		}
		settle()
		h.compare(t, owner(in))
		known := 0 // pulls whose command was known when they failed
		stride := 1
		if engine == db.PostgreSQL {
			stride = 3 // the steps are the same
		}
		for k := 1; ; k += stride {
			in.Advance(24 * time.Hour)
			settle() // that of the night
			if a := owner(in).Do("POST", "/integrations/kontomatik/pull", `{}`); a.Status != http.StatusAccepted {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			before, commands := bank.begun(), len(bank.polls)
			in.FailAt(k)
			_, _ = in.App.RunJobs(t.Context())
			in.Advance(4 * time.Second)
			_, _ = in.App.RunJobs(t.Context())
			fired := in.Fired()
			if polled := len(bank.polls) > commands; polled && fired {
				known++
				begun := bank.begun()
				settle()
				if n := bank.begun() - begun; n > 0 {
					t.Fatalf("step %d: %d imports were begun after one whose command was known", k, n)
				}
			}
			settle()
			if n := bank.begun() - before; n > 2 { // a lost answer costs a second one
				t.Fatalf("step %d: %d imports", k, n)
			}
			for session, n := range bank.imports {
				if n > 1 {
					t.Fatalf("step %d: session %s imported %d times", k, session, n)
				}
			}
			if !fired {
				break
			}
		}
		if known == 0 {
			t.Error("no step failed after the command was known")
		}
		h.compare(t, owner(in))
	})
}
