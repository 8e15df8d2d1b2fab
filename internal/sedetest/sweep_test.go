package sedetest_test

import (
	"strings"
	"testing"

	"sede/internal/app"
	"sede/internal/sedetest"
	"sede/internal/stripe/stripefake"
)

// dot is an image of one pixel.
const dot = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x10\x20\x30\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// linkToken has the form of the tokens in mails and is none.
const linkToken = "c29tZXRoaW5nIHRoYXQgd2FzIG5ldmVyIG1haWxlZCE"

// mailedToken runs the jobs and returns the token of the newest link to an address.
func mailedToken(in *sedetest.Instance, to string) string {
	in.T().Helper()
	in.RunJobs()
	var mails []struct{ Links []string }
	in.With("").Do("GET", "/dev/mailbox?limit=1&to="+to, "", "Accept", "application/json").JSON(in.T(), &mails)
	if len(mails) != 1 || len(mails[0].Links) == 0 {
		in.T().Fatalf("no link was mailed to %s: %v", to, mails)
	}
	_, token, _ := strings.Cut(mails[0].Links[0], "token=")
	return token
}

// spareSession returns a session of demo's owner that nothing else needs.
func spareSession(in *sedetest.Instance) string {
	in.T().Helper()
	in.SignIn("owner@demo.example")
	var page struct {
		Members []struct {
			ID      string
			Current bool
		} `json:"hydra:member"`
	}
	in.As("owner@demo.example", "").Do("GET", "/sessions", "").JSON(in.T(), &page)
	for _, s := range page.Members {
		if !s.Current {
			return s.ID
		}
	}
	in.T().Fatal("the owner has no other session")
	return ""
}

// departure has an archive made, and returns the transfer.
func departure(in *sedetest.Instance) string {
	var t struct{ ID string }
	in.As("owner@demo.example", "demo").Must("POST", "/organizations/demo/archive", "").JSON(in.T(), &t)
	in.RunJobs()
	return t.ID
}

// arrival returns an import of demo's owner.
func arrival(in *sedetest.Instance) string {
	in.T().Helper()
	other := in.As("owner@other.example", "other").Do("GET", "/organizations/other/archive", "")
	var begun struct{ ID string }
	in.As("owner@demo.example", "demo").Do("POST", "/organizations/import", sedetest.Form("file", other.Body)).JSON(in.T(), &begun)
	return begun.ID
}

