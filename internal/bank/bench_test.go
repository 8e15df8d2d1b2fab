package bank_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// BenchmarkImport imports 100,000 transactions of an account that are new, and the
// same once more, over HTTP and with all that an import does.
func BenchmarkImport(b *testing.B) {
	const many = 100_000
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		for _, known := range []bool{false, true} {
			b.Run(fmt.Sprintf("%v/known=%t", engine, known), func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					in, bank := withStub(b, engine)
					bank.tell(func(out io.Writer) { writeMany(out, many) })
					connect(b, in, "first")
					if known {
						in.RunJobs()
						if err := in.App.Database().IndexTexts(b.Context()); err != nil { // which follows an import
							b.Fatal(err)
						}
						if a := owner(in).Do("POST", "/integrations/kontomatik/pull", `{}`); a.Status != http.StatusAccepted {
							b.Fatalf("%d %s", a.Status, a.Body)
						}
					}
					b.StartTimer()
					in.RunJobs()
				}
				b.ReportMetric(many*float64(b.N)/b.Elapsed().Seconds(), "transactions/s")
			})
		}
	}
}

// writeMany writes an account with n transactions of a year, the newest first.
func writeMany(out io.Writer, n int) {
	fmt.Fprint(out, `<account><name>A</name><iban>PL61109010140000071219812874</iban><currencyName>PLN</currencyName><moneyTransactions>`)
	for i := n; i > 0; i-- {
		on := sedetest.Start.AddDate(0, 0, -i*300/n-1).Format(time.DateOnly)
		fmt.Fprintf(out, `<moneyTransaction><transactionOn>%s</transactionOn><bookedOn>%s</bookedOn><currencyAmount>1.00</currencyAmount><currencyBalance>%d.00</currencyBalance>`+
			`<title>Faktura %d</title><party>Tadeusz Krajowy, ul. Długa 1</party><partyIban>PL27114020040000300201355387</partyIban><kind>PRZELEW</kind><status>DONE</status>`+
			`<labels><label>fee</label></labels></moneyTransaction>`, on, on, n-i, i%5000)
	}
	fmt.Fprint(out, `</moneyTransactions></account>`)
}

// BenchmarkTransactions reads pages of a thousand and of a million transactions. As
// many of them fit each filter in both: 240, or those named All, which all or all
// but 240 fit. TextPart is in each tenth, TextOld in as many, but none of the newest. Rare is a term of two letters that nothing
// contains. Deep is the page in the middle. What is
// remembered, such as where deep pages begin, is there before the measurement.
func BenchmarkTransactions(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		for _, n := range []int{1_000, 1_000_000} {
			b.Run(fmt.Sprintf("%v/%d", engine, n), func(b *testing.B) {
				in := sedetest.New(b, engine)
				account, other := fill(b, in, n)
				began := time.Now()
				if err := in.App.Database().IndexTexts(b.Context()); err != nil {
					b.Fatal(err)
				}
				in.Vacuum()
				b.Logf("%d rows indexed in %v", n, time.Since(began).Round(time.Millisecond))
				for _, c := range []struct{ name, query string }{
					{"Page", ""},
					{"Deep", fmt.Sprintf("&page=%d", n/60)},
					{"DeepAmount", fmt.Sprintf("&order[amount]=desc&page=%d", n/60)},
					{"DeepBooking", fmt.Sprintf("&order[bookedOn]=desc&page=%d", n/60)},
					{"Account", "&account=" + account},
					{"AccountAll", "&account=" + other},
					{"Days", "&transactionOn[after]=2029-06-01&transactionOn[before]=2029-06-10"},
					{"DaysAll", "&transactionOn[after]=2029-01-01"},
					{"Amount", "&amount[between]=900000..900240"},
					{"AmountAll", "&amount[gte]=0"},
					{"ByAmount", "&order[amount]=desc"},
					{"ByDay", "&order[transactionOn]=asc"},
					{"ByBooking", "&order[bookedOn]=desc"},
					{"Text", "&text=needle"},
					{"TextAll", "&text=transferencia"},
					{"TextPart", "&text=decima"},
					{"TextOld", "&text=antiga"},
					{"TextRare", "&text=qx"},
					{"TextNone", "&text=ana%20fatura"},
					{"Labels", "&labels=needle"},
					{"LabelsAll", "&labels=fee"},
					{"IBAN", "&partyIban=NEEDLE"},
					{"IBANAll", "&partyIban=PT50"},
					{"Pending", "&status=pending"},
					{"BookedAll", "&status=booked"},
					{"Several", "&status=booked&account=" + other + "&amount[lt]=50000&text=fatura"},
				} {
					b.Run(c.name, func(b *testing.B) {
						began, before := time.Now(), worked(b)
						fetch(b, in, "/bank-transactions?itemsPerPage=30"+c.query)
						b.Logf("%s: first %v, of the processor %v", c.name, time.Since(began).Round(time.Microsecond), time.Duration(worked(b)-before).Round(time.Microsecond))
						before = worked(b)
						for b.Loop() {
							fetch(b, in, "/bank-transactions?itemsPerPage=30"+c.query)
						}
						b.ReportMetric(float64(worked(b)-before)/float64(b.N), "cpu-ns/op")
					})
				}
				b.Run("History", func(b *testing.B) {
					for b.Loop() {
						fetch(b, in, "/bank-accounts/"+account+"/balance-history")
					}
				})
			})
		}
	}
}

