package sedetest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// killPlaces is how many locations are cleared while the program is killed.
const killPlaces = 3000

// TestKillWhileClearing kills the real program several times while it clears an
// organization and while it brings the data back. Each comes to its end after the
// next start: everything is removed, and everything is there again, once.
func TestKillWhileClearing(t *testing.T) {
	t.Parallel()
	p := &program{t: t, binary: build(t), dir: t.TempDir()}
	p.start()
	p.signIn()
	p.places(killPlaces)
	before := p.total("/locations")
	for round, delay := range []time.Duration{8, 25} {
		p.killed("/organizations/clear", `{"confirm":"demo"}`, delay*time.Millisecond)
		if state := p.settled(); state == "cleared" {
			if n := p.total("/locations"); n != 0 {
				t.Errorf("round %d: %d locations are left", round, n)
			}
		} else if n := p.total("/locations"); n != before { // the request did not get through
			t.Errorf("round %d: %s, and %d locations are there", round, state, n)
		}
		p.killed("/organizations/restore", "", delay*time.Millisecond)
		if state := p.settled(); state == "cleared" { // nor did this one
			if status, content, err := p.do(http.MethodPost, "/organizations/restore", "", ""); status != http.StatusOK {
				t.Fatal(status, string(content), err)
			}
			p.settled()
		}
		if n := p.total("/locations"); n != before {
			t.Errorf("round %d: %d locations are back, there were %d", round, n, before)
		}
	}
	p.checkIntegrity()
}

// places makes n locations.
func (p *program) places(n int) {
	p.t.Helper()
	var wait sync.WaitGroup
	for writer := range killWriters {
		wait.Go(func() {
			for i := writer; i < n; i += killWriters {
				if status, content, err := p.do(http.MethodPost, "/locations", fmt.Sprintf(`{"name":"place %d"}`, i), ""); status != http.StatusCreated {
					p.t.Errorf("%d %s %v", status, content, err)
					return
				}
			}
		})
	}
	wait.Wait()
}

// killed sends a request, kills the program after a while, and starts it again.
func (p *program) killed(path, body string, delay time.Duration) {
	p.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _, _ = p.do(http.MethodPost, path, body, "")
	}()
	time.Sleep(delay)
	_ = p.command.Process.Kill()
	<-done
	p.kill()
	p.start()
}

// settled waits until no clearing runs and returns how the last one stands.
func (p *program) settled() string {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		status, content, err := p.do(http.MethodGet, "/organizations/demo", "", "")
		var o struct {
			Clearing *struct{ State string }
		}
		if err == nil {
			err = json.Unmarshal(content, &o)
		}
		if err != nil || status != http.StatusOK {
			p.t.Fatalf("%d %.300s %v", status, content, err)
		}
		if o.Clearing == nil {
			return "none"
		}
		if o.Clearing.State != "clearing" && o.Clearing.State != "restoring" {
			return o.Clearing.State
		}
	}
	p.t.Fatal("it does not come to an end")
	return ""
}
