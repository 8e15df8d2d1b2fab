package organization

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/language"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/footer"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/mail"
	"sede/internal/null"
	"sede/internal/page"
)

// Who may do what.
var (
	maySee      = access.SignedIn() // what they see is decided by their membership
	mayCreate   = access.SignedIn().InPerson()
	mayRead     = access.Within(access.Readers)
	seesStores  = access.Admins
	mayRename   = access.Admins
	createRetry = 20
)

// Service holds the use cases of organizations, their members and settings.
type Service struct {
	db    *db.DB
	audit *audit.Log
	ids   *ident.Source
	now   clock.Clock

	branding *branding
	cleaner  *footer.Cleaner
	problem  func(w http.ResponseWriter, r *http.Request, err error)

	described  atomic.Pointer[described]
	describing sync.Mutex // held by who asks anew

	jobs *jobs.Queue
	mail *mail.Post
	// onClosing, onRemove and onPurge see an organization end.
	onClosing []func(tx *db.Tx, scope access.Scope, who *access.Caller, closing bool) error
	onAddress []func(tx *db.Tx, scope access.Scope) error
	onRemove  []func(tx *db.Tx, scope access.Scope) error
	onReset   []func(tx *db.Tx, scope access.Scope) error
	onPurge   []func(ctx context.Context, scope access.Scope) error
	// sample fills an empty organization with a sample company.
	sample     func(ctx context.Context, organization ident.ID) error
	resetDaily bool
	// onCreate runs in the transaction that creates an organization.
	onCreate []func(tx *db.Tx, who *access.Caller, o *Organization) error
	// left hears of a user who is no member any more, and of who saw to it.
	left func(tx *db.Tx, scope access.Scope, who *access.Caller, user ident.ID) error

	// changed hears of users whose memberships change, in the transaction.
	changed func(tx *db.Tx, users ...ident.ID) error
	// person tells the name and e-mail address of a user.
	person func(tx *db.Tx, user ident.ID) (name, email string, err error)
	// fill complete organizations with what other features keep of them.
	fill []func(tx *db.Tx, items []Organization) error
	// countryName tells the name of a country in a reader's language.
	countryName func(id string, reader language.Tag) string
	// more are operations on organizations that other features have.
	more []hydra.Operation
	// limits tells how many seats organizations bought.
	limits SeatLimits
	stripe bool // it is used, so that it bills who is new
	live   bool // and moves real money
	// invitations tells the first pending invitations of organizations.
	invitations func(tx *db.Tx, organizations []ident.ID, most int) (map[ident.ID][]ident.ID, error)
}

// OnCreate adds work to the transaction that creates an organization.
func (s *Service) OnCreate(do func(tx *db.Tx, who *access.Caller, o *Organization) error) {
	s.onCreate = append(s.onCreate, do)
}

// OnLeave sets who hears of a user who is no member any more, and of who saw to it,
// in the transaction that removes the member.
func (s *Service) OnLeave(do func(tx *db.Tx, scope access.Scope, who *access.Caller, user ident.ID) error) {
	s.left = do
}

// OnMembershipChange sets who hears of users whose memberships change, in the
// transaction that changes them.
func (s *Service) OnMembershipChange(do func(tx *db.Tx, users ...ident.ID) error) { s.changed = do }

// OnShow adds who completes organizations that are shown.
func (s *Service) OnShow(fill func(tx *db.Tx, items []Organization) error) {
	s.fill = append(s.fill, fill)
}

// Offer adds operations on organizations that other features have.
func (s *Service) Offer(operations ...hydra.Operation) { s.more = append(s.more, operations...) }

// Loader returns what loads an organization within a transaction, as Get does.
func (s *Service) Loader(ctx context.Context) (func(tx *db.Tx, who *access.Caller, ref string, o *Organization) error, error) {
	store, err := s.store(ctx)
	return func(tx *db.Tx, who *access.Caller, ref string, o *Organization) error {
		*o = Organization{}
		role, err := s.enter(tx, who, ref, o)
		if err != nil {
			return err
		}
		return s.completeOne(tx, who, store, o, role)
	}, err
}

