package mail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/mail"
)

// other is the scope of an organization that is no demo.
func (o *office) other() access.Scope {
	o.t.Helper()
	id, err := ident.Parse(o.in.Names["other"])
	if err != nil {
		o.t.Fatal(err)
	}
	return access.System(id)
}

// job reads the state, attempts and error of the newest job.
func (o *office) job() (state string, attempts int, problem string) {
	o.t.Helper()
	err := o.in.App.Database().Read(o.t.Context(), access.Instance(), func(tx *db.Tx) error {
		return tx.Row(`SELECT state, attempts, COALESCE(error, '') FROM job WHERE kind = 'mail.deliver' ORDER BY id DESC LIMIT 1`).Scan(&state, &attempts, &problem)
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return state, attempts, problem
}

// partsOf reads the parts of a mail by their media types.
func partsOf(t *testing.T, r *received) map[string]string {
	t.Helper()
	m := r.parsed(t)
	_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for reader := multipart.NewReader(m.Body, parameters["boundary"]); ; {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		kind, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		if parameters["method"] != "" {
			kind += " " + parameters["method"]
		}
		parts[kind] = strings.ReplaceAll(string(content), "\r\n", "\n")
	}
}

// TestSMTP hands mail over, encrypted and signed in, by STARTTLS and from the
// beginning.
func TestSMTP(t *testing.T) {
	t.Parallel()
	for name, implicit := range map[string]bool{"STARTTLS": false, "implicit TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, implicit, nil)
			o := newOffice(t, db.SQLite, func(c *mail.Config) {
				c.Server = server.settings()
				c.Server.Implicit = implicit
			})
			m := welcome("zoë.silva@bücher.example")
			m.To.Name, m.ReplyTo = "Zoë, \"the\" Silva", mail.Address{Name: "Help", Email: "help@sede.example"}
			m.Subject, m.Language = fault.Textf("Access Denied."), "pl"
			m.Calendar = &mail.Calendar{Method: "REQUEST", Content: []byte("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")}
			o.send(o.other(), m)
			list := server.mails()
			if state, _, problem := o.job(); len(list) != 1 || state != "done" {
				t.Fatalf("the server has %d mails, the job is %s: %s\n%s", len(list), state, problem, server.said())
			}
			got := &list[0]
			if got.from != "no-reply@sede.example" || got.to != "zoë.silva@xn--bcher-kva.example" || got.user != smtpUser || !got.secure {
				t.Errorf("from %s to %s, user %q, secure %t", got.from, got.to, got.user, got.secure)
			}
			h := got.parsed(t).Header
			words := mime.WordDecoder{}
			subject, err := words.DecodeHeader(h.Get("Subject"))
			to, err2 := h.AddressList("To")
			from, err3 := h.AddressList("From")
			if err := errors.Join(err, err2, err3); err != nil || subject != "Odmowa dostępu." || to[0].Name != "Zoë, \"the\" Silva" || from[0].Name != "Sede, the workspace" {
				t.Errorf("%v: %q, to %+v, from %+v", err, subject, to, from)
			}
			for name, want := range map[string]string{
				"Auto-Submitted": "auto-generated", "Content-Language": "pl", "Reply-To": `"Help" <help@sede.example>`,
				"Date": "Wed, 02 Jan 2030 09:00:00 +0000", "User-Agent": "", "X-Mailer": "",
			} {
				if got := h.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			parts := partsOf(t, got)
			if !strings.HasPrefix(parts["text/plain"], "Hello <script>") || !strings.Contains(parts["text/html"], `token=a&amp;b=c"`) ||
				!strings.HasPrefix(parts["text/calendar REQUEST"], "BEGIN:VCALENDAR") {
				t.Errorf("the parts are %q", parts)
			}
			if len(o.mailbox("")) != 0 {
				t.Error("the mail lies in the development mailbox too")
			}
		})
	}
}

// TestRefusals tells what can be repeated from what can't.
func TestRefusals(t *testing.T) {
	t.Parallel()
	at := func(stage string, answer error) func(*mailServer, *mail.Server) {
		return func(s *mailServer, _ *mail.Server) {
			s.refuse = func(where, _ string) error {
				if where == stage {
					return answer
				}
				return nil
			}
		}
	}
	for name, c := range map[string]struct {
		ill   func(*mailServer, *mail.Server)
		state string
		says  string
	}{
		"no such recipient":       {at("to", reply(550, "nobody of that name")), "failed", "nobody of that name"},
		"a full mailbox":          {at("to", reply(452, "full")), "waiting", "full"},
		"greylisted":              {at("to", reply(450, "later")), "waiting", "later"},
		"content refused":         {at("data", reply(554, "looks like spam")), "failed", "looks like spam"},
		"content refused for now": {at("data", reply(451, "try again")), "waiting", "try again"},
		"sender refused":          {at("from", reply(550, "who are you")), "waiting", "who are you"},
		"overloaded":              {at("connect", reply(421, "too busy")), "waiting", "too busy"},
		"a wrong password":        {func(_ *mailServer, s *mail.Server) { s.Password = "wrong " + smtpPassword }, "waiting", "535"},
		"no password":             {func(m *mailServer, s *mail.Server) { s.User = ""; at("from", reply(530, "sign in"))(m, s) }, "waiting", "sign in"},
		"an unknown authority":    {func(_ *mailServer, s *mail.Server) { s.Roots = nil }, "waiting", "certificate"},
		"another's certificate":   {func(_ *mailServer, s *mail.Server) { s.Host = "127.0.0.1" }, "waiting", "certificate"},
		"nobody there":            {func(_ *mailServer, s *mail.Server) { s.Port = 1 }, "waiting", "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, false, nil)
			settings := server.settings()
			c.ill(server, settings)
			var log bytes.Buffer
			o := newOffice(t, db.SQLite, func(config *mail.Config) {
				config.Server = settings
				config.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				config.Jobs.Log = config.Log
			})
			o.send(o.other(), welcome("ana@example.org"))
			state, attempts, problem := o.job()
			if state != c.state || attempts != 1 || !strings.Contains(problem, c.says) || len(server.mails()) > 0 {
				t.Errorf("%s after %d attempts: %s", state, attempts, problem)
			}
			if text := log.String() + problem; strings.Contains(text, smtpPassword) || strings.Contains(text, "token=a") {
				t.Errorf("a secret is told: %s", text)
			}
			if !strings.Contains(log.String(), "mail.deliver") {
				t.Error("nothing was logged")
			}
		})
	}
}