// worked is how long the processor has worked for this process, which tells more than
// the clock where others use the machine too. What PostgreSQL does is not in it.
func worked(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func fetch(b *testing.B, in *sedetest.Instance, path string) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer "+in.Token("owner@demo.example"))
	w := httptest.NewRecorder()
	in.App.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
}

// fill makes n transactions, and of these 240 that filters find, and returns the
// account that has the 240, and the one that has the others. They are spread over
// all others.
func fill(b *testing.B, in *sedetest.Instance, n int) (account, others string) {
	b.Helper()
	organization, err := ident.Parse(in.Names["demo"])
	if err != nil {
		b.Fatal(err)
	}
	var accounts struct {
		Members []struct{ ID string } `json:"hydra:member"`
	}
	in.As("owner@demo.example", "").Do("GET", "/bank-accounts", "").JSON(b, &accounts)
	found, _ := ident.Parse(accounts.Members[0].ID)
	other, _ := ident.Parse(accounts.Members[1].ID)
	id, at, key := `CAST(printf('a%015d', i) AS BLOB)`, `(%s * 1000000)`, `BLOB`
	if in.App.Database().Engine() == db.PostgreSQL {
		id, at, key = `CAST('a' || lpad(to_hex(i), 31, '0') AS uuid)`, `to_timestamp(%s)`, `uuid`
	}
	print := `CAST(CAST(i AS text) AS BLOB)`
	if in.App.Database().Engine() == db.PostgreSQL {
		print = `convert_to(CAST(i AS text), 'UTF8')`
	}
	moment := func(seconds string) string { return fmt.Sprintf(at, seconds) }
	err = in.App.Database().Write(b.Context(), access.System(organization), func(tx *db.Tx) error {
		step := n / 240
		hit := fmt.Sprintf(`(i %% %d = 0 AND i < %d)`, step, step*240)
		// 1861920000 is 2029-01-01; hits lie in ten days of June, others elsewhere.
		day := fmt.Sprintf(`(1861920000 + (CASE WHEN %s THEN 151 + i %% 10 ELSE 170 + i %% 150 END) * 86400)`, hit)
		_, err := tx.Exec(`WITH RECURSIVE number (i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM number WHERE i + 1 < $2)
			INSERT INTO bank_transaction (organization_id, id, account_id, fingerprint, ordinal, status, transaction_on, booked_on, amount, currency, balance, title, party,
				party_iban, kind, symbols, labels, text_fold, version, created_at, updated_at)
			SELECT $1, `+id+`, CASE WHEN `+hit+` THEN CAST($3 AS `+key+`) ELSE CAST($4 AS `+key+`) END, `+print+`, 0, CASE WHEN `+hit+` THEN 'pending' ELSE 'booked' END, `+moment(day)+`, NULL,
				CASE WHEN `+hit+` THEN 900000 + i / `+fmt.Sprint(step)+` ELSE i % 100000 END, 'EUR', NULL, 'Fatura', 'Ana Modelo',
				CASE WHEN `+hit+` THEN 'NEEDLE' ELSE 'PT50' END, 'TRANSFERENCIA', '', CASE WHEN `+hit+` THEN '|needle|' ELSE '|fee|' END,
				CASE WHEN `+hit+` THEN 'fatura needle ana modelo transferencia' WHEN i % 10 = 3 THEN 'fatura antiga ana modelo pt50 transferencia recebida'
					WHEN (i / 150) % 10 = 3 THEN 'fatura decima ana modelo pt50 transferencia recebida' ELSE 'fatura ft 2029 ana modelo pt50 transferencia recebida' END, 1, `+moment("1861920000")+`, `+moment("1861920000")+`
			FROM number`, organization, n, found, other)
		if err == nil {
			_, err = tx.Exec(`UPDATE row_count SET rows = rows + $2 WHERE organization_id = $1 AND resource = 'bank_transaction'`, organization, n)
		}
		if err == nil {
			_, err = tx.Exec(`ANALYZE bank_transaction`)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return accounts.Members[0].ID, accounts.Members[1].ID
}
