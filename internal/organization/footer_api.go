package organization

import (
	"time"

	"sede/internal/fault"
	"sede/internal/footer"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/null"
)

// storedFooterFields are what is kept of a footer.
var storedFooterFields = []hydra.Field[MailFooter]{
	hydra.ID(func(f *MailFooter) *ident.ID { return &f.Organization }),
	hydra.Ref("organization", "Organization", func(f *MailFooter) *ident.ID { return &f.Organization }).ReadOnly(),
	hydra.NullText("mailFooter", func(f *MailFooter) *null.Value[string] { return &f.HTML }).Lines().Length(0, footer.Most).
		Doc("What ends every mail of the organization, as HTML of tables, inline styles and images over https; null: nothing. " +
			"What is not fit for mail is taken out. Placeholders are filled in when a mail is sent: " + footer.Placeholders() + ".").
		Example("<p>{{logo}}<br>{{name}}, {{address}}</p>"),
	hydra.NullTime("updatedAt", func(f *MailFooter) *null.Value[time.Time] { return &f.UpdatedAt }).ReadOnly().
		Doc("When it was changed; null when there never was one."),
}

var footerFields = append(storedFooterFields[:len(storedFooterFields):len(storedFooterFields)],
	hydra.Text("mailFooterText", func(f *MailFooter) *string { return &f.Text }).ReadOnly().Lines().
		Doc("The plain twin, which ends the plain part of mails."),
	hydra.Text("mailFooterPreview", func(f *MailFooter) *string { return &f.Preview }).ReadOnly().Lines().
		Doc("The HTML as mails have it, with the name, logo and address of the organization."),
	hydra.Objects("mailFooterWarnings", func(f *MailFooter) *[]footer.Warning { return &f.Warnings },
		hydra.Text("client", func(w *footer.Warning) *string { return &w.Client }).OneOf(footer.Clients()...).
			Doc("Which program for mail breaks it."),
		hydra.Text("code", func(w *footer.Warning) *string { return &w.Code }).Doc("Names what it breaks."),
		hydra.Sentence("message", func(w *footer.Warning) fault.Text { return w.Text }).Doc("What happens, and what helps, in the reader's language."),
	).ReadOnly().Doc("What programs for mail break of it."),
)

func (s *Service) footerResource() hydra.Declaration {
	return hydra.Resource[MailFooter]{
		Name: "OrganizationMailFooter", Path: "/organizations/{id}/mail-footer",
		Doc:      "What ends every mail that an organization sends.",
		Fields:   footerFields,
		Version:  func(f *MailFooter) int64 { return f.Version },
		Volatile: true, // the preview shows the organization as it is
		Operations: []hydra.Operation{
			hydra.Get[MailFooter]{Access: maySee, Do: s.MailFooterOf},
		},
	}
}

// footerOperations are those of the organization that was chosen.
func (s *Service) footerOperations() []hydra.Operation {
	const path = "/organizations/mail-footer"
	return []hydra.Operation{
		hydra.Get[MailFooter]{Path: path, Access: mayRead, Do: s.MailFooter,
			Detail: "It is what ends every mail that the organization sends."},
		hydra.Update[MailFooter]{Path: path, Access: mayBrand, Do: s.UpdateMailFooter,
			Detail: "It sets what ends every mail that the organization sends, and answers with what was stored of it."},
	}
}
