package organization

import (
	"context"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/feature"
	"sede/internal/footer"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/webhook"
)

// New returns the use cases.
func New(p feature.Platform) *Service {
	return &Service{db: p.DB, audit: p.Audit, ids: p.IDs, now: p.Clock, problem: p.Problem, jobs: p.Jobs, mail: p.Mail,
		branding: newBranding(p.Blobs, p.BaseURL), cleaner: footer.NewCleaner()}
}

// Module hands the feature to the composition.
func (s *Service) Module() feature.Module {
	return feature.Module{
		Resources: s.resources(), Routes: s.imageRoutes(s.problem), Describe: []hydra.Describe{describeImages},
		Workers: []jobs.Worker{purging.Worker(s.purge), resetting.Worker(s.reset)},
		Due:     []jobs.Due{s.due()},
		Events:  webhook.Changes("Organization", "OrganizationUser", "OrganizationConfig", "OrganizationAddress", "OrganizationMailFooter"),
		Schedules: []jobs.Schedule{
			{Name: "organization.reset", Every: resetEvery, Do: s.resetAll},
		},
	}
}

// Membership is one organization that a user belongs to.
type Membership struct {
	Organization ident.ID
	Slug         string
	Role         access.Role
	ReadOnly     bool // the organization is suspended or closing
	Closing      bool // it is closing
}

// Memberships returns the organizations in which the user is active, the
// oldest first.
func (s *Service) Memberships(ctx context.Context, user ident.ID) (list []Membership, err error) {
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		found, err := membershipsOf(tx, user)
		list = make([]Membership, len(found))
		for i, m := range found {
			role, _ := access.ParseRole(m.role)
			list[i] = Membership{Organization: m.organization, Slug: m.slug, Role: role, ReadOnly: m.status != Active, Closing: m.status == Closing}
		}
		return err
	})
	return list, err
}

// Find returns the organization with that id or slug, or Missing.
func (s *Service) Find(ctx context.Context, ref string) (id ident.ID, err error) {
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		given, err := ident.Parse(ref)
		if err != nil {
			id, err = idOf(tx, ref)
			return err
		}
		id = given
		return find(tx, given, new(Organization))
	})
	return id, err
}

// Share reports whether the users are active in one organization both.
func (s *Service) Share(ctx context.Context, a, b ident.ID) (yes bool, err error) {
	err = s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		yes, err = share(tx, a, b)
		return err
	})
	return yes, err
}
