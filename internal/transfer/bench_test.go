package transfer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/app"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/sedetest"
)

// benchRows is how many rows the organization has that is archived and brought in.
// SEDE_BENCH_ROWS=1000000 makes it as large as the largest that is promised.
func benchRows(b *testing.B) int {
	text := os.Getenv("SEDE_BENCH_ROWS")
	if text == "" {
		return 200_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkTransfer archives an organization with many rows over HTTP and brings it
// in as a copy, twice: alone, and while another organization works. It reports rows
// per second, the most memory the process had (anonymous, without the pages of files
// that the system may take back), and how long writes of the other took: p99 in
// quiet and meanwhile.
func BenchmarkTransfer(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		b.Run(engine.String(), func(b *testing.B) {
			rows := benchRows(b)
			in := sedetest.NewWith(b, engine, func(c *app.Config) { c.Clock, c.Synchronous = clock.System{}, "full" })
			enlarge(b, in, rows)
			server := httptest.NewServer(in.App.Handler())
			defer server.Close()
			debug.FreeOSMemory()
			quiet := writes(in, func(n int) bool { return n < 500 })
			b.ResetTimer()
			b.ReportMetric(p99(quiet), "quiet-p99-ms")
			b.ReportMetric(float64(resident(b))/1024, "idle-MiB")
			for range b.N {
				file := filepath.Join(b.TempDir(), "archive.zip")
				alone(b, "archive", rows, func() { fetch(b, in, server.URL, file) })
				alone(b, "import", rows, func() { send(b, in, server.URL, file) })
				beside(b, in, "archive", func() { fetch(b, in, server.URL, file) })
				beside(b, in, "import", func() { send(b, in, server.URL, file) })
			}
		})
	}
}

// alone does something with all rows and reports how fast, and with how much memory.
func alone(b *testing.B, name string, rows int, do func()) {
	b.Helper()
	debug.FreeOSMemory()
	var done atomic.Bool
	var most int64
	var wait sync.WaitGroup
	wait.Go(func() {
		for ; !done.Load(); time.Sleep(5 * time.Millisecond) {
			most = max(most, resident(b))
		}
	})
	began := time.Now()
	do()
	took := time.Since(began)
	done.Store(true)
	wait.Wait()
	b.ReportMetric(float64(rows)/took.Seconds(), name+"-rows/s")
	b.ReportMetric(float64(most)/1024, name+"-MiB")
}

// beside does something and reports how long writes of another organization took.
func beside(b *testing.B, in *sedetest.Instance, name string, do func()) {
	b.Helper()
	var done atomic.Bool
	var busy []time.Duration
	var wait sync.WaitGroup
	wait.Go(func() { busy = writes(in, func(int) bool { return !done.Load() }) })
	do()
	done.Store(true)
	wait.Wait()
	b.ReportMetric(p99(busy), name+"-p99-ms")
}

// resident is the anonymous memory of the process in KiB; 0 where nobody tells.
func resident(b *testing.B) (kib int64) {
	content, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(content)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			if _, err := fmt.Sscan(rest, &kib); err != nil {
				b.Error(err)
			}
		}
	}
	return kib
}

// writes has another organization write as long as more says so.
func writes(in *sedetest.Instance, more func(n int) bool) (took []time.Duration) {
	other := in.As("owner@other.example", "other")
	for n := 0; more(n); n++ {
		began := time.Now()
		if a := other.Do(http.MethodPost, "/locations", `{"name":"Elsewhere"}`); a.Status != http.StatusCreated {
			in.T().Error(a.Status, a.Body)
		}
		took = append(took, time.Since(began))
		time.Sleep(2 * time.Millisecond)
	}
	return took
}

func p99(list []time.Duration) float64 {
	slices.Sort(list)
	return float64(list[len(list)*99/100].Microseconds()) / 1000
}

// fetch downloads the archive of the organization; a large one is made as a job.
func fetch(b *testing.B, in *sedetest.Instance, server, path string) {
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	answer := call(b, in, http.MethodGet, server+"/organizations/demo/archive", nil, "")
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusConflict {
		t := work(b, in, call(b, in, http.MethodPost, server+"/organizations/demo/archive", nil, ""))
		answer = call(b, in, http.MethodGet, server+t+"/file", nil, "")
		defer answer.Body.Close()
	}
	if _, err := io.Copy(file, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		b.Fatal(answer.Status, err)
	}
}

// send uploads the archive and works until the organization is there.
func send(b *testing.B, in *sedetest.Instance, server, path string) {
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	body, out := io.Pipe()
	form := multipart.NewWriter(out)
	go func() {
		part, err := form.CreateFormFile("file", "archive.zip")
		if err == nil {
			_, err = io.Copy(part, file)
		}
		if err == nil {
			err = form.Close()
		}
		out.CloseWithError(err)
	}()
	work(b, in, call(b, in, http.MethodPost, server+"/organizations/import", body, form.FormDataContentType()))
}

