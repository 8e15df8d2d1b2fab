package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
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

// reference is an id, or an IRI with one, that is a string of its own in JSON, or a
// whole key.
var reference = regexp.MustCompile(`(^|")((?:/[a-z-]+)*/)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})((?:/[a-z-]+)*)($|")`)

// instance lists what belongs to no organization, by the begin of its IRIs.
var instance = []string{"/users/", "/coupons/", "/sessions/"}

// text is what becomes of a text with ids in it.
func (p *plan) text(old string) string {
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

// changes returns what alters the rows of a table, in the form that Reader.EachRow
// gives them; nil: nothing does.
func (p *plan) changes(t *archive.Table, f *archive.File, schema *db.Table) func(args []any) {
	var list []func(args []any)
	for i, name := range f.Columns {
		if c, ok := schema.Column(name); ok {
			if change := p.change(t, c, i+1); change != nil {
				list = append(list, change)
			}
		}
	}
	if t.Name == "employee" {
		if id, user := slices.Index(f.Columns, "id"), slices.Index(f.Columns, "user_id"); id >= 0 && user >= 0 {
			list = append(list, func(args []any) { p.unlink(args, id+1, user+1) })
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
