package meeting_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/sedetest"
)

// planners are clients of one organization, on PostgreSQL in two processes that
// can't know of each other but by the database.
func planners(in *sedetest.Instance, engine db.Engine) []*sedetest.Client {
	clients := []*sedetest.Client{in.As("admin@demo.example", "demo")}
	if engine == db.PostgreSQL {
		clients = append(clients, in.Twin().With(in.Token("admin@demo.example")).In("demo"))
	}
	return clients
}

// TestOneTimeAtOnce plans one time of one employee many times at once: one
// meeting gets it, and the others are told which.
func TestOneTimeAtOnce(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		in := sedetest.New(t, engine)
		clients := planners(in, engine)
		body := `{"employee":"/employees/` + in.Names["emma"] + `","dateFrom":"2030-05-01T00:00:00Z","dateTo":"2030-06-01T00:00:00Z","time":"2030-05-02T%02d:00:00Z"}`
		for round := range 3 {
			answers := sedetest.AtOnce(20, func(i int) *sedetest.Answer {
				return clients[i%len(clients)].Do(http.MethodPost, "/meetings", fmt.Sprintf(body, round))
			})
			var made []string
			for _, a := range answers {
				var got struct {
					IRI       string   `json:"@id"`
					Conflicts []string `json:"conflicts"`
				}
				a.JSON(t, &got)
				switch a.Status {
				case http.StatusCreated:
					made = append(made, got.IRI)
				case http.StatusConflict:
					if len(got.Conflicts) != 1 {
						t.Errorf("conflicts %v", got.Conflicts)
					}
				default:
					t.Errorf("%d %s", a.Status, a.Body)
				}
			}
			if len(made) != 1 {
				t.Errorf("%d meetings at one time", len(made))
			}
		}
	})
}

// TestNoOverlapWhateverHappens has many plan, move, reassign and cancel at once:
// in the end no two meetings overlap but by leave of the later one. It is so
// without the constraint of the database too.
func TestNoOverlapWhateverHappens(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		for _, constraint := range []bool{true, false} {
			if engine == db.SQLite && !constraint {
				continue // it has none
			}
			in := sedetest.New(t, engine)
			if !constraint {
				dropConstraint(t, in)
			}
			clients := planners(in, engine)
			people := []string{in.Names["ana"], in.Names["emma"]}
			answers := sedetest.AtOnce(12, func(i int) *sedetest.Answer {
				return scramble(clients[i%len(clients)], people, rand.New(rand.NewPCG(uint64(i), 7)))
			})
			for _, a := range answers {
				if a != nil {
					t.Errorf("%d %s", a.Status, a.Body)
				}
			}
			if n := scheduled(t, clients[0]); n == 0 {
				t.Error("nothing was planned")
			}
		}
	})
}

func dropConstraint(t *testing.T, in *sedetest.Instance) {
	t.Helper()
	err := in.App.Database().Write(context.Background(), access.Instance(), func(tx *db.Tx) error {
		_, err := tx.Exec(`ALTER TABLE meeting DROP CONSTRAINT meeting_overlap`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// scramble plans meetings of the people in one afternoon and changes them, at
// random. It returns an answer that should not come.
func scramble(c *sedetest.Client, people []string, random *rand.Rand) *sedetest.Answer {
	var mine []string
	terms := func() string {
		return fmt.Sprintf(`"employee":"/employees/%s","time":"2030-05-02T%02d:%02d:00Z","duration":%d`,
			people[random.IntN(len(people))], 12+random.IntN(5), random.IntN(60), 1+random.IntN(90))
	}
	for range 12 {
		var a *sedetest.Answer
		switch n := random.IntN(6); {
		case n < 3 || len(mine) == 0:
			a = c.Do(http.MethodPost, "/meetings", `{"dateFrom":"2030-05-01T00:00:00Z","dateTo":"2030-06-01T00:00:00Z",`+terms()+`}`)
		case n < 5:
			a = c.Do(http.MethodPatch, mine[random.IntN(len(mine))], `{`+terms()+`}`)
		default:
			a = c.Do(http.MethodDelete, mine[0], "")
			mine = mine[1:]
		}
		switch a.Status {
		case http.StatusCreated:
			mine = append(mine, a.Header.Get("Location"))
		case http.StatusOK, http.StatusNoContent, http.StatusConflict:
		default:
			return a
		}
	}
	return nil
}

// scheduled counts the scheduled meetings and fails the test when two of one
// employee overlap.
func scheduled(t *testing.T, c *sedetest.Client) int {
	t.Helper()
	type busy struct {
		Employee string
		Time     time.Time
		Duration int
	}
	var page struct {
		Members []busy `json:"hydra:member"`
	}
	c.Do(http.MethodGet, "/meetings?between[from]=2030-05-01&between[to]=2030-06-01&status=scheduled&itemsPerPage=100", "").JSON(t, &page)
	slices.SortFunc(page.Members, func(a, b busy) int { return a.Time.Compare(b.Time) })
	end := map[string]time.Time{}
	for _, m := range page.Members {
		if m.Time.Before(end[m.Employee]) {
			t.Errorf("overlap: %v", page.Members)
		}
		end[m.Employee] = m.Time.Add(time.Duration(m.Duration) * time.Minute)
	}
	return len(page.Members)
}

// TestConstraintRefusesOverlaps writes past sede: PostgreSQL refuses what the
// rule forbids.
func TestConstraintRefusesOverlaps(t *testing.T) {
	t.Parallel()
	in := sedetest.New(t, db.PostgreSQL)
	undo := errors.New("undo")
	move := func(change string) error {
		return in.App.Database().Write(t.Context(), access.Instance(), func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE meeting SET employee_id = (SELECT employee_id FROM meeting WHERE notes LIKE 'Review%'),
				starts_s = (SELECT starts_s FROM meeting WHERE notes LIKE 'Review%'), ends_s = (SELECT ends_s FROM meeting WHERE notes LIKE 'Review%')` +
				change + ` WHERE notes = 'Interview'`)
			if err == nil {
				err = undo
			}
			return err
		})
	}
	if err := move(""); !db.IsExclusion(err, "meeting_overlap") {
		t.Errorf("an overlap: %v", err)
	}
	for _, change := range []string{", allow_overlap = true", ", cancelled_at = now()"} {
		if err := move(change); !errors.Is(err, undo) {
			t.Errorf("%s: %v", change, err)
		}
	}
}
