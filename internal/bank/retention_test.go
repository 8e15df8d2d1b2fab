package bank_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestRetention lets transactions become too old: they go, don't come back, and the
// months keep their sums.
func TestRetention(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in, bank := withStub(t, engine, func(c *app.Config) { c.Bank.KeepMonths = 3 })
		r := rand.New(rand.NewPCG(8, 8))
		h := newHistory(0, r)
		bank.tell(func(out io.Writer) { writeAccount(out, h.iban, 0, h.window(0, historyDays, r)) })
		connect(t, in, "first")
		in.RunJobs()
		h.compare(t, owner(in))

		in.Advance(45 * 24 * time.Hour) // to the 16th of February
		in.RunJobs()
		h.keptSince = "2029-11-16"
		h.compare(t, owner(in))
		account := accountOf(t, owner(in), h.iban)
		var got struct{ KeptSince string }
		owner(in).Do("GET", account, "").JSON(t, &got)
		if got.KeptSince != h.keptSince+"T00:00:00+00:00" {
			t.Errorf("kept since %q", got.KeptSince)
		}

		// The bank tells everything once more.
		a := owner(in).Do("POST", "/integrations/kontomatik/pull", `{"since": "2029-01-01T00:00:00+00:00"}`)
		if a.Status != http.StatusAccepted {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		in.RunJobs()
		h.compare(t, owner(in))
	})
}
