package invitation

import (
	"net/url"

	"sede/internal/fault"
	"sede/internal/mail"
)

// link is where the mail leads to.
func (s *Service) link(token string) string {
	return s.baseURL + "/console" + pagePath + "?token=" + url.QueryEscape(token)
}

// letter is the mail that invites.
func letter(i *Invitation, organization, language, link string) mail.Message {
	return mail.Message{
		To: mail.Address{Email: i.Email}, Language: language,
		Subject:    fault.Textf("%s invites you to %s", i.InvitedBy, organization),
		Paragraphs: []fault.Text{fault.Textf("%s invites you to become a member of the organization %s.", i.InvitedBy, organization)},
		Action:     mail.Action{Label: fault.Textf("See the invitation"), URL: link},
		After: []fault.Text{
			fault.Textf("The link is good for %d days, once.", int(life.Hours()/24)),
			fault.Textf("If you don't know who invites you, do nothing."),
		},
	}
}