// TestDowngrade sends nothing to a server that does not encrypt, unless the
// operator lets it, and never a password.
func TestDowngrade(t *testing.T) {
	t.Parallel()
	for encryption, want := range map[mail.Encryption]string{"": "waiting", mail.Required: "waiting", mail.Opportunistic: "done", mail.Plain: "done"} {
		server := startServer(t, false, func(s *smtp.Server) { s.TLSConfig = nil })
		settings := server.settings()
		settings.Encryption, settings.User = encryption, ""
		o := newOffice(t, db.SQLite, func(c *mail.Config) { c.Server = settings })
		o.send(o.other(), welcome("ana@example.org"))
		if state, _, problem := o.job(); state != want || strings.Contains(server.said(), "MAIL FROM") != (want == "done") {
			t.Errorf("%q: %s: %s", encryption, state, problem)
		}
	}
	server := startServer(t, false, func(s *smtp.Server) { s.TLSConfig, s.AllowInsecureAuth = nil, true })
	settings := server.settings()
	settings.Encryption, settings.Host = mail.Plain, "127.0.0.2" // not this machine's usual name: a password may not go there
	if err := settings.Check(t.Context()); err == nil || strings.Contains(server.said(), "AUTH PLAIN") {
		t.Errorf("%v after\n%s", err, server.said())
	}
	server = startServer(t, false, nil)
	settings = server.settings()
	settings.Encryption = mail.Opportunistic
	if err := settings.Check(t.Context()); err != nil {
		t.Errorf("with STARTTLS on offer: %v", err)
	}
	if len(server.mails()) > 0 {
		t.Error("a check sent a mail")
	}
}

