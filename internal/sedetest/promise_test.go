package sedetest_test

import (
	"net/http"
	"strings"
	"testing"

	"sede/internal/db"
	"sede/internal/sedetest"
)

// promised are the operations that clients were promised first, with the sentence
// that documentation carries for each, and the fields of their resources. They stay
// under these names.
const promised = `
Organization id type status name slug stripeCustomerId manualBilling databaseStatus organizationUsers organizationUserInvitations organizationModules subscriptions organizationConfigs organizationAddresses createdAt updatedAt demo productionLike currentSubscription
GET /organizations
GET /organizations/{id}
POST /organizations
POST /organizations/clear
POST /organizations/icon
POST /organizations/logo
GET /organizations/mail-footer
PATCH /organizations/mail-footer

Location name officeOpenHour officeCloseHour
GET /locations
GET /locations/{id}
POST /locations
PATCH /locations/{id}

Country id
GET /countries
GET /countries/{id}

Language id
GET /languages
GET /languages/{id}
POST /languages

Integration
POST /integrations/kontomatik/pull
POST /integrations/kontomatik/revoke
POST /integrations/kontomatik/setup

Meeting employee dateFrom dateTo notes time
GET /meetings
GET /meetings/{id}
POST /meetings
PATCH /meetings/{id}

Subscription id organization organizationAddress type paymentMethod products seats modules status externalId metadata createdAt updatedAt active awaiting
GET /subscriptions
GET /subscriptions/{id}
GET /subscriptions/{id}/invoices
POST /subscriptions
POST /subscriptions/{id}/cancel
POST /subscriptions/apply-coupon
POST /subscriptions/clear-coupon
`

// TestPromise looks for all of it in the OpenAPI document.
func TestPromise(t *testing.T) {
	t.Parallel()
	answer := sedetest.New(t, db.SQLite).As("", "").Do(http.MethodGet, "/docs.jsonopenapi", "")
	var document struct {
		Paths map[string]map[string]struct {
			Summary, Description string
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	answer.JSON(t, &document)
	for resource := range strings.SplitSeq(strings.TrimSpace(promised), "\n\n") {
		lines := strings.Split(resource, "\n")
		fields := strings.Fields(lines[0])
		name := fields[0]
		for _, field := range fields[1:] {
			if _, ok := document.Components.Schemas[name].Properties[field]; !ok {
				t.Errorf("%s has no field %s", name, field)
			}
		}
		for _, line := range lines[1:] {
			method, path, _ := strings.Cut(line, " ")
			want := sentence(method, path, name)
			said := document.Paths[path][strings.ToLower(method)]
			if said.Summary != want {
				t.Errorf("%s: %q, want %q", line, said.Summary, want)
			}
			if method == http.MethodPost && strings.Count(path, "/") > 1 && len(said.Description) <= len(want) {
				t.Errorf("%s creates nothing, and its description does not say what it does", line)
			}
		}
	}
}

// sentence is what documentation says of an operation.
func sentence(method, path, name string) string {
	switch {
	case method == http.MethodPost:
		return "Creates a " + name + " resource."
	case method == http.MethodPatch:
		return "Updates the " + name + " resource."
	case strings.HasSuffix(path, "{id}") || strings.HasSuffix(path, "/mail-footer"):
		return "Retrieves a " + name + " resource."
	}
	return "Retrieves the collection of " + name + " resources."
}
