package account

import (
	"errors"
	"testing"

	"sede/internal/access"
	"sede/internal/db"
)

// write runs work in a transaction of the instance.
func (e *env) write(work func(tx *db.Tx) error) error {
	e.t.Helper()
	return e.Service.db.Write(e.t.Context(), access.Instance(), work)
}

func TestRegisterWithinATransaction(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		p, err := e.Prepare(t.Context(), NewUser{Username: "Ana@ACME.example", Password: password, Verified: true})
		must(t, err)
		given := errors.New("given up")
		err = e.write(func(tx *db.Tx) error {
			if _, err := e.Register(tx, nil, p); err != nil {
				return err
			}
			return given
		})
		if !errors.Is(err, given) || e.rows("app_user") != 0 {
			t.Fatalf("a transaction that failed: %v, %d users", err, e.rows("app_user"))
		}
		var made User
		must(t, e.write(func(tx *db.Tx) (err error) {
			if _, found, err := e.FindByEmail(tx, "ana@acme.example"); found || err != nil {
				t.Errorf("before: %v, %v", found, err)
			}
			made, err = e.Register(tx, nil, p)
			return err
		}))
		must(t, e.write(func(tx *db.Tx) error {
			u, found, err := e.FindByEmail(tx, "ana@acme.example")
			if u.ID != made.ID || !u.VerifiedAt.Valid || !found {
				t.Errorf("after: %+v, %v", u, found)
			}
			return err
		}))
		if c := accepted(t, e.Service, e.signIn("ana@acme.example").Token); !c.Verified {
			t.Error("the caller is not verified")
		}
	})
}

func TestVerify(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		p, err := e.Prepare(t.Context(), NewUser{Username: "ana@acme.example", Password: password})
		must(t, err)
		var u User
		must(t, e.write(func(tx *db.Tx) (err error) { u, err = e.Register(tx, nil, p); return err }))
		token := e.signIn(u.Username).Token
		if accepted(t, e.Service, token).Verified {
			t.Fatal("verified from the start")
		}
		for _, address := range []string{"other@acme.example", "ana@acme.example", "ana@acme.example"} {
			must(t, e.write(func(tx *db.Tx) error { return e.Verify(tx, nil, u.ID, address) }))
			if got, want := accepted(t, e.Service, token).Verified, address == u.Username; got != want {
				t.Errorf("after mail to %s: %v, want %v", address, got, want)
			}
		}
		now, err := e.FindByUsername(t.Context(), u.Username)
		must(t, err)
		if now.Version != 2 {
			t.Errorf("version %d, want 2: verifying again changes nothing", now.Version)
		}
	})
}

// TestAddressesAreRegisteredOnce has two transactions look for an address and
// register it when nobody has it, at the same time.
func TestAddressesAreRegisteredOnce(t *testing.T) {
	each(t, func(t *testing.T, e *env) {
		const crowd = 8
		results := make(chan bool, crowd)
		for range crowd {
			go func() {
				p, err := e.Prepare(t.Context(), NewUser{Username: "ana@acme.example", Password: password})
				if err != nil {
					t.Error(err)
				}
				made := false
				err = e.write(func(tx *db.Tx) error {
					_, found, err := e.FindByEmail(tx, "ana@acme.example")
					if err != nil || found {
						return err
					}
					_, err = e.Register(tx, nil, p)
					made = err == nil
					return err
				})
				if err != nil {
					t.Error(err)
				}
				results <- made
			}()
		}
		n := 0
		for range crowd {
			if <-results {
				n++
			}
		}
		if n != 1 || e.rows("app_user") != 1 {
			t.Errorf("%d registered, %d users", n, e.rows("app_user"))
		}
	})
}
