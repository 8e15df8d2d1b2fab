package db_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
)

// group has several Writes commit together on SQLite: a first one holds the
// writer until all others wait. It returns their errors.
func group(d *db.DB, scope access.Scope, bodies ...func(*db.Tx) error) []error {
	errs := make([]error, len(bodies))
	held, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		d.Write(context.Background(), scope, func(tx *db.Tx) error { close(held); <-release; return nil })
	})
	<-held
	for i, body := range bodies {
		wg.Go(func() { errs[i] = d.Write(context.Background(), scope, body) })
		time.Sleep(5 * time.Millisecond) // keeps the order
	}
	close(release)
	wg.Wait()
	return errs
}

func TestGroupIsolation(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		scope := org(ids)
		boom := errors.New("boom")
		ok := func(name string) func(*db.Tx) error {
			return func(tx *db.Tx) error { return add(tx, ids.New(), name) }
		}
		then := func(name string, end func() error) func(*db.Tx) error {
			return func(tx *db.Tx) error {
				if err := add(tx, ids.New(), name); err != nil {
					return err
				}
				return end()
			}
		}
		errs := group(d, scope, ok("a"), then("b", func() error { return boom }), ok("c"),
			then("d", func() error { panic("ouch") }), ok("e"), ok("a"), ok("f"))
		first, second := errs[0], errs[5] // of the two that add "a" one is first, whichever
		if first != nil {
			first, second = second, first
		}
		if first != nil || errs[2] != nil || errs[4] != nil || errs[6] != nil {
			t.Error(errs)
		}
		if errs[1] != boom || errs[3] == nil || !strings.Contains(errs[3].Error(), "ouch") || !db.IsUnique(second, "thing_name") {
			t.Error(errs)
		}
		if got := names(t, d, scope); !slices.Equal(got, []string{"a", "c", "e", "f"}) {
			t.Error(got)
		}
	})
}

func TestFirstOfGroupFails(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		scope := org(ids)
		boom := errors.New("boom")
		err := d.Write(t.Context(), scope, func(tx *db.Tx) error {
			if err := add(tx, ids.New(), "a"); err != nil {
				return err
			}
			return boom
		})
		if err != boom || len(names(t, d, scope)) != 0 {
			t.Error(err, names(t, d, scope))
		}
	})
}

func TestCommitFails(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		boom := errors.New("disk on fire")
		var failing atomic.Bool
		d := open(t, func(cfg *db.Config) {
			cfg.Interrupt = func(op string) error {
				if op == "commit" && failing.Load() {
					return boom
				}
				return nil
			}
		})
		ids := newIDs()
		scope := org(ids)
		failing.Store(true)
		ran := false
		body := func(name string) func(*db.Tx) error {
			return func(tx *db.Tx) error {
				tx.AfterCommit(func() { ran = true })
				return add(tx, ids.New(), name)
			}
		}
		for _, err := range group(d, scope, body("a"), body("b"), body("c")) {
			if !errors.Is(err, boom) {
				t.Errorf("%v", err)
			}
		}
		if got := names(t, d, scope); len(got) != 0 || ran {
			t.Error(got, ran)
		}
		failing.Store(false)
		must(t, d.Write(t.Context(), scope, body("a")))
		if got := names(t, d, scope); !slices.Equal(got, []string{"a"}) || !ran {
			t.Error(got, ran)
		}
	})
}

// TestEveryStatementMayFail lets the k-th step of a Write fail, for every k.
func TestEveryStatementMayFail(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		boom := errors.New("boom")
		var left atomic.Int64
		d := open(t, func(cfg *db.Config) {
			cfg.Interrupt = func(string) error {
				if left.Add(-1) == 0 {
					return boom
				}
				return nil
			}
		})
		ids := newIDs()
		scope := org(ids)
		for k := int64(1); ; k++ {
			left.Store(k)
			err := d.Write(t.Context(), scope, func(tx *db.Tx) error {
				if err := add(tx, ids.New(), "a"); err != nil {
					return err
				}
				db.Count(tx, scope, "thing", 1)
				if err := tx.Row("SELECT count(*) FROM thing").Scan(new(int)); err != nil {
					return err
				}
				return tx.Lock("x")
			})
			left.Store(0)
			if err == nil {
				if k < 5 {
					t.Errorf("step %d did not fail", k)
				}
				break
			}
			if !errors.Is(err, boom) || len(names(t, d, scope)) != 0 {
				t.Fatalf("step %d: %v, %v", k, err, names(t, d, scope))
			}
		}
		if got := names(t, d, scope); len(got) != 1 {
			t.Error(got)
		}
	})
}

func TestGoexitInClosure(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		scope := org(ids)
		done := make(chan error, 1)
		go func() {
			err := errors.New("left")
			defer func() { done <- err }()
			err = d.Write(context.Background(), scope, func(tx *db.Tx) error {
				if err := add(tx, ids.New(), "a"); err != nil {
					return err
				}
				tx.Query("SELECT name FROM thing").Next()
				runtime.Goexit()
				return nil
			})
		}()
		if err := <-done; err == nil {
			t.Error("no error")
		}
		must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error { return add(tx, ids.New(), "a") }))
		if got := names(t, d, scope); len(got) != 1 {
			t.Error(got)
		}
	})
}