// TestSlow gives up on a server that says nothing.
func TestSlow(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	settings := &mail.Server{Host: "localhost", Port: listener.Addr().(*net.TCPAddr).Port, Timeout: 200 * time.Millisecond}
	began := time.Now()
	if err := settings.Check(t.Context()); err == nil || time.Since(began) > 3*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	settings.Timeout = time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := settings.Check(ctx); err == nil || time.Since(began) > 3*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

// TestHeaderInjection lets no name and no subject begin a header of its own.
func TestHeaderInjection(t *testing.T) {
	t.Parallel()
	server := startServer(t, false, nil)
	o := newOffice(t, db.SQLite, func(c *mail.Config) { c.Server = server.settings() })
	evil := []string{
		"Ana\r\nBcc: evil@evil.example", "Ana\nBcc: evil@evil.example", "Ana\rBcc: evil@evil.example", "Ana\r\n\r\n<script>",
		"\u2028Bcc: evil@evil.example", "Ana\x00\x0b\x0cBcc: evil@evil.example", "=?utf-8?q?=0D=0ABcc:_evil@evil.example?=",
		strings.Repeat("very long ", 300) + "\r\n Bcc: evil@evil.example", "\u0085Bcc: evil@evil.example", "\"<evil@evil.example>,",
		"Ana\xff\r\nBcc: evil@evil.example",
	}
	for _, text := range evil {
		m := welcome("ana@example.org")
		m.To.Name, m.ReplyTo, m.Subject = text, mail.Address{Name: text, Email: "help@sede.example"}, fault.Textf("%s", text)
		o.send(o.other(), m)
	}
	list := server.mails()
	if len(list) != len(evil) {
		t.Fatalf("%d of %d were sent", len(list), len(evil))
	}
	allowed := " From To Reply-To Subject Date Message-Id Auto-Submitted Content-Language Mime-Version Content-Type "
	for i := range list {
		m := list[i].parsed(t)
		for name, values := range m.Header {
			if !strings.Contains(allowed, " "+name+" ") || len(values) != 1 {
				t.Errorf("%q: header %s is %q", evil[i], name, values)
			}
		}
		to, err := m.Header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != "ana@example.org" || strings.ContainsAny(to[0].Name, "\r\n\x00") || list[i].to != "ana@example.org" {
			t.Errorf("%q: to %v, %v", evil[i], to, err)
		}
		subject, err := (&mime.WordDecoder{}).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || strings.ContainsAny(subject, "\r\n\x00\u2028\u0085") {
			t.Errorf("%q: subject %q, %v", evil[i], subject, err)
		}
		if !strings.Contains(partsOf(t, &list[i])["text/plain"], "Hello") {
			t.Errorf("%q: no text", evil[i])
		}
	}
}

// TestBadAddress fails at once what can't be addressed, and says nothing to the
// server.
func TestBadAddress(t *testing.T) {
	t.Parallel()
	server := startServer(t, false, nil)
	o := newOffice(t, db.SQLite, func(c *mail.Config) { c.Server = server.settings() })
	for _, address := range []string{"", "ana", "ana@", "@example.org", "ana@example.org\r\nRCPT TO:<x@y.example>", "a b@example.org",
		"Ana <ana@example.org>", "ana@example.org, bo@example.org", "ana@exa mple.org", "ana@-.example"} {
		o.send(o.other(), welcome(address))
		if state, attempts, problem := o.job(); state != "failed" || attempts != 1 || !strings.Contains(problem, "is no mail address") {
			t.Errorf("%q: %s after %d: %s", address, state, attempts, problem)
		}
	}
	if text := server.said(); text != "" {
		t.Errorf("the server was asked:\n%s", text)
	}
}

// TestDemoIsSilent sends nothing out for demo organizations.
func TestDemoIsSilent(t *testing.T) {
	t.Parallel()
	server := startServer(t, false, nil)
	o := newOffice(t, db.SQLite, func(c *mail.Config) { c.Server = server.settings() })
	o.post.SetSilent(func(tx *db.Tx, organization ident.ID) (silent bool, err error) {
		err = tx.Row(`SELECT type = 'demo' FROM organization WHERE id = $1`, organization).Scan(&silent)
		return silent, err
	})
	o.send(o.demo(), welcome("ana@example.org"))
	o.send(o.other(), welcome("bo@example.org"))
	o.send(access.Instance(), welcome("cy@example.org"))
	list, kept := server.mails(), o.mailbox("")
	if len(list) != 2 || list[0].to != "bo@example.org" || list[1].to != "cy@example.org" || len(kept) != 1 || kept[0].To != "ana@example.org" {
		t.Errorf("sent %+v, kept %+v", list, kept)
	}
}

// TestParseServer reads settings.
func TestParseServer(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"smtp://mail.example": "mail.example:587 false", "smtps://mail.example": "mail.example:465 true", "smtp://[::1]:25/": "[::1]:25 false",
	} {
		s, err := mail.ParseServer(address, "sede <no-reply@sede.example>")
		if err != nil || fmt.Sprint(s, " ", s.Implicit) != want || s.From != (mail.Address{Name: "sede", Email: "no-reply@sede.example"}) {
			t.Errorf("%s: %+v, %v", address, s, err)
		}
	}
	for _, address := range []string{"mail.example", "mail.example:25", "http://mail.example", "smtp://", "smtp://u:secret@mail.example", "smtp://mail.example:0",
		"smtp://mail.example:x", "smtp://mail.example/path", "smtp://mail.example?tls=off", ":"} {
		if s, err := mail.ParseServer(address, "no-reply@sede.example"); err == nil {
			t.Errorf("%s: %+v", address, s)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, from := range []string{"", "sede", "a@b, c@d", "sede <no-reply>"} {
		if s, err := mail.ParseServer("smtp://mail.example", from); err == nil {
			t.Errorf("from %q: %+v", from, s)
		}
	}
}
