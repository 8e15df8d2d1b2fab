// Package access says who calls, for which organization and with which role,
// and what that allows. It holds no data of its own: package account finds out
// who a token belongs to and fills a Caller.
//
// A Scope is the proof that a piece of work was let into an organization. Its
// fields are hidden and its zero value matches no row, so that SQL which takes a
// Scope can't be pointed at somebody else's rows by mistake. Scopes are minted
// in this package only, from a Caller that was let in, and by System and Instance
// for work that has no caller or spans organizations; a test holds the list of
// packages that may call those two.
package access

import (
	"sede/internal/fault"
	"sede/internal/ident"
)

// Role is what a member is in an organization. Higher roles include lower ones
// in rank, but not always in rights: see Roles.
type Role uint8

// The roles from the lowest to the highest. None is no member.
const (
	None Role = iota
	Guest
	Member
	Billing
	Admin
	Owner
)

var roleNames = [...]string{"", "guest", "member", "billing", "admin", "owner"}

// RoleNames lists the names of the roles from the lowest to the highest.
func RoleNames() []string { return roleNames[1:] }

// String returns the name used in the API, empty for None.
func (r Role) String() string { return roleNames[r] }

// ParseRole reads a name; false when there is no such role.
func ParseRole(name string) (Role, bool) {
	for i, n := range roleNames {
		if n == name && i > 0 {
			return Role(i), true
		}
	}
	return None, false
}

// Roles is a set of roles.
type Roles uint8

// RolesOf returns the set of the given roles.
func RolesOf(roles ...Role) Roles {
	var set Roles
	for _, r := range roles {
		set |= 1 << r
	}
	return set
}

// The sets that rules are made of.
var (
	Anyone  = RolesOf(Guest, Member, Billing, Admin, Owner) // every member, guests too
	Readers = RolesOf(Member, Billing, Admin, Owner)        // those who read the organization
	Payers  = RolesOf(Billing, Admin, Owner)                // those who handle its money
	Admins  = RolesOf(Admin, Owner)                         // those who run it
	Owners  = RolesOf(Owner)                                // those it belongs to
)

// Has reports whether the role is in the set; None never is.
func (s Roles) Has(r Role) bool { return r != None && s&(1<<r) != 0 }

// Caller is who asks. A nil *Caller is nobody.
type Caller struct {
	User         ident.ID // zero for the system itself
	Session      ident.ID // the sign-in that the token came from; zero when there is none
	Key          ident.ID // the API key that the request came with; zero when it came with a token
	Grants       Grants   // the scopes of that key
	Username     string   // e-mail address
	Verified     bool     // mail to that address is known to reach the user
	Operator     bool     // runs the instance
	Organization ident.ID // the chosen organization; zero when none is chosen
	Role         Role     // in the chosen organization; None for operators who are no members
	ReadOnly     bool     // the chosen organization is suspended or closing: nothing in it may change
	Closing      bool     // it is closing
	Modules      Modules  // what the chosen organization has bought
	Address      string   // IP address the request came from
	Agent        string   // its User-Agent
}

// Credential is what the request came with: the API key, else the user.
func (c *Caller) Credential() ident.ID {
	if !c.Key.IsZero() {
		return c.Key
	}
	return c.User
}

// MayReach reports whether what the caller came with is good for the
// organization: an API key is for its own only.
func (c *Caller) MayReach(organization ident.ID) bool {
	return c.Key.IsZero() || c.Organization == organization
}

// Scope returns the caller's reach into the chosen organization. It is the zero
// Scope when none is chosen or the caller is neither member nor operator.
func (c *Caller) Scope() Scope {
	if c == nil || c.Organization.IsZero() || (c.Role == None && !c.Operator) {
		return Scope{}
	}
	return Scope{organization: c.Organization}
}

// Scope is the reach of a piece of work: one organization, the whole instance,
// or, as the zero value, nothing.
type Scope struct {
	organization ident.ID
	instance     bool
}

// System returns the reach into one organization for work without a caller.
func System(organization ident.ID) Scope { return Scope{organization: organization} }

// Instance returns the reach over all organizations, for sign-in, operators'
// lists and the instance's own tables.
func Instance() Scope { return Scope{instance: true} }

// Organization returns the organization, zero when the Scope is not of one.
func (s Scope) Organization() ident.ID { return s.organization }

