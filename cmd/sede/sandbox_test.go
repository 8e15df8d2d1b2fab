package main

import (
	"bufio"
	"strings"
	"syscall"
	"testing"

	"sede/internal/bank/kontomatik"
)

// TestSandboxBank starts the Sandbox bank and asks it for its banks.
func TestSandboxBank(t *testing.T) {
	t.Parallel()
	c := command(t, nil, "sandbox-bank", "--address", "localhost:0", "--key", "mine")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines, url := bufio.NewScanner(out), ""
	for url == "" && lines.Scan() {
		if at := strings.Index(lines.Text(), "http://"); at >= 0 {
			url = strings.TrimSuffix(lines.Text()[at:], "/v1/")
		}
	}
	count := 0
	for key, want := range map[string]int{"mine": 3, "another": 0} {
		client, err := kontomatik.New(kontomatik.Config{URL: url, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		count = 0
		err = client.Targets(t.Context(), "GB", func(kontomatik.Target) error { count++; return nil })
		if count != want || (err == nil) != (want > 0) {
			t.Errorf("key %s: %d banks, %v", key, count, err)
		}
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("it did not end well: %v", err)
	}
}
