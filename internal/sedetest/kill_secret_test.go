package sedetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/sedetest/pgcluster"
)

// TestRotateSecretKey replaces the secret key of a sede that serves and is busy.
// The command is killed several times and goes on each time. Nothing fails
// meanwhile, and in the end the old key can be thrown away.
func TestRotateSecretKey(t *testing.T) {
	binary := build(t)
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		p := &program{t: t, binary: binary, dir: t.TempDir()}
		if engine == db.PostgreSQL {
			p.extra = []string{"SEDE_DATABASE=" + pgcluster.Empty(t)}
		}
		p.start()
		p.signIn()
		connection := p.connectBank("ana+quick")
		p.imported(connection)
		busy, idle := context.WithCancel(t.Context())
		defer idle()
		var wait sync.WaitGroup
		wait.Go(func() { p.signUps(busy) })
		if engine == db.PostgreSQL {
			if out, err := p.sede(0, "secret", "rotate"); err == nil || !strings.Contains(out, "--prepare") {
				t.Fatalf("%v\n%s", err, out)
			}
			if out, err := p.sede(0, "secret", "rotate", "--prepare"); err != nil || !strings.Contains(out, "is next in") {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		for _, delay := range []time.Duration{60, 100, 150, 300, 1000} {
			_, _ = p.sede(delay*time.Millisecond, "secret", "rotate")
		}
		out, err := p.sede(0, "secret", "rotate")
		if err != nil || !strings.Contains(out, "Nothing is sealed with key") {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Log(out)
		idle()
		wait.Wait()
		key := filepath.Join(p.dir, "secret.key")
		content, err := os.ReadFile(key)
		lines := strings.Fields(string(content))
		if err != nil || len(lines) != 2 {
			t.Fatalf("%d words, %v", len(lines), err)
		}
		p.kill()
		if err := os.WriteFile(key, []byte(lines[0]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err = p.sede(0, "secret", "status")
		if err != nil || strings.Contains(out, "not known") || !strings.Contains(out, "bank_consent.access") {
			t.Fatalf("%v\n%s", err, out)
		}
		p.start()
		p.signIn()
		if status, content, err := p.do(http.MethodPost, "/integrations/kontomatik/pull", fmt.Sprintf(`{"integration": %q}`, connection), ""); status != http.StatusAccepted {
			t.Fatal(status, string(content), err)
		}
		p.imported(connection)
		p.kill()
		if err := os.WriteFile(key, []byte(lines[1]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err = p.sede(0, "secret", "status"); err == nil || !strings.Contains(out, "not known") {
			t.Errorf("with the wrong key: %v\n%s", err, out)
		}
	})
}

// sede runs a command beside the program, and kills it after a while unless that is
// 0.
func (p *program) sede(kill time.Duration, args ...string) (string, error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	if kill > 0 {
		ctx, cancel = context.WithTimeout(p.t.Context(), kill)
	}
	defer cancel()
	c := exec.CommandContext(ctx, p.binary, append(args, "--data", p.dir)...)
	c.Env = p.environment()
	out, err := c.CombinedOutput()
	return string(out), err
}

// connectBank connects the Sandbox bank and signs in there. It returns the
// connection's IRI.
func (p *program) connectBank(login string) string {
	p.t.Helper()
	status, content, err := p.do(http.MethodPost, "/integrations/kontomatik/setup", `{"country": "PL", "redirectUri": "https://app.example/back"}`, "")
	var made struct {
		IRI       string `json:"@id"`
		SignInURL string
	}
	if err == nil {
		err = json.Unmarshal(content, &made)
	}
	if status != http.StatusOK || err != nil {
		p.t.Fatal(status, string(content), err)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.PostForm(made.SignInURL, url.Values{"bank": {"Sandbox1Api_pl"}, "login": {login}})
	if err != nil || res.StatusCode != http.StatusSeeOther {
		p.t.Fatal(res, err)
	}
	_ = res.Body.Close()
	return made.IRI
}

// imported waits until the connection's import is over.
func (p *program) imported(connection string) {
	p.t.Helper()
	var got struct{ Status, PullStatus, Error string }
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		status, content, err := p.do(http.MethodGet, connection, "", "")
		if err == nil {
			err = json.Unmarshal(content, &got)
		}
		if err != nil || status != http.StatusOK {
			p.t.Fatal(status, string(content), err)
		}
		switch got.PullStatus {
		case "done":
			return
		case "failed":
			p.t.Fatalf("%s", content)
		}
	}
	p.t.Fatalf("it is not imported: %+v", got)
}

// signUps has people sign up, which seals letters, until ctx ends.
func (p *program) signUps(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		body := fmt.Sprintf(`{"username": "new%d@example.com", "name": "New", "password": "correct horse battery"}`, i)
		r, err := http.NewRequest(http.MethodPost, p.url+"/users", strings.NewReader(body))
		if err != nil {
			p.t.Error(err)
			return
		}
		r.Header.Set("Content-Type", "application/json")
		res, err := p.client.Do(r)
		if err != nil {
			if ctx.Err() == nil {
				p.t.Error(err)
			}
			return
		}
		_ = res.Body.Close()
		if res.StatusCode >= 300 {
			p.t.Errorf("a sign-up was answered with %d", res.StatusCode)
			return
		}
	}
}