// work does what an answer says is accepted, and tells which transfer it was.
func work(b *testing.B, in *sedetest.Instance, answer *http.Response) (id string) {
	defer answer.Body.Close()
	var t struct {
		ID string `json:"@id"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&t); err != nil || answer.StatusCode != http.StatusAccepted {
		b.Fatal(answer.Status, err)
	}
	if _, err := in.App.RunJobs(context.Background()); err != nil {
		b.Fatal(err)
	}
	if a := in.As(owner, "").Do(http.MethodGet, t.ID, ""); !strings.Contains(a.Body, `"state":"done"`) {
		b.Fatal(a.Body)
	}
	return t.ID
}

func call(b *testing.B, in *sedetest.Instance, method, url string, body io.Reader, media string) *http.Response {
	r, err := http.NewRequestWithContext(b.Context(), method, url, body)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+in.Token(owner))
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	return answer
}

// enlarge gives the demo two years of work: of a hundred rows 20 are meetings, 29
// transactions, one is an employee, and 50 are what the audit log says of them.
func enlarge(b *testing.B, in *sedetest.Instance, rows int) {
	b.Helper()
	org, err := ident.Parse(in.Names["demo"])
	if err != nil {
		b.Fatal(err)
	}
	var accounts struct {
		Members []struct{ ID string } `json:"hydra:member"`
	}
	in.As(owner, "").Do(http.MethodGet, "/bank-accounts", "").JSON(b, &accounts)
	account, err := ident.Parse(accounts.Members[0].ID)
	if err != nil {
		b.Fatal(err)
	}
	const batch = 5000
	f := &filler{org: org, account: account, step: 2 * 365 * 24 * time.Hour / time.Duration(rows), at: time.Now().AddDate(-2, 0, 0)}
	f.user, err = ident.Parse(in.Names["member"])
	if err != nil {
		b.Fatal(err)
	}
	f.ids = ident.NewSource(func() time.Time { return f.at }, nil)
	scope := access.System(org)
	for done := 0; done < rows; done += batch {
		err := in.App.Database().Write(b.Context(), scope, func(tx *db.Tx) error {
			if err := tx.Row(`SELECT seq, hash FROM audit_head WHERE organization_id = $1`, org).Scan(&f.seq, &f.hash); err != nil {
				return err
			}
			for i := range batch {
				f.add(tx, done+i)
			}
			_, err := tx.Exec(`UPDATE audit_head SET seq = $2, hash = $3 WHERE organization_id = $1`, org, f.seq, f.hash)
			db.Count(tx, scope, "meeting", batch/5)
			db.Count(tx, scope, "employee", batch/100)
			db.Count(tx, scope, "bank_transaction", batch*29/100)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// filler makes rows, with ids of their time.
type filler struct {
	org, account, user ident.ID
	employees          []ident.ID
	ids                *ident.Source
	at                 time.Time
	step               time.Duration
	seq                int64 // the end of the audit chain
	hash               []byte
}

func (f *filler) add(tx *db.Tx, n int) {
	f.at = f.at.Add(f.step)
	id, at := f.ids.New(), f.at.Truncate(time.Second)
	kind := "Meeting"
	switch {
	case n%100 == 0:
		kind = "Employee"
		name := fmt.Sprintf("Nome %d", n*7919%100_000)
		f.employees = append(f.employees, id)
		tx.Queue(`INSERT INTO employee (organization_id, id, first_name, first_name_fold, last_name, last_name_fold, name_fold, active, version, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $3, $4, $4, $5, 1, $6, $6)`, f.org, id, name, db.Fold(name), true, at)
	case n%100 <= 20:
		from := at.Add(time.Duration(n%30*24) * time.Hour)
		tx.Queue(`INSERT INTO meeting (organization_id, id, employee_id, date_from, date_to, span, from_s, to_s, duration, allow_overlap, notes, notes_fold, sequence, version, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, 6, $6, $7, 3600, $8, 'Quarterly talk about goals and salary', 'quarterly talk about goals and salary', 0, 1, $9, $9)`,
			f.org, id, f.employees[n*31%len(f.employees)], from, from.Add(48*time.Hour), from.Unix(), from.Unix()+48*3600, true, at)
	case n%100 <= 49:
		kind = "BankTransaction"
		print := make([]byte, 16)
		copy(print, id[8:])
		tx.Queue(`INSERT INTO bank_transaction (organization_id, id, account_id, fingerprint, ordinal, status, transaction_on, booked_on, amount, currency, title, party,
				party_iban, kind, symbols, labels, text_fold, version, created_at, updated_at)
			VALUES ($1, $2, $3, $4, 0, 'booked', $5, $5, $6, 'EUR', $7, 'Tadeusz Krajowy, ul. Długa 1', $8, 'TRANSFER', '', '|fee|', $7, 1, $9, $9)`,
			f.org, id, f.account, print, at.Truncate(24*time.Hour), n*7919%100_000, fmt.Sprintf("invoice %d of the month", n), fmt.Sprintf("PL%026d", n*31%1000), at)
	default:
		f.seq++
		e := audit.Stored{Organization: f.org, Seq: f.seq, ID: id, At: at, Actor: f.user, ActorName: "Maria Member", Address: "192.0.2.7",
			Agent: "Mozilla/5.0 (X11; Linux x86_64)", Action: "create", Resource: kind, Key: id.String(), Previous: f.hash,
			After: fmt.Appendf(nil, `{"id":"%v","name":"Quarterly talk","dateFrom":"2029-06-01T10:00:00+00:00","notes":"goals and salary"}`, id)}
		sum := e.Hash()
		f.hash = sum[:]
		tx.Queue(`INSERT INTO audit_log (organization_id, seq, id, at, actor, actor_name, operator, address, agent, action, resource, resource_key, after, previous_hash, hash)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
			f.org, f.seq, id, at, f.user, e.ActorName, false, e.Address, e.Agent, e.Action, e.Resource, e.Key, string(e.After), e.Previous, f.hash)
	}
}
