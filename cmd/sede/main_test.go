package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be sede itself, so that tests run it as the
// process that an operator runs.
func TestMain(m *testing.M) {
	if os.Getenv("SEDE_TEST_BE_SEDE") != "" {
		main()
	}
	os.Exit(m.Run())
}

// command prepares a sede in a folder of its own, with these variables and no
// others of sede's.
func command(t *testing.T, environment []string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, os.Args[0], args...)
	c.Dir = t.TempDir()
	c.Env = append([]string{"SEDE_TEST_BE_SEDE=1", "PATH=" + os.Getenv("PATH")}, environment...)
	return c
}

// output runs a sede to its end.
func output(t *testing.T, c *exec.Cmd) (out string, status int) {
	t.Helper()
	content, err := c.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(content), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(content), 0
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sede.yaml")
	if err := os.WriteFile(file, []byte("listen: localhost:1003\ndata: from-file\ncors-origins: [https://a.example]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name        string
		environment []string
		args        []string
		want        string
	}{
		{"default", nil, nil, "listens on localhost:8080, data in data"},
		{"file", nil, []string{"--config", file}, "listens on localhost:1003, data in from-file"},
		{"file by environment", []string{"SEDE_CONFIG=" + file}, nil, "listens on localhost:1003, data in from-file"},
		{"environment before file", []string{"SEDE_CONFIG=" + file, "SEDE_LISTEN=localhost:1002"}, nil, "listens on localhost:1002, data in from-file"},
		{"flag before all", []string{"SEDE_CONFIG=" + file, "SEDE_LISTEN=localhost:1002"}, []string{"--listen", "localhost:1001"}, "listens on localhost:1001, data in from-file"},
		{"flag before environment", []string{"SEDE_LISTEN=localhost:1002"}, []string{"--listen=localhost:1001"}, "listens on localhost:1001, data in data"},
	} {
		out, _ := output(t, command(t, test.environment, append([]string{"doctor"}, test.args...)...))
		if !strings.Contains(out, test.want) {
			t.Errorf("%s: no %q in\n%s", test.name, test.want, out)
		}
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"serve", "--config", write("typo.yaml", "lisen: x\n")}, 1, `unknown setting "lisen"`},
		{[]string{"serve", "--config", write("list.yaml", "- a\n")}, 1, "no YAML mapping"},
		{[]string{"serve", "--config", "nowhere.yaml"}, 1, "no such file"},
		{[]string{"serve", "--log-level", "loud"}, 2, "--log-level"},
		{[]string{"serve", "--config", write("enum.yaml", "hydra-keys: none\n")}, 2, "--hydra-keys"},
		{[]string{"serve", "--api-prefix", "api"}, 1, "--api-prefix"},
		{[]string{"serve", "--api-prefix", "/api/"}, 1, "--api-prefix"},
		{[]string{"serve", "--base-url", "sede.example"}, 1, "--base-url"},
		{[]string{"serve", "--base-url", "https://sede.example/api"}, 1, "--base-url"},
		{[]string{"serve", "--cors-origins", "app.example"}, 1, "--cors-origins"},
		{[]string{"serve", "--trusted-proxies", "10.0.0.0/99"}, 1, "--trusted-proxies"},
		{[]string{"serve", "--bank-retention=-1"}, 1, "--bank-retention"},
		{[]string{"serve", "--import-limit=100", "--import-space=99"}, 1, "--import-space"},
		{[]string{"serve", "--kontomatik-url", "http://api.kontomatik.com", "--kontomatik-key", "k"}, 1, "--kontomatik-url"},
		{[]string{"serve", "--secret-key", "short"}, 1, "--secret-key"},
		{[]string{"serve", "--secret-key", strings.Repeat("ab", keySize), "--secret-key-previous", "short"}, 1, "--secret-key-previous"},
		{[]string{"serve", "--secret-key-previous", strings.Repeat("ab", keySize)}, 1, "--secret-key"},
		{[]string{"serve", "--rate-limits", "read-user=many"}, 1, "--rate-limits: read-user"},
		{[]string{"serve", "--rate-limits", "reads=off"}, 1, `no policy "reads"`},
		{[]string{"serve", "--config", write("limits.yaml", "rate-limits:\n  read-user: 5/x\n")}, 1, "--rate-limits: read-user"},
		{[]string{"serve", "--smtp", "mail.example:25"}, 1, "--smtp"},
		{[]string{"serve", "--smtp", "smtp://mail.example"}, 1, "--mail-from"},
		{[]string{"serve", "--smtp", "smtp://mail.example", "--mail-from", "sede@sede.example", "--smtp-user", "sede"}, 1, "--smtp-password"},
		{[]string{"serve", "--smtp-user", "sede"}, 1, "--smtp-user"},
		{[]string{"serve", "--smtp-starttls", "maybe"}, 2, "--smtp-starttls"},
		{[]string{"serve", "--blobs", "s3://key:secret@host"}, 1, "--blobs"},
		{[]string{"serve", "--database", "mysql://db/sede"}, 1, "--database"},
		{[]string{"serve", "--database", "postgres://127.0.0.1:1/sede"}, 1, "--secret-key"},
		{[]string{"serve", "--listen", "256.0.0.1:80"}, 1, "--listen"},
		{[]string{"user", "create", "nobody"}, 1, "username"},
	} {
		c := command(t, nil, test.args...)
		c.Stdin = strings.NewReader("a long password\n")
		out, status := output(t, c)
		if status != test.status || !strings.Contains(out, test.says) {
			t.Errorf("sede %s: %d, want %d, and no %q in\n%s", strings.Join(test.args, " "), status, test.status, test.says, out)
		}
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	fresh := command(t, nil, "doctor", "--listen", "localhost:0")
	out, status := output(t, fresh)
	if status != 0 || strings.Contains(out, "fail ") || !strings.Contains(out, "warn  database") {
		t.Errorf("a new folder: %d\n%s", status, out)
	}
	if entries, err := os.ReadDir(fresh.Dir); err != nil || len(entries) > 0 {
		t.Errorf("doctor left something behind: %v %v", entries, err)
	}

	ready := command(t, nil, "migrate")
	if out, status := output(t, ready); status != 0 || !strings.Contains(out, "applied 0001_platform") {
		t.Fatalf("migrate: %d\n%s", status, out)
	}
	doctor := command(t, nil, "doctor", "--listen", "localhost:0")
	doctor.Dir = ready.Dir
	out, status = output(t, doctor)
	for _, line := range []string{"ok    configuration", "ok    data folder", "ok    database       SQLite", "ok    schema", "warn  mail", "ok    clock"} {
		if status != 0 || !strings.Contains(out, line) {
			t.Errorf("%d and no %q in\n%s", status, line, out)
		}
	}

	ill := command(t, []string{"SEDE_BLOBS=" + os.Args[0], "SEDE_SMTP=smtp://127.0.0.1:1", "SEDE_MAIL_FROM=sede@sede.example", "SEDE_SMTP_USER=u", "SEDE_SMTP_PASSWORD=not told"},
		"doctor", "--listen", "localhost:0", "--database", "postgres://127.0.0.1:1/sede", "--api-prefix", "x")
	out, status = output(t, ill)
	for _, line := range []string{"fail  configuration", "fail  secret key", "fail  database", "fail  files", "fail  mail           127.0.0.1:1: ", "->"} {
		if strings.Contains(out, "not told") || status != 1 || !strings.Contains(out, line) {
			t.Errorf("%d and no %q in\n%s", status, line, out)
		}
	}
}

