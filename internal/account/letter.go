package account

import (
	"cmp"

	"sede/internal/fault"
	"sede/internal/mail"
)

// The mails of this feature. language is what the request asked for; a user's own
// choice comes before it. What a stranger typed, such as a name, is in none of
// those that may reach somebody else.

func (u *User) address() mail.Address { return mail.Address{Name: u.Name, Email: u.Username} }

func (u *User) reads(language string) string { return cmp.Or(u.Language.V, language) }

// letterSignUp goes to who signed up.
func letterSignUp(email, language, link string) mail.Message {
	return mail.Message{
		To: mail.Address{Email: email}, Language: language,
		Subject:    fault.Textf("Confirm your e-mail address"),
		Paragraphs: []fault.Text{fault.Textf("Somebody, hopefully you, signed up with this address. Confirm it, and your account is made.")},
		Action:     mail.Action{Label: fault.Textf("Confirm the address"), URL: link},
		After: []fault.Text{
			fault.Textf("The link is good for %d hours.", int(signUpLife.Hours())),
			fault.Textf("If it was not you, don't follow it. There will be no account then."),
		},
	}
}

// letterKnown goes to who signed up and has an account.
func letterKnown(u *User, language string) mail.Message {
	return mail.Message{
		To: u.address(), Language: u.reads(language),
		Subject: fault.Textf("You have an account already"),
		Paragraphs: []fault.Text{
			fault.Textf("Somebody, hopefully you, signed up with this address. It has an account already, which stays as it is."),
			fault.Textf("If you forgot the password, ask for a new one where you sign in."),
		},
	}
}

// letterVerify goes to the address of a user.
func letterVerify(u *User, language, link string) mail.Message {
	return mail.Message{
		To: u.address(), Language: u.reads(language),
		Subject:    fault.Textf("Confirm your e-mail address"),
		Paragraphs: []fault.Text{fault.Textf("You asked to confirm that this address is yours.")},
		Action:     mail.Action{Label: fault.Textf("Confirm the address"), URL: link},
		After:      []fault.Text{fault.Textf("The link is good for %d hours.", int(verifyLife.Hours()))},
	}
}

// letterReset goes to who forgot their password.
func letterReset(u *User, language, link string) mail.Message {
	return mail.Message{
		To: u.address(), Language: u.reads(language),
		Subject:    fault.Textf("Choose a new password"),
		Paragraphs: []fault.Text{fault.Textf("Somebody, hopefully you, asked for a new password for the account with this address.")},
		Action:     mail.Action{Label: fault.Textf("Choose a new password"), URL: link},
		After: []fault.Text{
			fault.Textf("The link is good for %d minutes, once.", int(resetLife.Minutes())),
			fault.Textf("If it was not you, do nothing. Your password stays as it is."),
		},
	}
}

// letterPasswordSet goes to whose password was changed.
func letterPasswordSet(u *User, language string) mail.Message {
	return mail.Message{
		To: u.address(), Language: u.reads(language),
		Subject:    fault.Textf("Your password was changed"),
		Paragraphs: []fault.Text{fault.Textf("The password of your account was changed. All other sessions were ended.")},
		After:      []fault.Text{fault.Textf("If it was not you, ask for a new password at once, where you sign in.")},
	}
}

// letterChange goes to the new address of a user.
func letterChange(u *User, language, email, link string) mail.Message {
	return mail.Message{
		To: mail.Address{Email: email}, Language: u.reads(language),
		Subject:    fault.Textf("Confirm your new e-mail address"),
		Paragraphs: []fault.Text{fault.Textf("Confirm that you want to sign in with this address from now on.")},
		Action:     mail.Action{Label: fault.Textf("Confirm the address"), URL: link},
		After: []fault.Text{
			fault.Textf("The link is good for %d hours.", int(changeLife.Hours())),
			fault.Textf("If you did not ask for it, do nothing."),
		},
	}
}

// letterTaken goes to the user of an address that another wants to have.
func letterTaken(other *User, language string) mail.Message {
	return mail.Message{
		To: other.address(), Language: other.reads(language),
		Subject:    fault.Textf("You have an account already"),
		Paragraphs: []fault.Text{fault.Textf("Somebody, hopefully you, wants to use this address for another account. It has an account already, so nothing was changed.")},
	}
}

// letterChangeAsked goes to the address that a user has while they ask for another.
func letterChangeAsked(u *User, language, email string) mail.Message {
	return mail.Message{
		To: u.address(), Language: u.reads(language),
		Subject:    fault.Textf("A new e-mail address for your account"),
		Paragraphs: []fault.Text{fault.Textf("You asked to sign in with %s from now on. It counts once that address is confirmed.", email)},
		After:      []fault.Text{fault.Textf("If it was not you, change your password now.")},
	}
}

// letterChanged goes to the address that a user no longer has.
func letterChanged(before *User, email string) mail.Message {
	return mail.Message{
		To: before.address(), Language: before.reads(""),
		Subject:    fault.Textf("A new e-mail address for your account"),
		Paragraphs: []fault.Text{fault.Textf("You sign in with %s from now on.", email)},
		After:      []fault.Text{fault.Textf("If it was not you, tell those who run this service at once.")},
	}
}
