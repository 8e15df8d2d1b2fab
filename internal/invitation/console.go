package invitation

import (
	"net/http"
	"net/url"

	"sede/internal/account"
	"sede/internal/console"
	"sede/internal/fault"
	"sede/internal/organization"
	"sede/internal/throttle"
)

// pages are what links in mails lead to.
func (s *Service) pages() []console.Page {
	return []console.Page{{Path: pagePath, Class: throttle.SignIn, Show: s.showInvitation, Submit: s.submitInvitation}}
}

// showInvitation says who invites to what, and asks for what is needed to come in.
func (s *Service) showInvitation(r *http.Request, query url.Values) (console.View, error) {
	token := query.Get("token")
	i, how, err := s.Look(r.Context(), token)
	if err != nil {
		return console.View{}, err
	}
	view := console.View{
		Title:      fault.Textf("Your invitation"),
		Paragraphs: []fault.Text{fault.Textf("%s invites you to become a member of the organization %s.", i.InvitedBy, i.Organization)},
		Form:       console.Form{Hidden: []console.Hidden{{Name: "token", Value: token}}, Button: fault.Textf("Accept the invitation")},
	}
	switch how {
	case Newcomer:
		view.Paragraphs = append(view.Paragraphs, fault.Textf("Your account will have the address %s.", i.Email))
		view.Form.Inputs = []console.Input{
			{Name: "name", Kind: "text", Autocomplete: "name", Label: fault.Textf("Your name")},
			{Name: "password", Kind: "password", Autocomplete: "new-password", Min: account.MinPassword, Max: account.MaxPassword,
				Label: fault.Textf("New password"), Hint: fault.Textf("%d characters or more.", account.MinPassword)},
		}
	case Doubtful:
		view.Paragraphs = append(view.Paragraphs, fault.Textf("There is an account with the address %s. Its password shows that it is yours.", i.Email))
		view.Form.Inputs = []console.Input{
			{Name: "password", Kind: "password", Autocomplete: "current-password", Label: fault.Textf("Password")},
		}
	}
	return view, nil
}

// submitInvitation makes a member of who sends the form.
func (s *Service) submitInvitation(r *http.Request, form url.Values) (console.View, error) {
	var m organization.Member
	in := Acceptance{Token: form.Get("token"), Name: form.Get("name"), Password: form.Get("password")}
	if err := s.Accept(s.accounts.WithRequest(r), nil, &in, &m); err != nil {
		return console.View{}, err
	}
	return console.View{
		Title:      fault.Textf("You are a member now"),
		Paragraphs: []fault.Text{fault.Textf("You can close this page and sign in.")},
	}, nil
}
