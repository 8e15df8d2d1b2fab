package invitation_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// office is organization other with ten seats, of which its owner has one. On
// PostgreSQL two processes serve it.
type office struct {
	*testing.T
	in, twin *sedetest.Instance
	owner    *sedetest.Client
}

func newOffice(t *testing.T, engine db.Engine) *office {
	t.Helper()
	in := sedetest.New(t, engine)
	o := &office{T: t, in: in, twin: in, owner: in.As("owner@other.example", "")}
	if engine == db.PostgreSQL {
		o.twin = in.Twin()
	}
	if a := in.As("operator@demo.example", "").Do(http.MethodPatch, "/organizations/other", `{"seatLimit":10}`); a.Status != http.StatusOK {
		t.Fatal(a.Status, a.Body)
	}
	return o
}

// with returns a client of one process or the other.
func (o *office) with(i int, token string) *sedetest.Client {
	if i%2 == 1 {
		return o.twin.With(token)
	}
	return o.in.With(token)
}

// invite invites somebody and returns the answer.
func (o *office) invite(i int, email string) *sedetest.Answer {
	return o.with(i, o.in.Token("owner@other.example")).Do(http.MethodPost, "/organization-user-invitations", `{"email":"`+email+`","sendEmail":false}`)
}

// token is the one that the answer tells.
func (o *office) token(a *sedetest.Answer) string {
	o.Helper()
	var made struct{ Link string }
	a.JSON(o.T, &made)
	_, token, _ := strings.Cut(made.Link, "token=")
	return token
}

// seats are the numbers of the organization.
func (o *office) seats() (used, reserved int) {
	o.Helper()
	var shown struct{ Used, Reserved int }
	o.owner.Do(http.MethodGet, "/organizations/other/seats", "").JSON(o.T, &shown)
	return shown.Used, shown.Reserved
}

// TestSeatsAreNeverOversold has fifty people invited at once, then those who are
// come in while others are invited, several times each.
func TestSeatsAreNeverOversold(t *testing.T) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		o := newOffice(t, engine)
		answers := sedetest.AtOnce(50, func(i int) *sedetest.Answer { return o.invite(i, fmt.Sprintf("person%d@new.example", i)) })
		if counts := sedetest.Statuses(answers); counts[http.StatusCreated] != 9 || counts[http.StatusConflict] != 41 {
			t.Fatalf("fifty invitations to nine seats: %v", counts)
		}
		var tokens []string
		for _, a := range answers {
			if a.Status == http.StatusCreated {
				tokens = append(tokens, o.token(a))
			}
		}
		answers = sedetest.AtOnce(50, func(i int) *sedetest.Answer {
			if i >= 36 {
				return o.invite(i, fmt.Sprintf("late%d@new.example", i))
			}
			return o.with(i, "").Do(http.MethodPost, "/invitations/accept",
				fmt.Sprintf(`{"token":%q,"name":"Person","password":"correct horse battery"}`, tokens[i/4]))
		})
		for i, a := range answers {
			if i >= 36 && a.Status != http.StatusConflict || i < 36 && a.Status != http.StatusOK {
				t.Errorf("request %d: %d %s", i, a.Status, a.Body)
			}
		}
		if used, reserved := o.seats(); used != 10 || reserved != 0 {
			t.Errorf("%d seats are used and %d reserved of 10", used, reserved)
		}
	})
}

// TestOneTokenOneMember has several people show one token at once: one gets in,
// as often as they ask.
func TestOneTokenOneMember(t *testing.T) {
	people := []string{"owner", "admin", "billing", "member", "guest"}
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		o := newOffice(t, engine)
		body := `{"token":"` + o.token(o.invite(0, "one@new.example")) + `"}`
		var tokens []string
		for _, name := range people {
			tokens = append(tokens, o.in.Token(name+"@demo.example"))
		}
		answers := sedetest.AtOnce(3*len(people), func(i int) *sedetest.Answer {
			return o.with(i, tokens[i%len(people)]).Do(http.MethodPost, "/invitations/accept", body)
		})
		in := map[int]int{} // by person
		for i, a := range answers {
			switch a.Status {
			case http.StatusOK:
				in[i%len(people)]++
			case http.StatusGone:
			default:
				t.Errorf("%s: %d %s", people[i%len(people)], a.Status, a.Body)
			}
		}
		if len(in) != 1 {
			t.Errorf("one token let %d people in", len(in))
		}
		for who, times := range in {
			if times != 3 {
				t.Errorf("%s got in %d times of 3", people[who], times)
			}
		}
		if used, reserved := o.seats(); used != 2 || reserved != 0 {
			t.Errorf("%d seats are used and %d reserved, want 2 and 0", used, reserved)
		}
	})
}

// TestResentWhileAccepted has an invitation sent again, or revoked, while it is
// accepted: one of them comes too late.
func TestResentWhileAccepted(t *testing.T) {
	ways := []struct {
		method, tail string
		done         int
	}{{http.MethodPost, "/resend", http.StatusOK}, {http.MethodDelete, "", http.StatusNoContent}}
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		o := newOffice(t, engine)
		session := o.in.Token("owner@other.example")
		for n := range 8 {
			way := ways[n%len(ways)]
			sent := o.invite(0, fmt.Sprintf("person%d@new.example", n))
			path, token := sent.Header.Get("Location")+way.tail, o.token(sent)
			answers := sedetest.AtOnce(2, func(i int) *sedetest.Answer {
				if i == 0 {
					return o.with(n, session).Do(way.method, path, "")
				}
				return o.with(n+1, "").Do(http.MethodPost, "/invitations/accept", `{"token":"`+token+`","name":"Person","password":"correct horse battery"}`)
			})
			again, accepted := answers[0].Status, answers[1].Status
			if !(again == way.done && accepted == http.StatusGone || again == http.StatusConflict && accepted == http.StatusOK) {
				t.Errorf("%s%s: %d, accepting: %d", way.method, way.tail, again, accepted)
			}
		}
		if used, reserved := o.seats(); used+reserved > 10 {
			t.Errorf("%d seats are used and %d reserved of 10", used, reserved)
		}
	})
}
