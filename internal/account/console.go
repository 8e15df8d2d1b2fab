package account

import (
	"net/http"
	"net/url"

	"sede/internal/console"
	"sede/internal/fault"
	"sede/internal/throttle"
)

// pages are what links in mails lead to.
func (s *Service) pages() []console.Page {
	return []console.Page{
		{Path: "/verify", Class: throttle.SignIn, Show: showVerify, Submit: s.submitVerify},
		{Path: "/reset-password", Class: throttle.PasswordReset, Show: s.showReset, Submit: s.submitReset},
	}
}

func carried(query url.Values) []console.Hidden {
	return []console.Hidden{{Name: "token", Value: query.Get("token")}}
}

func showVerify(_ *http.Request, query url.Values) (console.View, error) {
	return console.View{
		Title:      fault.Textf("Confirm your e-mail address"),
		Paragraphs: []fault.Text{fault.Textf("One more click, and we know that mail reaches you.")},
		Form:       console.Form{Hidden: carried(query), Button: fault.Textf("Confirm the address")},
	}, nil
}

func (s *Service) submitVerify(r *http.Request, form url.Values) (console.View, error) {
	if err := s.Confirm(s.WithRequest(r), form.Get("token")); err != nil {
		return console.View{}, err
	}
	return console.View{
		Title:      fault.Textf("Your e-mail address is confirmed"),
		Paragraphs: []fault.Text{fault.Textf("You can close this page and sign in.")},
	}, nil
}

func (s *Service) showReset(r *http.Request, query url.Values) (console.View, error) {
	if err := s.CheckReset(r.Context(), query.Get("token")); err != nil {
		return console.View{}, err
	}
	return console.View{
		Title:      fault.Textf("Choose a new password"),
		Paragraphs: []fault.Text{fault.Textf("You are signed out everywhere then, and sign in with the new one.")},
		Form: console.Form{
			Hidden: carried(query),
			Inputs: []console.Input{{
				Name: "password", Kind: "password", Autocomplete: "new-password", Min: MinPassword, Max: MaxPassword,
				Label: fault.Textf("New password"), Hint: fault.Textf("%d characters or more.", MinPassword),
			}},
			Button: fault.Textf("Set the password"),
		},
	}, nil
}

func (s *Service) submitReset(r *http.Request, form url.Values) (console.View, error) {
	if err := s.ResetPassword(s.WithRequest(r), form.Get("token"), form.Get("password")); err != nil {
		return console.View{}, err
	}
	return console.View{
		Title:      fault.Textf("Your password was changed"),
		Paragraphs: []fault.Text{fault.Textf("You can close this page and sign in.")},
	}, nil
}
