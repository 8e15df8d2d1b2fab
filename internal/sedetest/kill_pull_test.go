package sedetest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/sedetest/pgcluster"
)

// The places in a pull at which sede dies.
const (
	nowhere      = iota
	beforeImport // it has sent the import, the bank has not heard of it
	afterImport  // the bank imports, its answer is lost
	atCommand    // it asks how far the bank is
	inReply      // the bank sends what it found
)

// wire stands between sede and the bank, counts, and kills sede.
type wire struct {
	t    *testing.T
	bank *httputil.ReverseProxy
	kill func()
	died chan struct{}

	mu       sync.Mutex
	place    int
	imports  map[string]int // by session
	commands int            // imports that the bank began
	told     int            // transactions in the last whole reply
}

func (w *wire) at(place int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.place, w.imports, w.commands = place, map[string]int{}, 0
}

// dies kills sede if this is the place.
func (w *wire) dies(place int) {
	w.mu.Lock()
	yes := w.place == place
	if yes {
		w.place = nowhere
	}
	w.mu.Unlock()
	if yes {
		w.kill()
		w.died <- struct{}{}
		panic(http.ErrAbortHandler)
	}
}

func (w *wire) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	isImport := strings.HasSuffix(r.URL.Path, "/default-import.xml")
	isCommand := r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/v1/command/")
	if isImport {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		w.mu.Lock()
		w.imports[form.Get("sessionId")]++
		w.mu.Unlock()
		w.dies(beforeImport)
	}
	if isCommand {
		w.dies(atCommand)
	}
	answer := httptest.NewRecorder()
	w.bank.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	if isImport && answer.Code < 300 {
		w.mu.Lock()
		w.commands++
		w.mu.Unlock()
		w.dies(afterImport)
	}
	for name, values := range answer.Header() {
		to.Header()[name] = values
	}
	to.WriteHeader(answer.Code)
	if n := bytes.Count(body, []byte("<moneyTransaction>")); isCommand && n > 0 {
		w.mu.Lock()
		w.told = n
		dies := w.place == inReply
		w.mu.Unlock()
		if dies {
			_, _ = to.Write(body[:len(body)/2])
			_ = http.NewResponseController(to).Flush()
			time.Sleep(300 * time.Millisecond) // some of it is stored
		}
		w.dies(inReply)
	}
	_, _ = to.Write(body)
}

// TestKillWhilePulling kills the real program in the middle of imports from a bank
// that is a process of its own. After the next start the import goes on: no session
// imports twice, a command that is known is not begun anew, and the transactions
// are there, once.
func TestKillWhilePulling(t *testing.T) {
	binary := build(t)
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		for _, places := range [][]int{{inReply}, {atCommand}, {nowhere, afterImport}, {nowhere, beforeImport}} {
			t.Run(fmt.Sprint(places), func(t *testing.T) {
				t.Parallel()
				killPulls(t, binary, engine, places)
			})
		}
	})
}

// onWire starts the program with somebody signed in, and the wire between it and its
// bank.
func onWire(t *testing.T, binary string, engine db.Engine) (*wire, *program) {
	t.Helper()
	w := &wire{t: t, bank: sandboxBank(t, binary), died: make(chan struct{})}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	p := &program{t: t, binary: binary, dir: t.TempDir(), user: "owner@other.example",
		extra: []string{"SEDE_KONTOMATIK_URL=" + server.URL, "SEDE_KONTOMATIK_KEY=sandbox"}}
	if engine == db.PostgreSQL {
		p.extra = append(p.extra, "SEDE_DATABASE="+pgcluster.Empty(t))
	}
	w.kill = func() { _ = p.command.Process.Kill() }
	p.start()
	p.signIn()
	return w, p
}

// killPulls imports from a fresh connection as often as there are places, and dies at
// each.
func killPulls(t *testing.T, binary string, engine db.Engine, places []int) {
	w, p := onWire(t, binary, engine)
	connection, want := "", 0
	for i, place := range places {
		w.at(place)
		if i == 0 {
			connection = p.connectBank("ana")
		} else if status, content, err := p.do(http.MethodPost, "/integrations/kontomatik/pull", "{}", ""); status != http.StatusAccepted {
			t.Fatal(status, string(content), err)
		}
		p.survive(w, place, connection)
		w.mu.Lock()
		if i == 0 {
			want = w.told
		}
		w.mu.Unlock()
		if n := p.total("/bank-transactions"); n != want || n == 0 {
			t.Errorf("after import %d there are %d transactions, the bank told %d", i, n, want)
		}
	}
	p.kill()
}

// survive waits until the program died at the place, starts it, and waits until the
// import is over.
func (p *program) survive(w *wire, place int, connection string) {
	p.t.Helper()
	if place != nowhere {
		select {
		case <-w.died:
		case <-time.After(time.Minute):
			p.t.Fatalf("sede did not get to place %d", place)
		}
		p.kill()
		p.start()
	}
	p.imported(connection)
	w.mu.Lock()
	defer w.mu.Unlock()
	for session, n := range w.imports {
		if n > 1 {
			p.t.Errorf("place %d: session %.10s… imports %d times", place, session, n)
		}
	}
	most := 1
	if place == afterImport { // whose command nobody knows
		most = 2
	}
	if w.commands < 1 || w.commands > most {
		p.t.Errorf("place %d: the bank began %d imports", place, w.commands)
	}
}

// sandboxBank starts a Sandbox bank and returns the way to it.
func sandboxBank(t *testing.T, binary string) *httputil.ReverseProxy {
	t.Helper()
	address := freeAddress(t)
	bank := exec.Command(binary, "sandbox-bank", "--address", address)
	if err := bank.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = bank.Process.Kill()
		_ = bank.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		res, err := http.Get("http://" + address + "/sign-in/none")
		if err == nil {
			_ = res.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	return httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
}
