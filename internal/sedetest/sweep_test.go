package sedetest_test

import (
	"testing"

	"sede/internal/sedetest"
)

// dot is an image of one pixel.
const dot = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x10\x20\x30\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// TestSweep tries every operation as those who may not use it.
func TestSweep(t *testing.T) {
	sedetest.Sweep(t, sedetest.Samples{
		"PATCH /organization-configs/{id}":    `{"value":"PLN"}`,
		"POST /organization-configs":          `{"key":"currency","value":"PLN"}`,
		"POST /meetings":                      `{"employee":null,"dateFrom":"2030-01-02T09:00:00+00:00","dateTo":"2030-01-03T09:00:00+00:00"}`,
		"POST /products":                      `{"id":"sweep","names":[{"language":"en","name":"Sweep"}],"prices":[{"currency":"EUR","interval":"monthly","flat":100}]}`,
		"POST /coupons":                       `{"code":"SWEEP","percent":10}`,
		"POST /organizations/icon":            sedetest.Form("file", dot),
		"POST /organizations/logo":            sedetest.Form("file", dot),
		"POST /meetings/import":               "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
		"POST /languages":                     `{"id":"kl-GL"}`,
		"POST /users/me/password":             `{"currentPassword":"` + sedetest.Password + `","password":"another good one"}`,
		"POST /organization-user-invitations": `{"email":"sweep@new.example"}`,
		"PATCH /organization-configs/{id}": `{"value":"PLN"}`,
		"POST /organization-configs":       `{"key":"currency","value":"PLN"}`,
		"POST /meetings":                   `{"employee":null,"dateFrom":"2030-01-02T09:00:00+00:00","dateTo":"2030-01-03T09:00:00+00:00"}`,
		"POST /products":                   `{"id":"sweep","names":[{"language":"en","name":"Sweep"}],"prices":[{"currency":"EUR","interval":"monthly","flat":100}]}`,
		"POST /coupons":                    `{"code":"SWEEP","percent":10}`,
		"POST /organizations/icon":         sedetest.Form("file", dot),
		"POST /organizations/logo":         sedetest.Form("file", dot),
		"POST /meetings/import":            "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
		"POST /api-keys":                   `{"name":"Export","scopes":["locations:read"]}`,
		"POST /languages":                  `{"id":"kl-GL"}`,
		"POST /users/me/password":          `{"currentPassword":"` + sedetest.Password + `","password":"another good one"}`,
	},
		sedetest.Trial{Operation: "PATCH /organization-users/{id}", On: "guest-member"},
		sedetest.Trial{Operation: "DELETE /organization-users/{id}", On: "guest-member"},
		sedetest.Trial{Operation: "POST /organization-users/{id}/transfer-ownership", On: "admin-member"},
		sedetest.Trial{Operation: "POST /meetings/import", Query: "?employee=/employees/<ana>"},
		sedetest.Trial{Operation: "POST /organization-configs"}, // after a removal
		sedetest.Trial{Operation: "POST /invitations/accept", Body: func(in *sedetest.Instance) string {
			return `{"token":"` + sedetest.InviteToOther(in, "Token") + `"}`
		}})
}
