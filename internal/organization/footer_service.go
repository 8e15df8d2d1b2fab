package organization

import (
	"context"
	"time"

	"golang.org/x/text/language"

	"sede/internal/access"
	"sede/internal/audit"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/footer"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/phrase"
)

// SetCountryNames sets who knows the names of countries in a reader's language.
// Without it codes stand in addresses.
func (s *Service) SetCountryNames(name func(id string, reader language.Tag) string) {
	s.countryName = name
}

// MailFooter loads the footer of the caller's organization, as the reader's mail
// shows it.
func (s *Service) MailFooter(ctx context.Context, who *access.Caller, _ string, f *MailFooter) error {
	if err := mayRead.Check(who); err != nil {
		return err
	}
	return s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error {
		return s.showFooter(tx, who.Scope(), hydra.Reader(ctx), f)
	})
}

// MailFooterOf loads the footer of the organization with the id or slug; Missing
// for those who do not belong to it.
func (s *Service) MailFooterOf(ctx context.Context, who *access.Caller, ref string, f *MailFooter) error {
	if err := maySee.Check(who); err != nil {
		return err
	}
	return s.db.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		var o Organization
		if _, err := s.enterAs(tx, who, ref, access.Readers, &o); err != nil {
			return err
		}
		return s.showFooter(tx, access.System(o.ID), hydra.Reader(ctx), f)
	})
}

// UpdateMailFooter changes the footer of the caller's organization. The HTML is
// stored clean.
func (s *Service) UpdateMailFooter(ctx context.Context, who *access.Caller, _ string, f *MailFooter, apply func() error) error {
	if err := mayBrand.Check(who); err != nil {
		return err
	}
	clean, err := s.cleanBefore(ctx, who, f, apply)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, who.Scope(), func(tx *db.Tx) error {
		if err := tx.Lock("organization/mail-footer/" + who.Organization.String()); err != nil {
			return err
		}
		if err := findFooter(tx, who.Scope(), f); err != nil {
			return err
		}
		before := *f
		if err := apply(); err != nil {
			return err
		}
		if err := clean.into(f); err != nil {
			return err
		}
		if f.HTML == before.HTML {
			return s.showFooter(tx, who.Scope(), hydra.Reader(ctx), f)
		}
		f.Version, f.UpdatedAt = f.Version+1, null.Of(s.now.Now().Truncate(time.Second))
		putFooter(tx, who.Scope(), f)
		entry := audit.Entry{Action: "update", Resource: "OrganizationMailFooter", Key: who.Organization.String(),
			Before: hydra.JSON(storedFooterFields, &before), After: hydra.JSON(storedFooterFields, f)}
		if err := s.record(tx, who.Scope(), who, entry); err != nil {
			return err
		}
		return s.showFooter(tx, who.Scope(), hydra.Reader(ctx), f)
	})
}

// cleaned is HTML that was cleaned before the transaction that stores it, since
// that can take long.
type cleaned struct {
	cleaner      *footer.Cleaner
	source, html string
	broken       []fault.Text
}

// cleanBefore cleans what comes of the change to the footer as it is now. What
// speaks against the change is left to the transaction.
func (s *Service) cleanBefore(ctx context.Context, who *access.Caller, f *MailFooter, apply func() error) (*cleaned, error) {
	c := cleaned{cleaner: s.cleaner}
	err := s.db.Read(ctx, who.Scope(), func(tx *db.Tx) error { return findFooter(tx, who.Scope(), f) })
	if err == nil && apply() == nil {
		c.clean(f.HTML.V)
	}
	return &c, err
}

func (c *cleaned) clean(source string) {
	c.source = source
	c.html, c.broken = c.cleaner.Clean(source)
}

// into makes the HTML of a footer clean, or says what the author must mend.
func (c *cleaned) into(f *MailFooter) error {
	if f.HTML.V != c.source {
		c.clean(f.HTML.V)
	}
	var list []fault.Violation
	for _, text := range c.broken {
		list = append(list, fault.Violation{Path: "mailFooter", Text: text})
	}
	f.HTML = null.Value[string]{V: c.html, Valid: c.html != ""}
	return fault.Broken(list...)
}

// showFooter loads the scope's footer and fills it in for a reader.
func (s *Service) showFooter(tx *db.Tx, scope access.Scope, reader language.Tag, f *MailFooter) error {
	if err := findFooter(tx, scope, f); err != nil || !f.HTML.Valid {
		return err
	}
	values, err := s.footerValues(tx, scope, reader)
	if err != nil {
		return err
	}
	return f.render(&values)
}

// footerValues are what placeholders of the organization stand for.
func (s *Service) footerValues(tx *db.Tx, scope access.Scope, reader language.Tag) (v footer.Values, err error) {
	var o Organization
	if err := find(tx, scope.Organization(), &o); err != nil {
		return v, err
	}
	s.branding.illustrate(&o)
	settings, err := s.Settings(tx, scope)
	if err != nil {
		return v, err
	}
	v = footer.Values{Name: o.Name, ShortName: settings.ShortName, Website: settings.Website,
		Logo: shownImage(o.Logo, maxLogoWidth, maxLogoHeight), Icon: shownImage(o.Icon, maxIcon, maxIcon)}
	var a Address
	id, err := firstAddress(tx, scope)
	if err == nil {
		err = findAddress(tx, scope, id, &a)
	}
	if fault.Is(err, fault.NotFound) {
		return v, nil
	}
	country := a.Country
	if s.countryName != nil {
		country = s.countryName(a.Country, reader)
	}
	v.Address, v.Email, v.Phone, v.VATNumber, v.TIN = a.line(country), a.Email.V, a.PhoneNumber.V, a.VATNumber.V, a.TIN.V
	return v, err
}

// FooterOf is what ends a mail of the organization in the reader's language: HTML
// and its plain twin, both empty without a footer or an organization.
func (s *Service) FooterOf(ctx context.Context, organization ident.ID, reader string) (html, text string, err error) {
	var f MailFooter
	scope := access.System(organization)
	err = s.db.Read(ctx, scope, func(tx *db.Tx) error {
		return s.showFooter(tx, scope, phrase.Match(reader).Tag(), &f)
	})
	if fault.Is(err, fault.NotFound) {
		return "", "", nil
	}
	return f.Preview, f.Text, err
}
