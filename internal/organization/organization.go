// Package organization keeps the organizations, the people in them and their
// settings. An organization is the unit that everything else belongs to: rows
// carry its id, and a caller acts in one organization at a time.
//
// An organization is never without an owner, and nobody gives a role above
// their own. Its slug is as good as its id wherever one is named.
package organization

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// The types of organizations.
const (
	Standard = "standard"
	Sandbox  = "sandbox"  // for trying things out
	Demo     = "demo"     // filled with sample data; nothing leaves it
	Internal = "internal" // of those who run the instance
)

// The states of organizations.
const (
	Active    = "active"
	Suspended = "suspended" // can be read only
	Closing   = "closing"   // deletion is scheduled
)

var (
	types    = []string{Standard, Sandbox, Demo, Internal}
	statuses = []string{Active, Suspended, Closing}
)

// Organization is one organization with what belongs to it.
type Organization struct {
	ID               ident.ID
	Type             string
	Status           string
	Name             string
	Slug             string
	StripeCustomerID null.Value[string]
	ManualBilling    bool
	Production       bool              // an operator says that real work depends on it
	SeatLimit        null.Value[int64] // that operators set; null: none
	iconSet, logoSet null.Value[string]
	StatusReason     null.Value[string]    // what operators said when they changed the status
	RemovalAt        null.Value[time.Time] // when it is removed for good; null: it is not closing
	Version          int64
	CreatedAt        time.Time
	UpdatedAt        time.Time

	Filled bool // whoever creates it fills it, too, if it is a demo

	Users          []ident.ID // the first of its members, the earliest first
	Configs        []ident.ID
	Addresses      []ident.ID
	Icon, Logo     []Image // nil: there is none
	Seats          Seats
	Clearing       *Clearing // the last one; nil: there was none, or it may not be seen
	ClearableUntil null.Value[time.Time]
	OverSeat       bool    // more seats are taken than there are
	DatabaseStatus []Store // nil for those who may not see it
	ProductionLike bool
	IsDemo         bool

	// What other features fill.
	Invitations, Modules, Subscriptions []ident.ID
	CurrentSubscription                 null.Value[ident.ID]
	TrialEndsAt                         null.Value[time.Time]
}

// Store is the state of one database that holds data of the organization.
type Store struct {
	Engine        string
	Version       string // of the engine
	SchemaVersion int64
	Pending       int64  // migrations that have not run
	State         string // ready or migrating
	Rows          []Rows
	Bytes         int64 // of the whole database
}

// The states of clearings.
const (
	ClearingPlanned   = "planned"   // a rehearsal: nothing happens
	ClearingRuns      = "clearing"  // the working data is being removed
	ClearingDone      = "cleared"   // it is removed and can be restored for a time
	ClearingRestoring = "restoring" // it is being brought back
	ClearingRestored  = "restored"  // it is back
	ClearingExpired   = "expired"   // it can't be brought back any more
	ClearingFailed    = "failed"    // nothing was removed
)

// Clearing is one removal of the working data of an organization.
type Clearing struct {
	ID              null.Value[ident.ID] // null: planned
	State           string
	Rows            []Rows // that are or were removed
	CreatedAt       time.Time
	FinishedAt      null.Value[time.Time]
	RestorableUntil null.Value[time.Time]
	Error           fault.Text // why it failed, or why the data could not be brought back
}

// Runs reports whether the data is on its way, so that nothing may change.
func (c *Clearing) Runs() bool { return c.State == ClearingRuns || c.State == ClearingRestoring }

// Rows is how many rows of a resource there are.
type Rows struct {
	Resource string
	Count    int64
}

// derive fills what follows from other fields.
func (o *Organization) derive() {
	o.IsDemo = o.Type == Demo
	o.ProductionLike = o.Production && o.Type != Demo && o.Type != Sandbox
}

// Validate returns the broken rules that declarations can't express.
func (o *Organization) Validate() []fault.Violation {
	if o.Slug != "" && !validSlug(o.Slug) {
		return []fault.Violation{{Path: "slug", Code: fault.CodeRegex,
			Text: fault.Textf("A slug has 2 to 63 lower-case letters, digits and hyphens, begins with a letter, and is no reserved word.")}}
	}
	return nil
}

// reserved are the words that paths below /organizations use themselves.
var reserved = []string{"clear", "icon", "logo", "mail-footer", "import", "restore", "archive", "new", "me"}

// maxSlug is the longest slug, that of a DNS label (RFC 1035, 2.3.4).
const maxSlug = 63

func validSlug(slug string) bool {
	if len(slug) < 2 || len(slug) > maxSlug || slug[len(slug)-1] == '-' || slices.Contains(reserved, slug) {
		return false
	}
	for i, c := range []byte(slug) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '-')) {
			return false
		}
	}
	_, err := ident.Parse(slug)
	return err != nil
}

// unmarked are letters that keep their stroke when accents are taken off.
var unmarked = strings.NewReplacer("ł", "l", "Ł", "l", "ø", "o", "Ø", "o", "đ", "d", "Đ", "d", "ß", "ss", "æ", "ae", "Æ", "ae", "œ", "oe", "Œ", "oe")

// slugOf derives a slug from a name, always a valid one: "Café São João" gives
// "cafe-sao-joao". A name without Latin letters gives "organization".
func slugOf(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(strings.ToLower(unmarked.Replace(name))) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9' && b.Len() > 0:
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		case r < 0x300 || r > 0x36f: // not an accent
			gap = true
		}
		if b.Len() >= 50 {
			break
		}
	}
	slug := strings.TrimRight(b.String(), "-")
	if !validSlug(slug) {
		slug = strings.TrimRight("organization-"+slug, "-")
	}
	return slug
}

// reserved lists what only operators may say of a new organization.
func (o *Organization) reserved(who *access.Caller) (list []fault.Violation) {
	if who.Operator {
		return nil
	}
	if o.Type != Standard && o.Type != Sandbox {
		list = append(list, fault.Violation{Path: "type", Code: fault.CodeChoice, Text: fault.Textf("Only operators create organizations of this type.")})
	}
	if o.ManualBilling {
		list = append(list, onlyOperators("manualBilling"))
	}
	if o.Production {
		list = append(list, onlyOperators("productionLike"))
	}
	if o.SeatLimit.Valid {
		list = append(list, onlyOperators("seatLimit"))
	}
	return list
}

// onlyOperators is the violation of setting what operators keep.
func onlyOperators(path string) fault.Violation {
	return fault.Violation{Path: path, Text: fault.Textf("Only operators change this.")}
}
