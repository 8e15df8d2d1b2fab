package sedetest_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// The kill test runs the real program on a durable SQLite database, has many
// clients make locations, each with an Idempotency-Key, and kills the program
// in the middle of it, several times. After each restart every location that
// was acknowledged is there once; what got no answer is repeated with its key,
// and is there once, too. In the end the audit log is whole and the counters
// are right.
const (
	killRounds  = 3
	killWriters = 16
	killAfter   = 200             // locations that were made in a round
	killLatest  = 5 * time.Second // of a round
)

// TestKill is that test.
func TestKill(t *testing.T) {
	t.Parallel()
	p := &program{t: t, binary: build(t), dir: t.TempDir()}
	p.start()
	p.signIn()
	made := &ledger{acknowledged: map[string]string{}, open: map[string]string{}}
	for round := range killRounds {
		p.write(made, round)
		p.start()
		p.checkAcknowledged(made)
		p.finish(made)
	}
	if n := len(made.acknowledged); n < killRounds || p.total("/locations") != n+3 { // the demo has three
		t.Errorf("%d locations were acknowledged, %d are there", n, p.total("/locations")-3)
	}
	p.checkIntegrity()
	t.Logf("%d locations over %d kills", len(made.acknowledged), killRounds)
}

// build compiles the program.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "sede")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "sede/cmd/sede")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// ledger is what the clients know: keys and names that were answered with the
// location's IRI, and those that were not answered.
type ledger struct {
	mu           sync.Mutex
	acknowledged map[string]string // name: IRI
	open         map[string]string // name: key
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// program is sede in a process of its own.
type program struct {
	t       *testing.T
	binary  string
	dir     string
	extra   []string // variables
	user    string   // who signs in; empty: the demo's owner
	command *exec.Cmd
	url     string
	token   string
	org     string // asked for; empty: the only one
	media   string // of what is sent; empty: JSON
	client  *http.Client
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

// start starts the program and waits until it answers.
func (p *program) start() {
	p.t.Helper()
	address := freeAddress(p.t)
	p.url = "http://" + address
	p.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: killWriters}, Timeout: 10 * time.Second}
	p.command = exec.Command(p.binary, "serve", "--listen", address, "--data", p.dir, "--demo", "--synchronous", "full", "--log-level", "error",
		"--rate-limits", "all=off")
	p.command.Env = p.environment()
	var output bytes.Buffer
	p.command.Stdout, p.command.Stderr = &output, &output
	if err := p.command.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(p.kill)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		res, err := p.client.Get(p.url + "/readyz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			p.kill()
			p.t.Fatalf("sede does not start: %v\n%s", err, output.String())
		}
	}
}

func (p *program) environment() []string {
	return append(append(os.Environ(), "SEDE_DEMO_PASSWORD="+sedetest.Password), p.extra...)
}

// kill ends the program without warning.
func (p *program) kill() {
	if p.command.Process != nil && p.command.ProcessState == nil {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
	}
	p.client.CloseIdleConnections()
}

// checkIntegrity ends the program and looks whether what it left is whole.
func (p *program) checkIntegrity() {
	p.t.Helper()
	p.kill()
	d, err := db.Open(p.t.Context(), db.Config{Dir: p.dir})
	if err != nil {
		p.t.Fatal(err)
	}
	defer d.Close()
	if err := sedetest.CheckIntegrity(p.t.Context(), d); err != nil {
		p.t.Error(err)
	}
}

func (p *program) signIn() {
	p.t.Helper()
	body := fmt.Sprintf(`{"username":%q,"password":%q}`, cmp.Or(p.user, "owner@demo.example"), sedetest.Password)
	status, content, err := p.do(http.MethodPost, "/login", body, "")
	var pair sedetest.Pair
	if err == nil {
		err = json.Unmarshal(content, &pair)
	}
	if err != nil || status != http.StatusOK {
		p.t.Fatalf("sign-in: %d %s %v", status, content, err)
	}
	p.token = pair.Token
}

