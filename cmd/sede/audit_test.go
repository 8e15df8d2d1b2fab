package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lastHash is that of the last entry in testdata/audit.ndjson.
const lastHash = "93c2bb051a8e8911f03d800c7d8d02fe35c578f550664b7dd74d0a5ef043ecd8"

func TestAuditVerify(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/audit.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	exported := string(content)
	write := func(content string) string {
		file := filepath.Join(t.TempDir(), "audit.ndjson")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	whole := write(exported)
	for name, c := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"whole":        {[]string{whole}, 0, "2 entries of the instance: none was changed or moved\nNone is missing.\nlast entry 2, hash "},
		"its hash":     {[]string{whole, "--hash", lastHash}, 0, "hash " + lastHash},
		"another hash": {[]string{whole, "--hash", strings.Repeat("0", 64)}, 1, "its last hash is " + lastHash},
		"changed":      {[]string{write(strings.Replace(exported, "operator@", "nobody@", 1))}, 1, "sede: entry 1 was changed"},
		"not there":    {[]string{filepath.Join(t.TempDir(), "x")}, 1, "no such file"},
	} {
		out, status := output(t, command(t, nil, append([]string{"audit", "verify"}, c.args...)...))
		if status != c.status || !strings.Contains(out, c.want) {
			t.Errorf("%s: %d %s, want %q", name, status, out, c.want)
		}
	}
}