// SetPeople sets who tells the name and e-mail address of a user, and keeps them
// as they are until the transaction ends. Without it members have none.
func (s *Service) SetPeople(person func(tx *db.Tx, user ident.ID) (name, email string, err error)) {
	s.person = person
}

// List returns the organizations that the caller belongs to; operators see all,
// and API keys their own.
func (s *Service) List(ctx context.Context, who *access.Caller, q *page.Query) (r page.Result[Organization], err error) {
	if err := maySee.Check(who); err != nil {
		return r, err
	}
	store, err := s.store(ctx)
	if err != nil {
		return r, err
	}
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		if r, err = list(tx, who, q); err != nil {
			return err
		}
		for i := range r.Items {
			s.branding.illustrate(&r.Items[i])
		}
		roles, err := rolesOf(tx, who)
		if err != nil {
			return err
		}
		return s.complete(tx, who, store, r.Items, roles)
	})
	return r, err
}

// Get loads an organization by its id or slug; Missing for those who do not
// belong to it.
func (s *Service) Get(ctx context.Context, who *access.Caller, ref string, o *Organization) error {
	if err := maySee.Check(who); err != nil {
		return err
	}
	store, err := s.store(ctx)
	if err != nil {
		return err
	}
	return s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		role, err := s.enter(tx, who, ref, o)
		if err != nil {
			return err
		}
		return s.completeOne(tx, who, store, o, role)
	})
}

// enter loads an organization and returns the caller's role in it: None only
// for operators.
func (s *Service) enter(tx *db.Tx, who *access.Caller, ref string, o *Organization) (access.Role, error) {
	id, err := ident.Parse(ref)
	if err != nil {
		if id, err = idOf(tx, ref); err != nil {
			return access.None, err
		}
	}
	if !who.MayReach(id) {
		return access.None, fault.Missing()
	}
	if err := find(tx, id, o); err != nil {
		return access.None, err
	}
	s.branding.illustrate(o)
	role, err := roleOf(tx, id, who.User)
	if err == nil && role == access.None && !who.Operator {
		err = fault.Missing()
	}
	return role, err
}

// enterAs enters for operators and for those who have one of the roles; others are
// Denied.
func (s *Service) enterAs(tx *db.Tx, who *access.Caller, ref string, roles access.Roles, o *Organization) (access.Role, error) {
	role, err := s.enter(tx, who, ref, o)
	if err == nil && !who.Operator && !roles.Has(role) {
		err = fault.Denied()
	}
	return role, err
}

// storeAge is how long the description of the database is good for.
const storeAge = 10 * time.Second

// described is what the database was like at a time.
type described struct {
	Store
	at time.Time
}

// store describes the database, all but what it holds of an organization. The
// answer may be storeAge old, and older while somebody else asks anew.
func (s *Service) store(ctx context.Context) (Store, error) {
	last, now := s.described.Load(), s.now.Now()
	if last != nil {
		age := now.Sub(last.at)
		if age >= 0 && age < storeAge || !s.describing.TryLock() {
			return last.Store, nil
		}
		defer s.describing.Unlock()
	}
	status, err := s.db.Status(ctx)
	if err != nil {
		return Store{}, err
	}
	store := Store{Engine: status.Engine.String(), Version: status.Version, SchemaVersion: int64(status.Schema),
		Pending: int64(len(status.Pending)), State: "ready", Bytes: status.Bytes}
	if store.Pending > 0 {
		store.State = "migrating"
	}
	s.described.Store(&described{store, now})
	return store, nil
}

// rolesOf returns the caller's role in each organization they belong to.
func rolesOf(tx *db.Tx, who *access.Caller) (map[ident.ID]access.Role, error) {
	list, err := membershipsOf(tx, who.User)
	roles := make(map[ident.ID]access.Role, len(list))
	for _, m := range list {
		roles[m.organization], _ = access.ParseRole(m.role)
	}
	return roles, err
}

