package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"sede/internal/archive"
	"sede/internal/db"
	"sede/internal/ident"
)

// plan says what becomes of ids. Where the organization of an archive is not here
// they all stay. Where it is, the import is a copy: each id becomes another one,
// which follows from the organization's new id and the old one, so that no table of
// ids is kept and a run that is repeated does the same. The times in ids stay, and
// with them the order.
type plan struct {
	from, to  ident.ID
	users     map[ident.ID]ident.ID // who is who here
	addresses *strings.Replacer     // of images, for copies
	links     []link
}

// link is an employee who is a user: written once there is that user.
type link struct{ employee, user ident.ID }

func (p *plan) copies() bool { return p.from != p.to }

// id is what becomes of an id of the organization's.
func (p *plan) id(old ident.ID) ident.ID {
	switch {
	case !p.copies() || old.IsZero():
		return old
	case old == p.from:
		return p.to
	}
	var both [32]byte
	copy(both[:16], p.to[:])
	copy(both[16:], old[:])
	sum := sha256.Sum256(both[:])
	next := old
	copy(next[8:], sum[:8])
	next[8] = old[8]&0xc0 | next[8]&0x3f // the variant (RFC 9562, 4.1)
	return next
}

// address is what becomes of the address of an image.
func (p *plan) address(old string) string {
	if !p.copies() {
		return old
	}
	sum := sha256.Sum256([]byte(p.to.String() + " " + old))
	return hex.EncodeToString(sum[:16])
}

// place prepares for the images of the archive.
func (p *plan) place(images []string) {
	var pairs []string
	for _, old := range images {
		pairs = append(pairs, old, p.address(old))
	}
	p.addresses = strings.NewReplacer(pairs...)
}

// instance lists what belongs to no organization, by the begin of its IRIs.
var instance = []string{"/users/", "/coupons/", "/sessions/"}

// text is what becomes of a text with ids in it: each id, or IRI with one, that is a
// string of its own in JSON or the whole text.
func (p *plan) text(old string) string {
	var b []byte
	done := 0
	for dash := 8; dash+28 <= len(old); dash++ {
		if old[dash] != '-' {
			continue
		}
		from, to := dash-8, dash+28
		id, err := ident.Parse(old[from:to])
		if err != nil || old[from:to] != strings.ToLower(old[from:to]) {
			continue
		}
		if path, ok := alone(old, from, to); ok {
			id = p.reference(path, id)
			b = append(b, old[done:from]...)
			b = id.Append(b)
			done = to
		}
		dash = to + 7
	}
	if done == 0 {
		return p.addresses.Replace(old)
	}
	return p.addresses.Replace(string(append(b, old[done:]...)))
}

// reference is what becomes of an id behind a path.
func (p *plan) reference(path string, id ident.ID) ident.ID {
	if user, ok := p.users[id]; ok {
		return user
	}
	if slices.ContainsFunc(instance, func(end string) bool { return strings.HasSuffix(path, end) }) {
		return id
	}
	return p.id(id)
}

// alone reports whether the text between the places is a string of its own, or an
// IRI together with what stands around it, and the path in front of it.
func alone(text string, from, to int) (path string, ok bool) {
	begin := from
	for begin > 0 && segment(text[begin-1]) {
		begin--
	}
	end := to
	for end < len(text) && segment(text[end]) {
		end++
	}
	if begin > 0 && text[begin-1] != '"' || end < len(text) && text[end] != '"' {
		return "", false
	}
	path, rest := text[begin:from], text[to:end]
	ok = (path == "" || path[0] == '/' && path[len(path)-1] == '/' && !strings.Contains(path, "//")) &&
		(rest == "" || rest[0] == '/' && rest[len(rest)-1] != '/' && !strings.Contains(rest, "//"))
	return path, ok
}

// segment reports whether the character may stand in the path of an IRI.
func segment(c byte) bool { return 'a' <= c && c <= 'z' || c == '-' || c == '/' }

// changes returns what alters the rows of a table, in the form that archive.Loader
// gives them; nil: nothing does.
func (p *plan) changes(t *archive.Table, f *archive.File, schema *db.Table) func(args []any) {
	var list []func(args []any)
	for i, name := range f.Columns {
		if c, ok := schema.Column(name); ok {
			if change := p.change(t, c, i); change != nil {
				list = append(list, change)
			}
		}
	}
	if t.Name == "employee" {
		if id, user := slices.Index(f.Columns, "id"), slices.Index(f.Columns, "user_id"); id >= 0 && user >= 0 {
			list = append(list, func(args []any) { p.unlink(args, id, user) })
		}
	}
	if len(list) == 0 {
		return nil
	}
	return func(args []any) {
		for _, change := range list {
			change(args)
		}
	}
}

// unlink takes the user from an employee, to be written later.
func (p *plan) unlink(args []any, id, user int) {
	if u, ok := args[user].(ident.ID); ok {
		p.links = append(p.links, link{args[id].(ident.ID), u})
		args[user] = nil
	}
}

// change alters one column.
func (p *plan) change(t *archive.Table, c db.TableColumn, at int) func(args []any) {
	switch {
	case !p.copies() || slices.Contains(t.Others, c.Name):
		return nil
	case slices.Contains(t.People, c.Name):
		if t.Name == "employee" {
			return nil // see unlink
		}
		return func(args []any) {
			if id, ok := args[at].(ident.ID); ok {
				if user, known := p.users[id]; known {
					args[at] = user
				}
			}
		}
	case c.Kind == db.KindID:
		return func(args []any) {
			if id, ok := args[at].(ident.ID); ok {
				args[at] = p.id(id)
			}
		}
	case slices.Contains(t.Texts, c.Name):
		return func(args []any) {
			if text, ok := args[at].(string); ok {
				args[at] = p.text(text)
			}
		}
	case t.Name == "organization_image" && c.Name == "address", t.Name == "organization_mail_footer" && c.Name == "html":
		return func(args []any) {
			if text, ok := args[at].(string); ok {
				args[at] = p.addresses.Replace(text)
			}
		}
	}
	return nil
}