// TestSweep tries every operation as those who may not use it.
func TestSweep(t *testing.T) {
	stripe := func(c *app.Config) {
		c.Stripe = app.StripeSettings{Key: stripefake.Key, Secrets: []string{stripefake.Secret}, URL: stripefake.Start(t, c.Clock).URL}
	}
	sedetest.Sweep(t, stripe, sedetest.Samples{
		"PATCH /organization-configs/{id}":        `{"value":"PLN"}`,
		"POST /organization-addresses":            `{"name":"Sweep","streetLine":"Rua Augusta","postCode":"1100-048","city":"Lisboa","country":"/countries/PT"}`,
		"PATCH /organizations/mail-footer":        `{"mailFooter":"<p>{{name}}</p>"}`,
		"POST /organization-configs":              `{"key":"currency","value":"PLN"}`,
		"POST /meetings":                          `{"employee":null,"dateFrom":"2030-01-02T09:00:00+00:00","dateTo":"2030-01-03T09:00:00+00:00"}`,
		"POST /products":                          `{"id":"sweep","names":[{"language":"en","name":"Sweep"}],"prices":[{"currency":"EUR","interval":"monthly","flat":100}]}`,
		"POST /coupons":                           `{"code":"SWEEP","percent":10}`,
		"POST /organizations/clear":               `{"confirm":"demo"}`,
		"POST /organizations/icon":                sedetest.Form("file", dot),
		"POST /organizations/logo":                sedetest.Form("file", dot),
		"POST /meetings/import":                   "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
		"POST /integrations/kontomatik/setup":     `{"country":"PT","redirectUri":"https://app.example/back"}`,
		"POST /payment-methods":                   `{"returnUrl":"https://app.example/back"}`,
		"POST /organizations/{id}/billing-portal": `{"returnUrl":"https://app.example/back"}`,
		"POST /languages":                         `{"id":"kl-GL"}`,
		"POST /users/me/password":                 `{"currentPassword":"` + sedetest.Password + `","password":"another good one"}`,
		"POST /organization-user-invitations":     `{"email":"sweep@new.example"}`,
		"POST /api-keys":                          `{"name":"Export","scopes":["locations:read"]}`,
		"POST /webhook-endpoints":                 `{"url":"https://app.example/hooks","events":["*"]}`,
		"POST /users/confirm":                     `{"token":"` + linkToken + `"}`,
		"POST /users/reset-password":              `{"token":"` + linkToken + `","password":"another good one"}`,
		"POST /users/me/email":                    `{"currentPassword":"` + sedetest.Password + `","email":"owner@new.example"}`,
		"POST /subscriptions":                     `{"products":["/products/bank"],"seats":50}`,
	},
		sedetest.Trial{Operation: "DELETE /organizations/{id}"},
		sedetest.Trial{Operation: "POST /organizations/{id}/reopen"},
		sedetest.Trial{Operation: "DELETE /organization-addresses/{id}", On: "spare-address"},
		sedetest.Trial{Operation: "POST /billing/drift/{id}/push-ours", On: "drift-push"},
		sedetest.Trial{Operation: "POST /billing/drift/{id}/take-theirs", On: "drift-take"},
		sedetest.Trial{Operation: "POST /subscriptions/{id}/cancel", Body: func(*sedetest.Instance) string { return `{"atPeriodEnd":false}` }},
		sedetest.Trial{Operation: "POST /subscriptions"},
		sedetest.Trial{Operation: "POST /integrations/kontomatik/pull", Body: connection},
		sedetest.Trial{Operation: "POST /integrations/kontomatik/revoke", Body: connection},
		sedetest.Trial{Operation: "POST /organizations/{id}/clock", Body: func(*sedetest.Instance) string { return `{"days": 1}` }},
		sedetest.Trial{Operation: "GET /organization-transfers/{id}/file", Key: departure},
		sedetest.Trial{Operation: "POST /organizations/{id}/reset"},
		sedetest.Trial{Operation: "POST /payment-matches/{id}/confirm", On: "paid-match"},
		sedetest.Trial{Operation: "POST /payment-matches/{id}/dismiss", On: "spare-match"},
		sedetest.Trial{Operation: "PATCH /organization-users/{id}", On: "guest-member"},
		sedetest.Trial{Operation: "DELETE /organization-users/{id}", On: "guest-member"},
		sedetest.Trial{Operation: "POST /organizations/clear"},
		sedetest.Trial{Operation: "POST /organizations/restore", Body: afterJobs},
		sedetest.Trial{Operation: "POST /organization-users/{id}/transfer-ownership", On: "admin-member", Body: afterJobs},
		sedetest.Trial{Operation: "POST /meetings/import", Query: "?employee=/employees/<ana>"},
		sedetest.Trial{Operation: "POST /organization-configs"}, // after a removal
		sedetest.Trial{Operation: "GET /organization-transfers/{id}", Key: arrival},
		sedetest.Trial{Operation: "POST /organizations/import", Body: func(in *sedetest.Instance) string {
			return sedetest.Form("file", in.As("owner@other.example", "other").Do("GET", "/organizations/other/archive", "").Body)
		}},
		sedetest.Trial{Operation: "POST /invitations/accept", Body: func(in *sedetest.Instance) string {
			return `{"token":"` + sedetest.InviteToOther(in, "Token") + `"}`
		}},
		sedetest.Trial{Operation: "POST /users/confirm", Body: func(in *sedetest.Instance) string {
			in.With("").Do("POST", "/users", `{"username":"sweep@new.example","name":"Sweep","password":"a good new one"}`)
			return `{"token":"` + mailedToken(in, "sweep@new.example") + `"}`
		}},
		sedetest.Trial{Operation: "POST /users/reset-password", Body: func(in *sedetest.Instance) string {
			in.With("").Do("POST", "/users/forgot-password", `{"username":"guest@demo.example"}`)
			return `{"token":"` + mailedToken(in, "guest@demo.example") + `","password":"another good one"}`
		}},
		sedetest.Trial{Operation: "DELETE /sessions/{id}", Key: spareSession},
		sedetest.Trial{Operation: "DELETE /organization-modules/{id}"}, // after what is part of it
		sedetest.Trial{Operation: "POST /users/me/password"})           // which ends sessions
}

// afterJobs is an empty body, once the jobs have run.
func afterJobs(in *sedetest.Instance) string {
	in.RunJobs()
	return ""
}

// connection names the bank connection of the demo.
func connection(in *sedetest.Instance) string {
	return `{"integration":"/integrations/` + in.Names["bank"] + `"}`
}
