package transfer

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sede/internal/ident"
)

// reference is an id, or an IRI with one, that is a string of its own in JSON, or a
// whole key.
var reference = regexp.MustCompile(`(^|")((?:/[a-z-]+)*/)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})((?:/[a-z-]+)*)($|")`)

// replaced does what plan.text promises, slowly.
func replaced(p *plan, old string) string {
	return p.addresses.Replace(reference.ReplaceAllStringFunc(old, func(found string) string {
		parts := reference.FindStringSubmatch(found)
		id, err := ident.Parse(parts[3])
		if err != nil {
			return found
		}
		if user, ok := p.users[id]; ok {
			id = user
		} else if !slices.ContainsFunc(instance, func(path string) bool { return strings.HasSuffix(parts[2], path) }) {
			id = p.id(id)
		}
		return parts[1] + parts[2] + id.String() + parts[4] + parts[5]
	}))
}

const (
	anID   = "01b8dcb4-1680-72eb-8d36-c8496db7fef5"
	userID = "01b8dcb4-1680-72eb-8d36-c8496db7fef6"
)

// TestText: ids in texts become what they should, wherever they stand.
func TestText(t *testing.T) {
	t.Parallel()
	user, err := ident.Parse(userID)
	if err != nil {
		t.Fatal(err)
	}
	p := &plan{from: ident.ID{1}, to: ident.ID{2}, users: map[ident.ID]ident.ID{user: {3}}}
	p.place([]string{"0123456789abcdef0123456789abcdef"})
	parts := []string{anID, userID, strings.ToUpper(anID), anID[:20], `"`, `"`, `"`, "/", "/", "-", "/users/", "/coupons/", "/meetings/", "/a-b", ":", "{", "x", "ż",
		"1", " ", "0123456789abcdef0123456789abcdef"}
	random := rand.New(rand.NewPCG(1, 2))
	changed := 0
	for range 100_000 {
		text := ""
		for range random.IntN(8) {
			text += parts[random.IntN(len(parts))]
		}
		text = strings.ReplaceAll(text, `"`, `""`) // replaced takes a quote with the id before it
		got, want := p.text(text), replaced(p, text)
		if got != want {
			t.Fatalf("%q became %q, not %q", text, got, want)
		}
		if got != text {
			changed++
		}
	}
	if changed < 1000 {
		t.Errorf("only %d texts had something to change", changed)
	}
}
