package mail_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/mail"
	"sede/internal/secret"
	"sede/internal/sedetest"
	"sede/internal/sedetest/blank"
)

// numbered is a mail that can be told from others.
func numbered(n int) mail.Message {
	return mail.Message{To: mail.Address{Email: fmt.Sprintf("reader%d@example.org", n)}, Subject: fault.Textf("%s", fmt.Sprint("Mail ", n)),
		Paragraphs: []fault.Text{fault.Textf("%s", "Hello")}}
}

// arrived counts the mails by their recipients, and checks that those that came
// twice can be recognised.
func arrived(t *testing.T, server *mailServer) map[string]int {
	t.Helper()
	count, ids := map[string]int{}, map[string]string{}
	for _, m := range server.mails() {
		id := m.parsed(t).Header.Get("Message-Id")
		if known := ids[m.to]; id == "" || known != "" && known != id {
			t.Errorf("a mail to %s has Message-ID %q, then %q", m.to, known, id)
		}
		count[m.to]++
		ids[m.to] = id
	}
	return count
}

// TestDatabaseFaults lets every step of the database fail, one at a time, while a
// mail is delivered: it goes out, and once more at most.
func TestDatabaseFaults(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		server := startServer(t, false, nil)
		o := newOffice(t, engine, func(c *mail.Config) { c.Server = server.settings() })
		steps, twice := 1, 0
		for ; ; steps++ {
			o.enqueue(o.other(), numbered(steps))
			o.in.FailAt(steps)
			_, _ = o.q.RunDue(t.Context())
			fired := o.in.Fired()
			for range 3 { // what is left of it is found, and repeated after its pause
				o.run()
				o.in.Clock.Advance(10 * time.Minute)
			}
			n := arrived(t, server)[fmt.Sprintf("reader%d@example.org", steps)]
			if n < 1 || n > 2 {
				t.Fatalf("with step %d failing the mail went out %d times", steps, n)
			}
			twice += n - 1
			if !fired {
				break
			}
		}
		if steps < 5 || twice == 0 {
			t.Errorf("%d steps were tried, after %d of them the mail went out twice", steps, twice)
		}
	})
}

func (o *office) enqueue(scope access.Scope, list ...mail.Message) {
	o.t.Helper()
	err := o.in.App.Database().Write(o.t.Context(), access.Instance(), func(tx *db.Tx) error {
		for _, m := range list {
			o.post.Send(tx, scope, m)
		}
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) run() {
	o.t.Helper()
	if _, err := o.q.RunDue(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// TestOutage: the server is down for an hour; then everything goes out once.
func TestOutage(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		server := startServer(t, false, nil)
		o := newOffice(t, engine, func(c *mail.Config) { c.Server = server.settings() })
		if err := server.smtp.Close(); err != nil {
			t.Fatal(err)
		}
		const all = 12
		for n := range all {
			o.enqueue(o.other(), numbered(n))
			o.run()
			o.in.Clock.Advance(5 * time.Minute)
		}
		back := startServer(t, false, nil)
		settings := back.settings()
		*o.post.Server = *settings
		for range 15 {
			o.run()
			o.in.Clock.Advance(5 * time.Minute)
		}
		count := arrived(t, back)
		for n := range all {
			if got := count[fmt.Sprintf("reader%d@example.org", n)]; got != 1 {
				t.Errorf("mail %d went out %d times", n, got)
			}
		}
		if len(count) != all || len(server.mails()) != 0 {
			t.Errorf("%d mails went out after the outage, %d before", len(count), len(server.mails()))
		}
	})
}

// TestClockJumps: mail goes out once, whatever the clock does between the commit
// and the delivery, and between two tries.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		server := startServer(t, false, nil)
		o := newOffice(t, engine, func(c *mail.Config) { c.Server = server.settings() })
		ill := true
		server.mu.Lock()
		server.refuse = func(stage, _ string) error {
			if ill && stage == "to" {
				return reply(450, "later")
			}
			return nil
		}
		server.mu.Unlock()
		const year = 365 * 24 * time.Hour
		for n, jump := range []time.Duration{year, -year, -48 * time.Hour, 48 * time.Hour} {
			o.enqueue(o.other(), numbered(n))
			o.run()
			o.in.Clock.Advance(jump)
			o.run()
		}
		server.mu.Lock()
		ill = false
		server.mu.Unlock()
		for range 10 { // within an hour of the jump back everything is out
			o.run()
			o.in.Clock.Advance(6 * time.Minute)
		}
		count := arrived(t, server)
		for n := range 4 {
			if got := count[fmt.Sprintf("reader%d@example.org", n)]; got != 1 {
				t.Errorf("mail %d went out %d times", n, got)
			}
		}
	})
}