// do sends one request and reads the whole answer.
func (p *program) do(method, path, body, key string) (status int, content []byte, err error) {
	r, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", cmp.Or(p.media, "application/json"))
	if p.org != "" {
		r.Header.Set("X-Organization", p.org)
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	res, err := p.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	content, err = io.ReadAll(bufio.NewReader(res.Body))
	return res.StatusCode, content, err
}

// write has the writers make locations until the program is killed.
func (p *program) write(made *ledger, round int) {
	p.t.Helper()
	ctx, stop := context.WithCancel(p.t.Context())
	defer stop()
	var wait sync.WaitGroup
	for writer := range killWriters {
		wait.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				p.make(made, fmt.Sprintf("place %d.%d.%d", round, writer, i), fmt.Sprintf("key %d.%d.%d", round, writer, i))
			}
		})
	}
	enough := made.count() + killAfter
	for latest := time.Now().Add(killLatest); made.count() < enough && time.Now().Before(latest); {
		time.Sleep(time.Millisecond)
	}
	_ = p.command.Process.Kill()
	stop()
	wait.Wait()
	p.kill()
}

// make creates one location and notes what came of it.
func (p *program) make(made *ledger, name, key string) {
	made.mu.Lock()
	made.open[name] = key
	made.mu.Unlock()
	status, content, err := p.do(http.MethodPost, "/locations", fmt.Sprintf(`{"name":%q}`, name), key)
	if err != nil {
		return // nobody knows whether it was made
	}
	var item struct {
		IRI string `json:"@id"`
	}
	if err := json.Unmarshal(content, &item); err != nil || status != http.StatusCreated {
		p.t.Errorf("%s: %d %s", name, status, content)
		return
	}
	made.mu.Lock()
	defer made.mu.Unlock()
	delete(made.open, name)
	made.acknowledged[name] = item.IRI
}

// finish repeats what got no answer, with the keys of then.
func (p *program) finish(made *ledger) {
	p.t.Helper()
	names := map[string]string{}
	for name, key := range made.open {
		names[name] = key
	}
	for name, key := range names {
		p.make(made, name, key)
	}
	if len(made.open) > 0 {
		p.t.Fatalf("%d requests still have no answer", len(made.open))
	}
}

// checkAcknowledged reads all locations: each that was acknowledged is there
// once, under its IRI, and none twice.
func (p *program) checkAcknowledged(made *ledger) {
	p.t.Helper()
	there := map[string]string{}
	for page := 1; ; page++ {
		status, content, err := p.do(http.MethodGet, fmt.Sprintf("/locations?itemsPerPage=100&page=%d", page), "", "")
		if err == nil && status != http.StatusOK {
			err = errors.New(string(content))
		}
		if err != nil {
			p.t.Fatal(err)
		}
		var list struct {
			Members []struct {
				IRI  string `json:"@id"`
				Name string `json:"name"`
			} `json:"hydra:member"`
		}
		if err := json.Unmarshal(content, &list); err != nil {
			p.t.Fatal(err)
		}
		for _, l := range list.Members {
			if first, twice := there[l.Name]; twice {
				p.t.Errorf("%q is there twice, as %s and %s", l.Name, first, l.IRI)
			}
			there[l.Name] = l.IRI
		}
		if len(list.Members) == 0 {
			break
		}
	}
	for name, iri := range made.acknowledged {
		if there[name] != iri {
			p.t.Errorf("%q was acknowledged as %s and is there as %q", name, iri, there[name])
		}
	}
	if n := p.total("/locations"); n != len(there) {
		p.t.Errorf("the total says %d, there are %d", n, len(there))
	}
}

// total is how many there are in a list.
func (p *program) total(list string) int {
	p.t.Helper()
	_, content, err := p.do(http.MethodGet, list+"?itemsPerPage=0", "", "")
	var page struct {
		Total int `json:"totalItems"`
	}
	if err == nil {
		err = json.Unmarshal(content, &page)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return page.Total
}