// complete fills what belongs to the organizations: the lists of IRIs, the
// seats, and the state of the database for those who may see it.
func (s *Service) complete(tx *db.Tx, who *access.Caller, store Store, items []Organization, roles map[ident.ID]access.Role) error {
	if len(items) == 0 {
		return nil
	}
	if err := companions(tx, items); err != nil {
		return err
	}
	if err := s.fillSeats(tx, items); err != nil {
		return err
	}
	if err := s.fillInvitations(tx, items); err != nil {
		return err
	}
	for _, fill := range s.fill {
		if err := fill(tx, items); err != nil {
			return err
		}
	}
	counts, err := rowCounts(tx, items)
	if err != nil {
		return err
	}
	for i := range items {
		role := roles[items[i].ID]
		if role == access.Guest && !who.Operator { // guests can't follow these
			items[i].Users, items[i].Configs, items[i].Addresses, items[i].Subscriptions, items[i].Modules = nil, nil, nil, nil, nil
			items[i].CurrentSubscription = null.Value[ident.ID]{}
		}
		if !who.Operator && !access.Payers.Has(role) {
			items[i].Invitations = nil
		}
		if who.Operator || seesStores.Has(role) {
			own := store
			own.Rows = counts[items[i].ID]
			if c := items[i].Clearing; c != nil && c.Runs() {
				own.State = "clearing"
			}
			items[i].DatabaseStatus = []Store{own}
		} else {
			items[i].Clearing, items[i].ClearableUntil = nil, null.Value[time.Time]{}
		}
	}
	return nil
}

// completeOne is complete for one organization.
func (s *Service) completeOne(tx *db.Tx, who *access.Caller, store Store, o *Organization, role access.Role) error {
	list := []Organization{*o}
	err := s.complete(tx, who, store, list, map[ident.ID]access.Role{o.ID: role})
	*o = list[0]
	return err
}

// record appends to the organization's own chain.
func (s *Service) record(tx *db.Tx, scope access.Scope, who *access.Caller, e audit.Entry) error {
	e.Scope = scope
	return s.audit.Append(tx, who, e)
}

func (s *Service) membershipChanged(tx *db.Tx, users ...ident.ID) error {
	if s.changed == nil {
		return nil
	}
	return s.changed(tx, users...)
}

// MembersChanged says that something changes which all members' requests go by.
func (s *Service) MembersChanged(tx *db.Tx, scope access.Scope) error {
	return s.membersChanged(tx, scope.Organization())
}

// membersChanged says that the memberships of all members change.
func (s *Service) membersChanged(tx *db.Tx, organization ident.ID) error {
	users, err := usersOf(tx, organization)
	if err != nil {
		return err
	}
	return s.membershipChanged(tx, users...)
}

// IsMember reports whether the user is an active member of the organization,
// within a transaction.
func (s *Service) IsMember(tx *db.Tx, scope access.Scope, user ident.ID) (bool, error) {
	role, err := roleOf(tx, scope.Organization(), user)
	return role != access.None, err
}

// reachLimit bounds how many people one notice is mailed to.
const reachLimit = 100

// Reach lists the addresses of the active members who have one of the roles, for
// notices to them; at most 100. There must be a role.
func (s *Service) Reach(tx *db.Tx, scope access.Scope, roles access.Roles) ([]mail.Address, error) {
	return reach(tx, scope, roles)
}

// Reads reports whether the user is an active member who reads the organization,
// as all but guests do, within a transaction.
func (s *Service) Reads(tx *db.Tx, scope access.Scope, user ident.ID) (bool, error) {
	role, err := roleOf(tx, scope.Organization(), user)
	return access.Readers.Has(role), err
}

// HasRole reports whether the user is an active member with one of the roles, within
// a transaction.
func (s *Service) HasRole(tx *db.Tx, scope access.Scope, user ident.ID, roles access.Roles) (bool, error) {
	role, err := roleOf(tx, scope.Organization(), user)
	return roles.Has(role), err
}

// Silent reports whether nothing may leave the organization: no mail, no call to
// others. The transaction reaches the organization.
func (s *Service) Silent(tx *db.Tx, organization ident.ID) (bool, error) {
	kind, err := typeOf(tx, organization)
	return kind == Demo, err
}

// Rehearses reports whether the organization is there for trying things out, so
// that nothing in it is real. The transaction reaches the organization.
func (s *Service) Rehearses(tx *db.Tx, organization ident.ID) (bool, error) {
	kind, err := typeOf(tx, organization)
	return kind == Demo || kind == Sandbox, err
}
