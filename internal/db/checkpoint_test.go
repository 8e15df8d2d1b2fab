package db_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
)

// fill writes pages of the log in small transactions, by several at once.
func fill(t *testing.T, d *db.DB, scope access.Scope, pages int64, each func()) {
	t.Helper()
	const perWrite = 16
	body := make([]byte, perWrite*4096)
	var left atomic.Int64
	left.Store(pages / perWrite)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				must(t, d.Write(context.Background(), scope, func(tx *db.Tx) error {
					return second(tx.Exec("INSERT INTO kinds (k, b) SELECT count(*), $1 FROM kinds", body))
				}))
				each()
			}
		})
	}
	wg.Wait()
}

// Under writes that never cease, and reads beside them, the log is begun anew again
// and again, and is written back as a whole once they end.
func TestLogIsWrittenBack(t *testing.T) {
	t.Parallel()
	d, scope := openSQLite(t, nil), org(newIDs())
	var n, most, anew, last int64
	var mu sync.Mutex
	fill(t, d, scope, 5*db.FullLog, func() {
		must(t, d.Read(t.Context(), scope, func(tx *db.Tx) error { return tx.Row("SELECT count(*) FROM kinds").Scan(new(int)) }))
		mu.Lock()
		defer mu.Unlock()
		if n++; n%32 != 0 {
			return
		}
		pages, _ := d.LogState(t)
		most = max(most, pages)
		if pages < last {
			anew++
		}
		last = pages
	})
	if most > db.MostLog+db.FullLog || anew == 0 {
		t.Errorf("the log had %d pages and was begun anew %d times", most, anew)
	}
	eventually(t, func() error {
		if pages, done := d.LogState(t); pages >= db.FullLog && done < pages {
			return fmt.Errorf("of %d pages of the log %d are written back", pages, done)
		}
		return nil
	})
}

// Large transactions that follow one another without a pause leave room for beginning
// the log anew.
func TestLogOfLongWork(t *testing.T) {
	t.Parallel()
	d, scope := openSQLite(t, nil), org(newIDs())
	body := make([]byte, 1024*4096)
	most := int64(0)
	for n := range 50 {
		must(t, d.Write(db.InParts(t.Context()), scope, func(tx *db.Tx) error {
			return second(tx.Exec("INSERT INTO kinds (k, b) VALUES ($1, $2)", n, body))
		}))
		pages, _ := d.LogState(t)
		most = max(most, pages)
	}
	if most > db.MostLog+db.FullLog {
		t.Errorf("the log had %d pages", most)
	}
}

// Who reads for long keeps the log from being written back, and nobody from writing;
// what is read stays as it was. Afterwards the log is begun anew.
func TestLogUnderLongRead(t *testing.T) {
	t.Parallel()
	d, scope := openSQLite(t, nil), org(newIDs())
	fill(t, d, scope, db.FullLog, func() {})
	must(t, d.Snapshot(t.Context(), scope, func(tx *db.Tx) error {
		var before, after int
		if err := tx.Row("SELECT count(*) FROM kinds").Scan(&before); err != nil {
			return err
		}
		fill(t, d, scope, db.MostLog+db.FullLog/4, func() {})
		if pages, _ := d.LogState(t); pages < db.MostLog {
			t.Errorf("the log has %d pages while somebody reads what is behind it", pages)
		}
		if err := tx.Row("SELECT count(*) FROM kinds").Scan(&after); err != nil {
			return err
		}
		if before != after {
			t.Errorf("%d rows became %d", before, after)
		}
		return nil
	}))
	eventually(t, func() error {
		fill(t, d, scope, 16, func() {})
		if pages, _ := d.LogState(t); pages >= db.FullLog {
			return fmt.Errorf("the log still has %d pages", pages)
		}
		return nil
	})
}

// eventually tries until there is no error.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
	}
}

// A part of long work does not hold up the commit of who came before it.
func TestInParts(t *testing.T) {
	t.Parallel()
	d, scope, ids := openSQLite(t, nil), org(newIDs()), newIDs()
	queued, begun := make(chan struct{}), make(chan struct{})
	first, part := make(chan error, 1), make(chan error, 1)
	go func() {
		first <- d.Write(context.Background(), scope, func(tx *db.Tx) error {
			close(begun)
			<-queued
			return add(tx, ids.New(), "first")
		})
	}()
	<-begun
	go func() {
		part <- d.Write(db.InParts(context.Background()), scope, func(tx *db.Tx) error {
			if got := names(t, d, scope); len(got) != 1 {
				t.Errorf("others read %q while the part runs", got)
			}
			return nil
		})
	}()
	eventually(t, func() error {
		if d.Queued() == 0 {
			return fmt.Errorf("the part did not come")
		}
		return nil
	})
	close(queued)
	must(t, <-first)
	must(t, <-part)
}

// Who came in the same group waits too.
func TestOthersWaitInGroup(t *testing.T) {
	t.Parallel()
	d, scope := openSQLite(t, nil), org(newIDs())
	begun, queued := make(chan struct{}), make(chan struct{})
	done := make(chan error, 2)
	go func() {
		done <- d.Write(context.Background(), scope, func(*db.Tx) error { close(begun); <-queued; return nil })
	}()
	<-begun
	go func() {
		done <- d.Write(context.Background(), scope, func(tx *db.Tx) error {
			if !tx.OthersWait() {
				t.Error("the first of the group waits for the commit")
			}
			return nil
		})
	}()
	eventually(t, func() error {
		if d.Queued() == 0 {
			return fmt.Errorf("the second did not come")
		}
		return nil
	})
	close(queued)
	must(t, <-done)
	must(t, <-done)
}