// TestMain lets the test binary be a process that sends mail until it is killed.
func TestMain(m *testing.M) {
	if place := os.Getenv("SEDE_TEST_SENDER"); place != "" {
		if err := sendUntilKilled(place); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// atOnce is how many mails the process commits together.
const atOnce = 10

// sendUntilKilled commits mail after mail, says so on standard output, and
// delivers them.
func sendUntilKilled(place string) error {
	port, err := strconv.Atoi(os.Getenv("SEDE_TEST_SMTP"))
	if err != nil {
		return err
	}
	server := &mail.Server{Host: "localhost", Port: port, Encryption: mail.Plain, From: mail.Address{Email: "no-reply@sede.example"}}
	d, q, post, err := open(place, clock.System{}, server)
	if err != nil {
		return err
	}
	q.Start()
	for first := 0; ; first += atOnce {
		err := d.Write(context.Background(), access.Instance(), func(tx *db.Tx) error {
			for n := range atOnce {
				post.Send(tx, access.Instance(), numbered(first+n))
			}
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Println("committed")
	}
}

// open makes what delivers mail on a database: a URL, or a folder.
func open(place string, now clock.Clock, server *mail.Server) (*db.DB, *jobs.Queue, *mail.Post, error) {
	config := db.Config{Dir: place, Clock: now}
	if strings.HasPrefix(place, "postgres") {
		config = db.Config{URL: place, Clock: now}
	}
	d, err := db.Open(context.Background(), config)
	if err != nil {
		return nil, nil, nil, err
	}
	box, err := secret.NewBox(nil, make([]byte, secret.MinKey))
	if err != nil {
		return nil, nil, nil, err
	}
	ids := ident.NewSource(now.Now, nil)
	q := jobs.New(jobs.Config{DB: d, Clock: now, IDs: ids, Secret: box})
	post := mail.New(mail.Config{DB: d, Jobs: q, IDs: ids, Clock: now, Secret: box, Server: server})
	return d, q, post, q.Register(post.Workers(), nil)
}

// TestKill kills the sending process with SIGKILL: every mail that was committed
// goes out, and once more at most.
func TestKill(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		testKill(t, blank.Config(t, db.SQLite).Dir)
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		testKill(t, blank.Config(t, db.PostgreSQL).URL)
	})
}

func testKill(t *testing.T, place string) {
	server := startServer(t, false, nil)
	process := exec.CommandContext(t.Context(), os.Args[0])
	process.Env = append(os.Environ(), "SEDE_TEST_SENDER="+place, fmt.Sprint("SEDE_TEST_SMTP=", server.settings().Port))
	process.Stderr = os.Stderr
	out, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	committed := 0
	for lines := bufio.NewScanner(out); lines.Scan(); { // what was said before the kill still comes
		committed += atOnce
		if committed >= 100 && len(server.mails()) >= 20 {
			_ = process.Process.Kill()
		}
	}
	_ = process.Wait()
	before := len(server.mails())

	now := clock.NewFake(time.Now().Add(time.Minute))
	settings := server.settings()
	settings.User, settings.Encryption = "", mail.Plain
	d, q, _, err := open(place, now, settings)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for range 4 { // the lease of the dead process passes, then the pause of its jobs
		if _, err := q.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		now.Advance(time.Minute)
	}
	count, twice := arrived(t, server), 0
	for n := range committed {
		got := count[fmt.Sprintf("reader%d@example.org", n)]
		if got < 1 || got > 2 {
			t.Errorf("mail %d went out %d times", n, got)
		}
		twice += got - 1
	}
	if before == 0 || before >= committed {
		t.Errorf("%d of %d mails were out before the kill", before, committed)
	}
	t.Logf("%d mails were committed, %d out before the kill, %d came twice", committed, before, twice)
}
