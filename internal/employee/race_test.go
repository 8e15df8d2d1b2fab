package employee_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// TestOneUserAtOnce links one user to many employees at the same moment: one
// gets the user, the others are refused.
func TestOneUserAtOnce(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		c := in.As("admin@demo.example", "demo")
		body := func(i int) string {
			return fmt.Sprintf(`{"firstName":"Number","lastName":"%d","user":"/users/%s"}`, i, in.Names["billing"])
		}
		answers := make([]*sedetest.Answer, 20)
		var wait sync.WaitGroup
		for i := range answers {
			wait.Go(func() { answers[i] = c.Do(http.MethodPost, "/employees", body(i)) })
		}
		wait.Wait()
		made := 0
		for _, a := range answers {
			switch a.Status {
			case http.StatusCreated:
				made++
			case http.StatusUnprocessableEntity:
			default:
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		if made != 1 {
			t.Errorf("%d employees are linked to one user", made)
		}
	})
}
