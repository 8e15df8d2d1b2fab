package kontomatik

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
)

// count is a Sink that keeps nothing.
type count struct{ transactions int }

func (c *count) Transaction(*Account, *Transaction) error { c.transactions++; return nil }
func (c *count) Account(*Account) error                   { return nil }

// writeReply writes an import of about so many bytes and returns how many it holds.
func writeReply(w io.Writer, size int) (transactions int) {
	fmt.Fprint(w, `<reply status="200 OK"><command id="1" state="successful" name="DefaultImportCommand"><result><accounts><account><name>A</name>`+
		`<iban>PL61109010140000071219812874</iban><currencyBalance>1.00</currencyBalance><currencyName>PLN</currencyName><moneyTransactions>`)
	for n := 0; n < size; transactions++ {
		written, _ := fmt.Fprintf(w, `<moneyTransaction><transactionOn>2029-%02d-%02d</transactionOn><bookedOn>2029-12-30</bookedOn><currencyAmount>-%d.10</currencyAmount>`+
			`<currencyBalance>%d.00</currencyBalance><title>Faktura za usługi nr %d</title><party>Tadeusz Krajowy, ul. Długa 1, Warszawa</party>`+
			`<partyIban>PL27114020040000300201355387</partyIban><kind>PRZELEW ZEWNĘTRZNY</kind><status>DONE</status><labels><label>fee</label></labels></moneyTransaction>`,
			1+transactions%12, 1+transactions%28, transactions%900, transactions, transactions)
		n += written
	}
	fmt.Fprint(w, `</moneyTransactions></account></accounts></result></command></reply>`)
	return transactions
}

// BenchmarkParse reads imports of 5 and of 50 MiB. The memory in use while reading
// (MiB-in-use) is the same for both.
func BenchmarkParse(b *testing.B) {
	for _, mib := range []int{5, 50} {
		b.Run(fmt.Sprintf("%dMiB", mib), func(b *testing.B) {
			want := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { want = writeReply(w, mib<<20) }))
			defer server.Close()
			client, err := New(Config{URL: server.URL, Key: "k"})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(mib) << 20)
			var most uint64
			for b.Loop() {
				sink := &peak{most: &most}
				if _, err := client.Command(b.Context(), "1", sink); err != nil || sink.transactions != want {
					b.Fatal(err, sink.transactions, want)
				}
			}
			b.ReportMetric(float64(most)/(1<<20), "MiB-in-use")
		})
	}
}

// peak is a Sink that looks now and then how much memory is in use.
type peak struct {
	count
	most *uint64
}

func (p *peak) Transaction(a *Account, t *Transaction) error {
	if p.transactions%10_000 == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		*p.most = max(*p.most, m.HeapAlloc)
	}
	return p.count.Transaction(a, t)
}
