package bank_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestRemoved has a bank tell pending transactions of which one is booked with
// another text and one vanishes, and follows them as a program that keeps copies.
func TestRemoved(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		on := sedetest.Start.AddDate(0, 0, -2).Format(time.DateOnly)
		tell := func(rows ...[3]string) {
			bank.tell(func(out io.Writer) {
				fmt.Fprint(out, `<account><name>A</name><iban>PL61109010140000071219812874</iban><currencyName>PLN</currencyName><moneyTransactions>`)
				for _, r := range rows {
					fmt.Fprintf(out, `<moneyTransaction><transactionOn>%s</transactionOn><currencyAmount>%s</currencyAmount><title>%s</title><status>%s</status></moneyTransaction>`,
						on, r[0], r[1], r[2])
				}
				fmt.Fprint(out, `</moneyTransactions></account>`)
			})
		}
		type item struct{ ID, Account, Title, Status, UpdatedAt, RemovedAt string }
		ask := func(path string) (list []item) {
			t.Helper()
			var page struct {
				Members []item `json:"hydra:member"`
			}
			owner(in).Must("GET", path, "").JSON(t, &page)
			return page.Members
		}
		tell([3]string{"-10.00", "HOLD HOTEL", "PENDING"}, [3]string{"-20.00", "HOLD CARD", "PENDING"}, [3]string{"-30.00", "RENT", "DONE"})
		connect(t, in, "first")
		in.RunJobs()
		copies := ask("/bank-transactions?order[updatedAt]=asc")
		if len(copies) != 3 || len(ask("/removed-bank-transactions")) != 0 {
			t.Fatalf("%v", copies)
		}
		last := in.Clock.Now().Add(time.Second).UTC().Format(time.RFC3339)
		in.Advance(25 * time.Hour)
		tell([3]string{"-20.00", "CARD PAYMENT", "DONE"}, [3]string{"-30.00", "RENT", "DONE"})
		owner(in).Must("POST", "/integrations/kontomatik/pull", `{}`)
		in.RunJobs()
		changed, gone := ask("/bank-transactions?updatedAt[after]="+last), ask("/removed-bank-transactions?removedAt[after]="+last)
		if len(changed) != 1 || changed[0].Title != "CARD PAYMENT" || changed[0].Status != "booked" {
			t.Errorf("changed %v", changed)
		}
		names := map[string]string{}
		for _, c := range copies {
			names[c.ID] = c.Title
		}
		if len(gone) != 1 || names[gone[0].ID] != "HOLD HOTEL" || gone[0].Account != copies[0].Account || names[changed[0].ID] != "HOLD CARD" {
			t.Errorf("gone %v", gone)
		}
		owner(in).Must("GET", "/removed-bank-transactions/"+gone[0].ID, "")
		if a := owner(in).Do("GET", "/bank-transactions/"+gone[0].ID, ""); a.Status != 404 {
			t.Errorf("%d", a.Status)
		}
		if a := in.As("owner@demo.example", "").Do("GET", "/removed-bank-transactions/"+gone[0].ID, ""); a.Status != 404 {
			t.Errorf("%d", a.Status)
		}

		// It is told for a while, and goes with the account.
		in.Advance(30 * 24 * time.Hour)
		in.RunJobs()
		if len(ask("/removed-bank-transactions?account="+copies[0].Account)) != 1 {
			t.Error("it is told no more")
		}
		owner(in).Must("POST", "/integrations/kontomatik/revoke", `{"erase": true}`)
		in.RunJobs()
		if list := ask("/removed-bank-transactions"); len(list) != 0 {
			t.Errorf("%v", list)
		}
	})
}

// TestHolds: of pending transactions of the same day and amount a booked one was that
// whose words it shares, whatever comes first.
func TestHolds(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		on := sedetest.Start.AddDate(0, 0, -2).Format(time.DateOnly)
		tell := func(status string, titles ...string) {
			bank.tell(func(out io.Writer) {
				var rows []row
				for _, title := range titles {
					rows = append(rows, row{on: on, amount: -1000, bare: true, title: title, status: status})
				}
				writeAccount(out, "PL61109010140000071219812874", 0, rows)
			})
		}
		ids := func() map[string]string {
			t.Helper()
			var page struct {
				Members []struct{ ID, Title string } `json:"hydra:member"`
			}
			owner(in).Must("GET", "/bank-transactions", "").JSON(t, &page)
			list := map[string]string{}
			for _, m := range page.Members {
				list[m.Title] = m.ID
			}
			return list
		}
		tell("PENDING", "HOLD CAFÉ LISBOA", "HOLD METRO PORTO", "HOLD")
		connect(t, in, "first")
		in.RunJobs()
		held := ids()
		in.Advance(25 * time.Hour)
		tell("DONE", "Card 1234: Metro do Porto", "Card 1234: unknown", "Card 1234: Cafe Central, Lisboa")
		owner(in).Must("POST", "/integrations/kontomatik/pull", `{}`)
		in.RunJobs()
		booked := ids()
		for was, is := range map[string]string{"HOLD CAFÉ LISBOA": "Card 1234: Cafe Central, Lisboa", "HOLD METRO PORTO": "Card 1234: Metro do Porto", "HOLD": "Card 1234: unknown"} {
			if held[was] == "" || held[was] != booked[is] {
				t.Errorf("%s is %s, and %s is %s", was, held[was], is, booked[is])
			}
		}
	})
}
