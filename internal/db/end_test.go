package db_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
)

const endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

func TestLongReadIsCancelled(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			began := time.Now()
			err := d.Read(ctx, access.Instance(), func(tx *db.Tx) error {
				if err := tx.Row("SELECT 1").Scan(new(int)); err != nil {
					return err
				}
				return tx.Row(endless).Scan(new(int))
			})
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 3*time.Second {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		}
		for range 20 {
			must(t, d.Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
				return tx.Row("SELECT count(*) FROM thing").Scan(new(int))
			}))
		}
	})
}

func TestWriteUnderEndedContext(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		scope := org(ids)
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Write(ctx, scope, func(tx *db.Tx) error {
			if err := add(tx, ids.New(), "a"); err != nil {
				return err
			}
			cancel()
			return add(tx, ids.New(), "b")
		})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := d.Write(ctx, scope, func(*db.Tx) error { t.Error("ran"); return nil }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if got := names(t, d, scope); len(got) != 0 {
			t.Error(got)
		}
	})
}

// TestWaitingWriteIsSkipped ends the context of a Write that waits for its turn.
func TestWaitingWriteIsSkipped(t *testing.T) {
	t.Parallel()
	d := openSQLite(t, nil)
	scope := org(newIDs())
	held, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		d.Write(context.Background(), scope, func(*db.Tx) error { close(held); <-release; return nil })
	})
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	var ran atomic.Bool
	err := d.Write(ctx, scope, func(*db.Tx) error { ran.Store(true); return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	close(release)
	wg.Wait()
	must(t, d.Write(t.Context(), scope, func(*db.Tx) error { return nil }))
	if ran.Load() {
		t.Error("the closure ran")
	}
}

func TestCloseFinishesWrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := db.Open(t.Context(), db.Config{Dir: dir})
	must(t, err)
	_, err = d.Migrate(t.Context())
	must(t, err)
	ids := newIDs()
	scope := org(ids)
	var written atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				err := d.Write(context.Background(), scope, func(tx *db.Tx) error {
					db.Count(tx, scope, "x", 1)
					return nil
				})
				if err == db.ErrClosed {
					return
				}
				must(t, err)
				written.Add(1)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	must(t, d.Close())
	wg.Wait()
	if err := d.Read(t.Context(), scope, func(*db.Tx) error { return nil }); err != db.ErrClosed {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "sede.db-wal")); err == nil {
		t.Error("the log is still there")
	}
	d, err = db.Open(t.Context(), db.Config{Dir: dir})
	must(t, err)
	defer d.Close()
	must(t, d.Read(t.Context(), scope, func(tx *db.Tx) error {
		var n int64
		must(t, tx.Row("SELECT rows FROM row_count").Scan(&n))
		if n != written.Load() {
			t.Errorf("%d rows, %d were acknowledged", n, written.Load())
		}
		return nil
	}))
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, []byte("x"), 0o600))
	junk := t.TempDir()
	must(t, os.WriteFile(filepath.Join(junk, "sede.db"), []byte(strings.Repeat("no database ", 1000)), 0o600))
	for name, cfg := range map[string]db.Config{
		"a file as folder": {Dir: file},
		"no database":      {Dir: junk},
		"wrong URL":        {URL: "mysql://x"},
		"broken URL":       {URL: "postgres://%zz"},
		"no server":        {URL: "postgres://u:hush@127.0.0.1:1/x?connect_timeout=2"},
		"synchronous":      {Dir: t.TempDir(), Synchronous: "off"},
	} {
		d, err := db.Open(t.Context(), cfg)
		if err == nil {
			d.Close()
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
}

// TestKill kills a process that writes, and whose log is written back again and again
// meanwhile, and looks whether everything it had acknowledged is there.
func TestKill(t *testing.T) {
	if dir := os.Getenv("SEDE_TEST_KILL_DIR"); dir != "" {
		writeUntilKilled(t, dir)
	}
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), "SEDE_TEST_KILL_DIR="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	acknowledged := map[string]bool{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "ok "); ok {
			acknowledged[name] = true
		}
		if len(acknowledged) == 1500 {
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	d, err := db.Open(t.Context(), db.Config{Dir: dir})
	must(t, err)
	defer d.Close()
	for _, name := range names(t, d, access.Instance()) {
		delete(acknowledged, strings.TrimSpace(name))
	}
	if len(acknowledged) > 0 {
		t.Errorf("%d acknowledged rows are lost", len(acknowledged))
	}
	must(t, d.Read(t.Context(), access.Instance(), func(tx *db.Tx) error {
		var said string
		if must(t, tx.Row("PRAGMA integrity_check").Scan(&said)); said != "ok" {
			t.Error(said)
		}
		return nil
	}))
}

func writeUntilKilled(t *testing.T, dir string) {
	d := prepare(t, db.Config{Dir: dir}, func(*db.Config) {})
	ids := newIDs()
	scope := org(ids)
	long := strings.Repeat(" ", 16<<10) // so that the log fills
	var mu sync.Mutex
	for range 8 {
		go func() {
			for {
				name := ids.New().String()
				err := d.Write(context.Background(), scope, func(tx *db.Tx) error { return add(tx, ids.New(), name+long) })
				if err == nil {
					mu.Lock()
					fmt.Println("ok " + name)
					mu.Unlock()
				}
			}
		}()
	}
	time.Sleep(time.Minute)
}