// IsInstance reports whether the Scope covers all organizations.
func (s Scope) IsInstance() bool { return s.instance }

// Rule says who may use an operation. The zero Rule was not declared: sede does
// not start with one.
type Rule struct {
	kind     ruleKind
	roles    Roles
	changes  bool // what it lets in changes something
	always   bool // what it lets in changes something, also while nothing else may change
	inPerson bool // API keys are refused
	all      bool // operators need not choose an organization
	modules  []string
}

type ruleKind uint8

const (
	undeclared ruleKind = iota
	public
	signedIn
	within
	operators
)

// Public lets everybody in, signed in or not.
func Public() Rule { return Rule{kind: public} }

// SignedIn lets in everybody who is signed in; the use case itself decides what
// they see.
func SignedIn() Rule { return Rule{kind: signedIn} }

// Within lets in the members of the chosen organization who have one of the
// roles, and operators.
func Within(roles Roles) Rule { return Rule{kind: within, roles: roles} }

// OperatorsWithin lets in operators who have chosen an organization.
func OperatorsWithin() Rule { return Within(0) }

// ToChange returns the rule for work that changes something in the chosen
// organization: it is refused while the organization can be read only, except
// to operators.
func (r Rule) ToChange() Rule { r.changes = true; return r }

// OrInstance returns the rule for work that operators may also do without having
// chosen an organization: then it concerns the instance.
func (r Rule) OrInstance() Rule { r.all = true; return r }

// EvenSuspended returns the rule for work that takes access away from somebody:
// ToChange does not hold it up.
func (r Rule) EvenSuspended() Rule { r.always = true; return r }

// InPerson returns the rule for work that an API key can't do whatever its
// scopes are, such as making keys.
func (r Rule) InPerson() Rule { r.inPerson = true; return r }

// Operators lets in those who run the instance.
func Operators() Rule { return Rule{kind: operators} }

// Declared reports whether the Rule was made by one of the functions above.
func (r Rule) Declared() bool { return r.kind != undeclared }

// IsPublic reports whether nobody needs to sign in.
func (r Rule) IsPublic() bool { return r.kind == public }

// NeedsOrganization reports whether an organization must be chosen.
func (r Rule) NeedsOrganization() bool { return r.kind == within }

// ReachesInstance reports whether operators need not choose an organization.
func (r Rule) ReachesInstance() bool { return r.all }

// Roles returns the roles of a Within rule, otherwise none.
func (r Rule) Roles() Roles { return r.roles }

// OperatorsOnly reports whether only those who run the instance may.
func (r Rule) OperatorsOnly() bool { return r.kind == operators }

// ByOperators reports whether only those who run the instance may, in an
// organization or not.
func (r Rule) ByOperators() bool { return r.kind == operators || r.kind == within && r.roles == 0 }

// IsInPerson reports whether API keys are refused.
func (r Rule) IsInPerson() bool { return r.inPerson }

// Suspension is the answer to changes in an organization that can be read only,
// because it is closing or else suspended.
func Suspension(closing bool) error {
	if closing {
		return fault.New(fault.Forbidden, "This organization is closing. It can be read only, unless it is reopened.")
	}
	return fault.New(fault.Forbidden, "This organization is suspended. It can be read only.")
}

// Check returns nil when the rule lets the caller in, else an Unauthorized
// error for nobody, an Invalid one when an organization must be chosen first,
// a Forbidden one, or a PaymentRequired one when it has not bought the module.
func (r Rule) Check(c *Caller) error {
	if r.kind == public {
		return nil
	}
	if c == nil {
		return fault.New(fault.Unauthorized, "JWT Token not found")
	}
	if r.inPerson && !c.Key.IsZero() {
		return fault.New(fault.Forbidden, "API keys can't do this. Sign in.")
	}
	switch r.kind {
	case signedIn:
		return nil
	case operators:
		if c.Operator {
			return nil
		}
	case within:
		if c.Organization.IsZero() {
			if r.all && c.Operator {
				return nil
			}
			return fault.New(fault.Invalid, `Choose an organization: send its id or slug in the "X-Organization" header.`)
		}
		if r.changes && !r.always && c.ReadOnly && !c.Operator {
			return Suspension(c.Closing)
		}
		if c.Operator || r.roles.Has(c.Role) {
			return r.checkModules(c)
		}
	}
	return fault.Denied()
}
