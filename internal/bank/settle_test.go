package bank_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// owes makes the demo owe some invoices of the issuer whose money comes in at the
// other organization, and returns their numbers and totals.
func owes(t *testing.T, in *sedetest.Instance) (numbers []string, totals []int64) {
	t.Helper()
	do := func(c *sedetest.Client, method, target, body string, status int) *sedetest.Answer {
		t.Helper()
		a := c.Do(method, target, body)
		if a.Status != status {
			t.Fatalf("%s %s: %d %s", method, target, a.Status, a.Body)
		}
		return a
	}
	do(in.As("operator@demo.example", ""), "PATCH", "/invoice-issuers/default-issuer", `{"name": "Sede Lda", "streetLine": "Rua Augusta 1", "postCode": "1100-048",
		"city": "Lisboa", "country": "/countries/PT", "vatNumber": "PT501442600", "receiver": "/organizations/`+in.Names["other"]+`"}`, http.StatusOK)
	demo := func() *sedetest.Client { return in.As("owner@demo.example", "") }
	a := do(demo(), "POST", "/organization-addresses", `{"name": "Padaria São João Lda", "streetLine": "Rua do Ouro", "buildingNumber": "1", "postCode": "1100-060",
		"city": "Lisboa", "country": "/countries/PT"}`, http.StatusCreated)
	sub := do(demo(), "POST", "/subscriptions", `{"type": "yearly", "products": ["/products/team"], "seats": 5, "organizationAddress": "`+a.Header.Get("Location")+`"}`,
		http.StatusCreated).Header.Get("Location")
	in.RunJobs()
	in.Advance(15 * 24 * time.Hour)
	in.RunJobs()
	for seats := range 3 {
		do(demo(), "PATCH", sub, fmt.Sprintf(`{"seats": %d}`, 6+seats*2), http.StatusOK)
	}
	var got struct {
		Members []struct {
			Number, Status string
			Total          int64
		} `json:"hydra:member"`
	}
	do(demo(), "GET", "/invoices?order[dueAt]=asc", "", http.StatusOK).JSON(t, &got)
	for _, i := range got.Members {
		if i.Status != "open" {
			t.Fatalf("%+v", i)
		}
		numbers, totals = append(numbers, i.Number), append(totals, i.Total)
	}
	if len(numbers) < 4 {
		t.Fatalf("%d invoices", len(numbers))
	}
	return numbers, totals
}

type matched struct {
	IRI      string `json:"@id"`
	Status   string
	Score    int
	Reasons  []string
	Invoices []struct {
		Number string
		Amount int64
	}
}

func matchesOf(t *testing.T, in *sedetest.Instance) (list []matched) {
	t.Helper()
	var got struct {
		Members []matched `json:"hydra:member"`
	}
	a := owner(in).Do("GET", "/payment-matches", "")
	if a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	a.JSON(t, &got)
	return got.Members
}

// invoice tells the state of an invoice and what was paid.
func invoice(t *testing.T, in *sedetest.Instance, number string) (status string, paid int64) {
	t.Helper()
	var got struct {
		Members []struct {
			Status     string
			AmountPaid int64
		} `json:"hydra:member"`
	}
	in.As("owner@demo.example", "").Do("GET", "/invoices?number="+number, "").JSON(t, &got)
	return got.Members[0].Status, got.Members[0].AmountPaid
}

// TestMatching has customers pay: what is sure is settled, what is not is offered,
// and nothing is settled twice, also when everything is imported once more.
func TestMatching(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine)
		connect(t, in, "first")
		numbers, totals := owes(t, in)
		today := in.Clock.Now().AddDate(0, 0, -1).Format(time.DateOnly)
		balance := int64(0)
		var rows []row
		pay := func(amount int64, title string) {
			balance += amount
			rows = append(rows, row{on: today, booked: today, amount: amount, balance: balance, title: title})
		}
		pay(totals[0], "Faktura "+strings.ToLower(strings.ReplaceAll(numbers[0], "-", " ")))
		pay(totals[1]/2, numbers[1]+" first half")
		pay(totals[2]+totals[3], numbers[2]+" + "+numbers[3])
		pay(4711, "for something else")
		pay(-totals[1], numbers[1]) // money that goes out
		rows = append(rows, row{on: today, amount: totals[1], bare: true, status: "PENDING", title: numbers[1]})
		bank.tell(func(out io.Writer) {
			writeAccountIn(out, "EUR", "PT61109010140000071219812874", balance, rows)
		})
		pull := func() {
			t.Helper()
			if a := owner(in).Do("POST", "/integrations/kontomatik/pull", `{}`); a.Status != http.StatusAccepted {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			in.RunJobs()
		}
		check := func(n int, wantStatus string, wantPaid int64) {
			t.Helper()
			if status, paid := invoice(t, in, numbers[n]); status != wantStatus || paid != wantPaid {
				t.Errorf("%s is %s and has %d, want %s and %d", numbers[n], status, paid, wantStatus, wantPaid)
			}
		}
		pull()
		list := matchesOf(t, in)
		if len(list) != 3 {
			t.Fatalf("%d matches: %+v", len(list), list)
		}
		check(0, "paid", totals[0])
		check(1, "open", 0)
		check(2, "paid", totals[2])
		check(3, "paid", totals[3])

		// The half is offered, and somebody confirms it, many at once.
		var half matched
		for _, m := range list {
			if m.Status == "proposed" {
				half = m
			}
		}
		if len(half.Invoices) != 1 || half.Invoices[0].Number != numbers[1] || half.Invoices[0].Amount != totals[1]/2 {
			t.Fatalf("%+v", half)
		}
		answers := sedetest.AtOnce(5, func(int) *sedetest.Answer { return owner(in).Do("POST", half.IRI+"/confirm", "") })
		if got := sedetest.Statuses(answers); got[http.StatusOK] != 5 {
			t.Errorf("%v %s", got, answers[0].Body)
		}
		check(1, "open", totals[1]/2)
		if a := owner(in).Do("POST", half.IRI+"/dismiss", ""); a.Status != http.StatusConflict {
			t.Errorf("%d", a.Status)
		}
		if a := in.As("owner@demo.example", "").Do("POST", half.IRI+"/confirm", ""); a.Status != http.StatusNotFound {
			t.Errorf("%d", a.Status)
		}

		// Once more, and after everything was erased and connected anew.
		pull()
		if a := owner(in).Do("POST", "/integrations/kontomatik/revoke", `{"erase": true}`); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		in.RunJobs()
		connect(t, in, "second")
		in.RunJobs()
		if again := matchesOf(t, in); len(again) != 3 {
			t.Errorf("%d matches", len(again))
		}
		check(1, "open", totals[1]/2)

		// The rest is less sure; it is said to be for something else.
		pay(totals[1]-totals[1]/2-1, numbers[1])
		pull()
		list = matchesOf(t, in)
		if len(list) != 4 || list[0].Status != "proposed" {
			t.Fatalf("%+v", list)
		}
		if a := owner(in).Do("POST", list[0].IRI+"/dismiss", ""); a.Status != http.StatusOK {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		pull()
		if again := matchesOf(t, in); len(again) != 4 || again[0].Status != "dismissed" {
			t.Errorf("%+v", again)
		}
		check(1, "open", totals[1]/2)
	})
}
