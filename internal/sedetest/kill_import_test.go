package sedetest_test

import (
	"encoding/json"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestKillWhileImporting kills the real program several times while it brings in
// organizations. Each import that was answered, or begun, comes to its end after the
// next start: the organization has every row once, and its audit chain holds.
func TestKillWhileImporting(t *testing.T) {
	t.Parallel()
	p := &program{t: t, binary: build(t), dir: t.TempDir()}
	p.start()
	p.signIn()
	p.places(killPlaces)
	before := p.total("/locations")
	status, content, err := p.do(http.MethodGet, "/organizations/demo/archive", "", "")
	if err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	var form strings.Builder
	writer := multipart.NewWriter(&form)
	part, err := writer.CreateFormFile("file", "demo.zip")
	if err == nil {
		_, err = part.Write(content)
	}
	if err != nil || writer.Close() != nil {
		t.Fatal(err)
	}
	for _, delay := range []time.Duration{20, 120, 300, 600} {
		p.media = writer.FormDataContentType()
		p.killed("/organizations/import", form.String(), delay*time.Millisecond)
		p.media = ""
	}
	arrived := p.arrived()
	t.Logf("%d of 4 imports were begun", len(arrived))
	if len(arrived) == 0 {
		t.Error("none was begun")
	}
	for _, organization := range arrived {
		p.org = strings.TrimPrefix(organization, "/organizations/")
		if n := p.total("/locations"); n != before {
			t.Errorf("%s has %d locations, there were %d", organization, n, before)
		}
	}
	p.checkIntegrity()
}

// arrived waits until no import runs and returns the organizations that came in.
func (p *program) arrived() (organizations []string) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		status, content, err := p.do(http.MethodGet, "/organization-transfers", "", "")
		var list struct {
			Members []struct{ State, Organization, Error string } `json:"hydra:member"`
		}
		if err == nil {
			err = json.Unmarshal(content, &list)
		}
		if err != nil || status != http.StatusOK {
			p.t.Fatalf("%d %.300s %v", status, content, err)
		}
		organizations = nil
		running := 0
		for _, each := range list.Members {
			switch each.State {
			case "running":
				running++
			case "done":
				organizations = append(organizations, each.Organization)
			default:
				p.t.Errorf("%+v", each)
			}
		}
		if running == 0 {
			return organizations
		}
	}
	p.t.Fatal("imports do not come to an end")
	return nil
}