func TestReadYourWrites(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		ids := newIDs()
		var wg sync.WaitGroup
		for range 4 {
			scope := org(ids)
			wg.Go(func() {
				for i := range 50 {
					err := d.Write(context.Background(), scope, func(tx *db.Tx) error { return add(tx, ids.New(), fmt.Sprint(i)) })
					if got := len(names(t, d, scope)); err != nil || got != i+1 {
						t.Errorf("%d rows after %d writes, %v", got, i+1, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// TestNoLostUpdate has many goroutines add to one counter, by way of Go.
func TestNoLostUpdate(t *testing.T) {
	with(t, func(t *testing.T, d *db.DB) {
		scope := org(newIDs())
		var wg sync.WaitGroup
		var order []int64
		for range 16 {
			wg.Go(func() {
				for range 20 {
					err := d.Write(context.Background(), scope, func(tx *db.Tx) error {
						if err := tx.Lock("counter"); err != nil {
							return err
						}
						var n int64
						err := tx.Row("SELECT n FROM kinds WHERE k = 1").Scan(&n)
						if err != nil && err != db.ErrNoRows {
							return err
						}
						order = append(order, n) // guarded by the lock
						db.Count(tx, scope, "kinds", 1)
						_, err = tx.Exec("INSERT INTO kinds (k, n) VALUES (1, 1) ON CONFLICT (k) DO UPDATE SET n = $1", n+1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		must(t, d.Read(t.Context(), scope, func(tx *db.Tx) error {
			var n, counted int
			must(t, tx.Row("SELECT n FROM kinds WHERE k = 1").Scan(&n))
			must(t, tx.Row("SELECT rows FROM row_count WHERE organization_id = $1 AND resource = 'kinds'", scope.Organization()).Scan(&counted))
			if n != 320 || counted != 320 || !slices.IsSorted(order) {
				t.Error(n, counted, slices.IsSorted(order))
			}
			return nil
		}))
	})
}

func TestTryLock(t *testing.T) {
	t.Parallel()
	d := openPostgreSQL(t, nil)
	scope := org(newIDs())
	must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
		if got, err := tx.TryLock("a"); !got || err != nil {
			t.Error(got, err)
		}
		return d.Write(context.Background(), scope, func(other *db.Tx) error {
			if got, err := other.TryLock("a"); got || err != nil {
				t.Error(got, err)
			}
			if got, err := other.TryLock("b"); !got || err != nil {
				t.Error(got, err)
			}
			return nil
		})
	}))
}

// TestDeadlockIsTriedAgain has two transactions lock two rows crosswise.
func TestDeadlockIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := openPostgreSQL(t, nil)
	ids := newIDs()
	scope := org(ids)
	keys := []ident.ID{ids.New(), ids.New()}
	must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
		return errors.Join(add(tx, keys[0], "0"), add(tx, keys[1], "1"))
	}))
	var met sync.WaitGroup
	met.Add(2)
	var runs, after atomic.Int64
	var wg sync.WaitGroup
	for i := range 2 {
		first := true
		wg.Go(func() {
			err := d.Write(context.Background(), scope, func(tx *db.Tx) error {
				runs.Add(1)
				tx.AfterCommit(func() { after.Add(1) })
				set := "UPDATE thing SET size = COALESCE(size, 0) + 1 WHERE organization_id = $1 AND id = $2"
				if _, err := tx.Exec(set, scope.Organization(), keys[i]); err != nil {
					return err
				}
				if first {
					first = false
					met.Done()
					met.Wait()
				}
				_, err := tx.Exec(set, scope.Organization(), keys[1-i])
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if runs.Load() < 3 || after.Load() != 2 {
		t.Errorf("%d runs, %d after commit", runs.Load(), after.Load())
	}
	must(t, d.Read(t.Context(), scope, func(tx *db.Tx) error {
		var n int
		must(t, tx.Row("SELECT CAST(sum(size) AS bigint) FROM thing").Scan(&n))
		if n != 4 {
			t.Errorf("sum is %d", n)
		}
		return nil
	}))
}

// TestBrokenConnection cuts connections under a Write: before COMMIT it is run
// again.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	d := openPostgreSQL(t, nil)
	ids := newIDs()
	scope := org(ids)
	runs := 0
	must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
		runs++
		if err := add(tx, ids.New(), "a"); err != nil {
			return err
		}
		if runs == 1 {
			err := tx.Row("SELECT pg_terminate_backend(pg_backend_pid())").Scan(new(bool))
			if err == nil {
				t.Error("the connection survived")
			}
			return err
		}
		return nil
	}))
	if got := names(t, d, scope); len(got) != 1 || runs != 2 {
		t.Error(got, runs)
	}
}

// A transaction on SQLite learns that others wait for it; on PostgreSQL none do.
func TestOthersWait(t *testing.T) {
	each(t, func(t *testing.T, open opener) {
		d, scope := open(t, nil), org(newIDs())
		done := make(chan error, 1)
		must(t, d.Write(t.Context(), scope, func(tx *db.Tx) error {
			if tx.OthersWait() {
				t.Error("somebody waits before anybody came")
			}
			go func() { done <- d.Write(context.Background(), scope, func(*db.Tx) error { return nil }) }()
			if d.Engine() == db.PostgreSQL {
				return nil
			}
			for until := time.Now().Add(10 * time.Second); !tx.OthersWait(); time.Sleep(time.Millisecond) {
				if time.Now().After(until) {
					t.Fatal("nobody waits")
				}
			}
			return nil
		}))
		must(t, <-done)
	})
}
