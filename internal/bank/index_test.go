package bank_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// indexed is a sede with 3,000 transactions whose texts are in the index.
func indexed(t *testing.T, engine db.Engine) *sedetest.Instance {
	t.Helper()
	in, bank := withStub(t, engine)
	bank.tell(func(out io.Writer) { writeMany(out, 3000) })
	connect(t, in, "first")
	in.RunJobs()
	index(t, in)
	if n := blocks(t, in); n == 0 {
		t.Fatal("nothing is in the index")
	}
	return in
}

func index(t *testing.T, in *sedetest.Instance) {
	t.Helper()
	if err := in.App.Database().IndexTexts(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// blocks counts those that the index has of the organization's transactions.
func blocks(t *testing.T, in *sedetest.Instance) (n int64) {
	t.Helper()
	id, err := ident.Parse(in.Names["other"])
	if err != nil {
		t.Fatal(err)
	}
	err = in.App.Database().Read(t.Context(), access.System(id), func(tx *db.Tx) error {
		return tx.Row(`SELECT count(*) FROM text_block WHERE organization_id = $1 AND collection = 'bank_transaction'`, id).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// An export with a text has what the collection finds, in the same order, whether
// the index serves it or not.
func TestExportByIndex(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(engine.String(), func(t *testing.T) {
			in := indexed(t, engine)
			for query, want := range map[string]int{
				"text=FAKTURA%20123":                  11, // 123, 1230 to 1239
				"text=d%C5%82uga":                     3000,
				"text=faktura%20123&labels=fee":       11,
				"text=faktura%20123&amount[gte]=9999": 0,
				"labels=Fee&status=booked":            3000,
				"text=nothing":                        0,
			} {
				a := owner(in).Do("GET", "/bank-transactions/export?"+query, "")
				lines := strings.Split(strings.TrimSpace(string(a.Body)), "\r\n")[1:]
				if a.Status != http.StatusOK || len(lines) != want {
					t.Errorf("%s: %d, %d lines in place of %d", query, a.Status, len(lines), want)
				}
				all := owner(in).Do("GET", "/bank-transactions/export", "")
				rest := string(all.Body)
				for n, line := range lines { // in the order of all
					_, after, ok := strings.Cut(rest, line)
					if !ok {
						t.Fatalf("%s: line %d is not where it should be", query, n)
					}
					rest = after
				}
			}
		})
	}
}

// What an organization erases is in no index any more.
func TestEraseEmptiesTheIndex(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(engine.String(), func(t *testing.T) {
			in := indexed(t, engine)
			if a := owner(in).Do("POST", "/integrations/kontomatik/revoke", `{"erase": true}`); a.Status >= 300 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			in.RunJobs()
			in.Clock.Advance(10 * time.Second)
			index(t, in)
			if n := blocks(t, in); n != 0 {
				t.Errorf("%d blocks are left", n)
			}
			if a := owner(in).Do("GET", "/bank-transactions?itemsPerPage=0", ""); !strings.Contains(string(a.Body), `"hydra:totalItems":0`) {
				t.Error(fmt.Sprint(a.Status), string(a.Body))
			}
		})
	}
}