// serving is a sede that serves.
type serving struct {
	*exec.Cmd
	address string // host:port
	greeted string // what it printed
	log     *bytes.Buffer
	ended   chan error
}

func serve(t *testing.T, environment []string, args ...string) *serving {
	t.Helper()
	s := &serving{
		Cmd: command(t, environment, append([]string{"serve", "--listen", "localhost:0", "--synchronous", "normal"}, args...)...),
		log: new(bytes.Buffer), ended: make(chan error, 1),
	}
	s.Stderr = s.log
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Process.Kill() })
	lines := bufio.NewReader(out)
	for s.address == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("sede did not start: %v\n%s", s.Wait(), s.log)
		}
		s.greeted += line
		if _, rest, ok := strings.Cut(line, "http://"); ok {
			s.address, _, _ = strings.Cut(rest, "/")
		}
	}
	waitFor(t, func() bool {
		res, err := http.Get("http://" + s.address + "/readyz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	go func() {
		rest, _ := io.ReadAll(lines)
		s.greeted += string(rest)
		s.ended <- s.Wait()
	}()
	return s
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited too long")
		}
	}
}

// begin sends a sign-in but for the last byte of its body.
func (s *serving) begin(t *testing.T) (conn net.Conn, lastByte string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	body := `{"username":"owner@demo.example","password":"correct horse"}`
	fmt.Fprintf(conn, "POST /login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		s.address, len(body), body[:len(body)-1])
	time.Sleep(100 * time.Millisecond) // until the handler reads the body
	return conn, body[len(body)-1:]
}

// stopped waits until nobody listens any more.
func (s *serving) stopped(t *testing.T) {
	t.Helper()
	waitFor(t, func() bool {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

// TestRateLimits says limits in each of the three ways and reads what holds.
func TestRateLimits(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sede.yaml")
	if err := os.WriteFile(file, []byte("rate-limits:\n  all: off\n  read-address: 7/1m\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		environment []string
		args        []string
		want        string
	}{
		{nil, nil, `"read-address";q=60000;w=60`},
		{nil, []string{"--config", file}, `"read-address";q=7;w=60`},
		{[]string{"SEDE_RATE_LIMITS=all=10x,read-user=off"}, nil, `"read-address";q=600000;w=60`},
		{nil, []string{"--rate-limits", "read-address=3/2h,write-key=off"}, `"read-address";q=3;w=7200`},
		{nil, []string{"--rate-limits", "all=off"}, ""},
	} {
		s := serve(t, test.environment, test.args...)
		res, err := http.Get("http://" + s.address + "/countries/PT")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got := res.Header.Get("RateLimit-Policy"); got != test.want {
			t.Errorf("%v %v: RateLimit-Policy %s, want %s", test.environment, test.args, got, test.want)
		}
	}
}

// TestServe goes through a day of an instance: it starts with a demo, is told to
// stop while it answers, finishes that, and starts again on what it kept.
func TestServe(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	s := serve(t, []string{"SEDE_DEMO=true", "SEDE_DEMO_PASSWORD=correct horse", "NOTIFY_SOCKET=" + socket})
	message := make([]byte, 64)
	for _, want := range []string{"READY=1", "STOPPING=1"} {
		if want == "STOPPING=1" {
			if res, err := http.Get("http://" + s.address + "/sandbox-bank/sign-in/whoever-has-this-can-sign"); err != nil || res.StatusCode != http.StatusNotFound {
				t.Errorf("a sign-in that was made up: %v %v", res, err)
			}
			conn, last := s.begin(t)
			if err := s.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			s.stopped(t)
			_, _ = io.WriteString(conn, last)
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || answer.StatusCode != http.StatusOK {
				t.Fatalf("the request in flight was not answered: %v %v\n%s", answer, err, s.log)
			}
			_ = answer.Body.Close()
		}
		n, err := systemd.Read(message)
		if err != nil || string(message[:n]) != want {
			t.Errorf("systemd heard %q, %v, want %s", message[:n], err, want)
		}
	}
	if err := <-s.ended; err != nil {
		t.Errorf("%v\n%s", err, s.log)
	}
	for _, text := range []string{"owner@demo.example", "/docs"} {
		if !strings.Contains(s.greeted, text) {
			t.Errorf("no %s in\n%s", text, s.greeted)
		}
	}
	for _, secret := range []string{"correct horse", "whoever-has-this-can-sign"} {
		if strings.Contains(s.greeted+s.log.String(), secret) {
			t.Errorf("%q is in what sede says\n%s\n%s", secret, s.greeted, s.log)
		}
	}
	if !strings.Contains(s.log.String(), "/sandbox-bank/sign-in/{token}") {
		t.Errorf("the sign-in is not in the log\n%s", s.log)
	}
	if info, err := os.Stat(filepath.Join(s.Dir, "data", "secret.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v %v", info, err)
	}
	create := command(t, nil, "org", "create", "Acme", "--owner", "owner@demo.example")
	create.Dir = s.Dir
	if out, status := output(t, create); status != 0 || !strings.Contains(out, "acme") {
		t.Errorf("the next start does not know what the first one kept: %d\n%s", status, out)
	}
}

// TestServeAlone has a second process want to serve from the folder of the first,
// and then one that follows after the first was killed.
func TestServeAlone(t *testing.T) {
	t.Parallel()
	first := serve(t, nil)
	second := command(t, nil, "serve", "--listen", "localhost:0", "--data", filepath.Join(first.Dir, "data"))
	if out, status := output(t, second); status == 0 || !strings.Contains(out, "another sede serves from this folder") {
		t.Errorf("the second one: %d\n%s", status, out)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.ended
	serve(t, nil, "--data", filepath.Join(first.Dir, "data"))
}

// TestSecondSignal does not wait for a request that never ends.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	s.begin(t)
	for range 2 {
		if err := s.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		s.stopped(t)
		time.Sleep(50 * time.Millisecond)
	}
	select {
	case err := <-s.ended:
		if err == nil {
			t.Error("it ended as if all had been finished")
		}
	case <-time.After(10 * time.Second):
		t.Error("it still runs")
	}
}

func TestUserCreate(t *testing.T) {
	t.Parallel()
	c := command(t, nil, "user", "create", "Ana@Example.org", "--operator")
	c.Stdin = strings.NewReader("a long password\n")
	if out, status := output(t, c); status != 0 {
		t.Fatalf("%d\n%s", status, out)
	}
	again := command(t, nil, "user", "create", "ana@example.org")
	again.Dir, again.Stdin = c.Dir, strings.NewReader("a long password\n")
	if out, status := output(t, again); status != 1 || !strings.Contains(out, "already") {
		t.Errorf("the same username twice: %d\n%s", status, out)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if out, status := output(t, command(t, nil, "version")); status != 0 || !strings.HasPrefix(out, "sede ") {
		t.Errorf("%d %s", status, out)
	}
}

// TestKey makes the key from many processes at once: all must get the same.
func TestKey(t *testing.T) {
	t.Parallel()
	s := settings{Data: t.TempDir()}
	keys := make(chan string)
	for range 8 {
		go func() {
			list, err := s.secretKeys()
			keys <- fmt.Sprint(list, err)
		}()
	}
	first := <-keys
	for range 7 {
		if other := <-keys; other != first {
			t.Errorf("two keys: %s and %s", first, other)
		}
	}
	if entries, err := os.ReadDir(s.Data); err != nil || len(entries) != 1 {
		t.Errorf("%v %v", entries, err)
	}
}
