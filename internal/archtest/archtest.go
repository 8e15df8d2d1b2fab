// Package archtest holds sede's structure to the rules of ARCHITECTURE.md. The
// rules are the tables of this file; the test reads the source and says which
// file breaks which of them.
//
// A new feature is one line in the layer "feature", with the features that it
// may use. What stands in no table fails the test.
package archtest

// layer is a set of packages that may import all packages of the layers below.
type layer struct {
	name     string
	packages map[string]string // by its folder: the packages of its own layer that it may import
}

// layers lists all packages, from the bottom to the top.
func layers() []layer {
	return []layer{
		{"kernel", map[string]string{
			"internal/access": "internal/fault internal/ident",
			"internal/clock":  "",
			"internal/fault":  "",
			"internal/ident":  "",
			"internal/money":  "",
			"internal/null":   "",
			"internal/page":   "internal/ident",
		}},
		{"platform", map[string]string{
			"internal/archive":  "internal/blob internal/db internal/secret",
			"internal/audit":    "internal/db internal/hydra internal/throttle",
			"internal/blob":     "",
			"internal/console":  "internal/hydra internal/phrase internal/throttle",
			"internal/db":       "",
			"internal/feature":  "internal/audit internal/blob internal/console internal/db internal/hydra internal/jobs internal/mail internal/secret internal/webhook",
			"internal/footer":   "",
			"internal/holiday":  "",
			"internal/ical":     "",
			"internal/hydra":    "internal/db internal/phrase internal/secret internal/throttle",
			"internal/jobs":     "internal/audit internal/db internal/hydra internal/secret",
			"internal/mail":     "internal/db internal/hydra internal/jobs internal/phrase internal/secret",
			"internal/outbound": "",
			"internal/pdf":      "",
			"internal/phrase":   "",
			"internal/picture":  "",
			"internal/sealing":  "internal/audit internal/db internal/secret",
			"internal/secret":   "",
			"internal/tax":      "",
			"internal/taxid":    "",
			"internal/throttle": "",
			"internal/web":      "",
			"internal/webhook":  "internal/audit internal/db internal/hydra internal/jobs internal/outbound internal/secret internal/throttle",
		}},
		{"protocol", map[string]string{
			"internal/bank/kontomatik": "",
			"internal/bank/sandbox":    "",
			"internal/stripe":          "",
		}},
		{"feature", map[string]string{
			"internal/account":      "",
			"internal/billing":      "internal/coupon internal/organization internal/product",
			"internal/bank":         "",
			"internal/clearing":     "internal/organization",
			"internal/coupon":       "",
			"internal/employee":     "",
			"internal/entitlement":  "internal/organization internal/product",
			"internal/invitation":   "internal/account internal/organization",
			"internal/location":     "",
			"internal/meeting":      "internal/employee internal/location",
			"internal/organization": "internal/reference",
			"internal/payment":      "internal/billing internal/coupon internal/organization internal/product internal/subscription",
			"internal/product":      "",
			"internal/reference":    "",
			"internal/subscription": "internal/billing internal/coupon internal/organization internal/product",
			"internal/transfer":     "internal/organization",
		}},
		{"composition", map[string]string{
			"internal/app": "",
		}},
		{"tests", map[string]string{
			"internal/archtest":             "",
			"internal/sedetest":             "internal/sedetest/blank internal/sedetest/contract internal/sedetest/pgcluster",
			"internal/sedetest/billingtest": "internal/sedetest",
			"internal/sedetest/blank":       "internal/sedetest/pgcluster",
			"internal/sedetest/contract":    "",
			"internal/sedetest/pgcluster":   "",
			"internal/stripe/stripefake":    "",
		}},
		{"command", map[string]string{
			"cmd/sede": "",
		}},
	}
}

// aside are layers that no other may import although they are below.
func aside() []string { return []string{"tests"} }

// features may be imported by these packages only, besides by the features that
// the table above says.
func importsFeatures() []string { return []string{"internal/app"} }

// fileRule keeps imports out of the files of features that have a role.
type fileRule struct {
	file      string // <feature> stands for the package's name
	forbidden []string
}

func fileRules() []fileRule {
	return []fileRule{
		{"<feature>.go", []string{"net/http", "database/sql", "sede/internal/hydra", "sede/internal/console"}},
		{"store.go", []string{"net/http", "sede/internal/hydra", "sede/internal/console"}},
		{"api.go", []string{"database/sql", "sede/internal/db"}},
		{"console.go", []string{"database/sql", "sede/internal/db"}},
	}
}

// owned lists what only some packages may import, tests of a package included
// in it.
func owned() map[string][]string {
	return map[string][]string{
		"database/sql":                                             {"internal/db"},
		"github.com/jackc/pgx/v5":                                  {"internal/db", "internal/sedetest", "internal/sedetest/pgcluster"},
		"zombiezen.com/go/sqlite":                                  {"internal/db", "internal/sedetest"},
		"github.com/pressly/goose/v3":                              {"internal/db"},
		"github.com/gofrs/flock":                                   {"internal/db", "cmd/sede"},
		"github.com/getkin/kin-openapi":                            {"internal/hydra", "internal/account", "internal/meeting", "internal/organization", "internal/payment"},
		"github.com/go-jose/go-jose/v4":                            {"internal/account"},
		"github.com/prometheus":                                    {"internal/jobs", "internal/web"},
		"github.com/alecthomas/kong":                               {"cmd/sede"},
		"github.com/biter777/countries":                            {"internal/reference"},
		"github.com/bojanz/currency":                               {"internal/money", "internal/organization"},
		"github.com/rickar/cal/v2":                                 {"internal/holiday"},
		"github.com/emersion/go-ical":                              {"internal/ical"},
		"github.com/teambition/rrule-go":                           {"internal/ical"},
		"github.com/wneessen/go-mail":                              {"internal/mail"},
		"github.com/microcosm-cc/bluemonday":                       {"internal/footer"},
		"github.com/minio/minio-go/v7":                             {"internal/blob"},
		"golang.org/x/image":                                       {"internal/picture", "internal/pdf"}, // the font of papers
		"codeberg.org/go-pdf/fpdf":                                 {"internal/pdf"},
		"github.com/srwiley/rasterx":                               {"internal/picture"},
		"golang.org/x/time/rate":                                   {"internal/throttle"},
		"sede/internal/sedetest/contract":                          {"internal/sedetest", "internal/hydra"},
		"github.com/standard-webhooks/standard-webhooks/libraries": {"internal/webhook"},
		"github.com/stripe/stripe-go/v85":                          {"internal/stripe", "internal/stripe/stripefake"},
		"github.com/stripe/stripe-mock":                            {"internal/stripe/stripefake"},
	}
}

// uses are functions and types that only some packages may name, tests excepted.
func uses() map[string][]string {
	return map[string][]string{
		// Reach beyond one caller's organization.
		"access.System": {
			"internal/jobs",         // a job works for the organization that it was enqueued for
			"internal/meeting",      // who knows the secret of a feed is let into its organization
			"internal/invitation",   // a token says which organization it is for
			"internal/bank",         // connections import by themselves
			"internal/billing",      // operators record payments of any organization
			"internal/subscription", // what is due happens without a caller
			"internal/entitlement",  // a new organization begins its trial
			"internal/payment",      // Stripe says what happened to any organization
			"internal/clearing",     // a job goes on with it
			"internal/transfer",     // the owner was let in before
			"internal/organization",
			"internal/db", // makes the indexes of texts, one organization at a time
		},
		"access.Instance": {
			"internal/account", "internal/db", "internal/organization", "internal/reference",
			"internal/bank",                       // the Sandbox bank belongs to the instance
			"internal/audit",                      // operators read the chain of the instance
			"internal/coupon", "internal/product", // belong to the instance
			"internal/clearing",     // organizations are held by the instance
			"internal/archive",      // the key that signs is the instance's
			"internal/sealing",      // keys seal for all organizations
			"internal/transfer",     // a person's things are in several organizations
			"internal/invitation",   // people accept who are in no organization yet
			"internal/jobs",         // jobs of all organizations wait in one queue
			"internal/mail",         // the development mailbox belongs to the instance
			"internal/entitlement",  // a user's requests go by what all their organizations have
			"internal/meeting",      // what was cancelled long ago is removed everywhere at once
			"internal/billing",      // who issues invoices is the instance's
			"internal/subscription", // those of all organizations become due
			"internal/payment",      // messages of Stripe's belong to the instance
		},
		// Who calls is found out from tokens, and told by set-up.
		"access.Caller{}": {"internal/account", "internal/app"},
		// The machine's clock.
		"time.Now": {"internal/clock", "internal/ident", "internal/web", "internal/sedetest/pgcluster", "cmd/sede"},
	}
}

// state lists the variables of packages that change, each with its reason. All
// others are set once, where they are declared.
func state() map[string]string {
	return map[string]string{
		"internal/hydra.exchanges":              "a pool: holds nothing that anybody misses",
		"internal/hydra.decoders":               "a pool",
		"internal/web.recorders":                "a pool",
		"internal/phrase.seen":                  "a cache of what the same input always gives",
		"internal/phrase.tables":                "made from embedded files when first needed",
		"internal/sedetest.templates":           "made once for all tests of a process",
		"internal/sedetest.sealable":            "made once for all tests of a process",
		"internal/sedetest.update":              "a flag",
		"internal/sedetest/pgcluster.shared":    "one server for all tests of a process",
		"internal/sedetest/blank.file":          "one migrated file for all tests of a process",
		"internal/console.pageHTML":             "embedded",
		"internal/console.styleSheet":           "embedded",
		"internal/mail.layout":                  "embedded",
		"internal/mail.mailboxHTML":             "embedded",
		"internal/phrase.portuguese":            "embedded",
		"internal/phrase.polish":                "embedded",
		"internal/db.migrationFS":               "embedded",
		"internal/bank/sandbox.pageHTML":        "embedded",
		"internal/bank/sandbox.pageCSS":         "embedded",
		"internal/stripe/stripefake.Mock":       "made once for all tests of a process",
		"internal/stripe/stripefake.schemas":    "made once for all tests of a process",
		"internal/stripe/stripefake.conforming": "made once for all tests of a process",
		"cmd/sede.version":                      "set by the linker",
	}
}

// namesToAvoid say nothing about what a package is for.
func namesToAvoid() []string {
	return []string{"util", "utils", "common", "helper", "helpers", "manager", "model", "models", "misc", "types", "base", "core", "shared"}
}

// untold lists resources in the audit log whose changes no webhook tells, and why.
func untold() map[string]string {
	const instance = "of the instance, not of an organization"
	return map[string]string{
		"Coupon": instance, "InvoiceIssuer": instance, "Job": instance, "Language": instance, "Product": instance, "SecretKey": instance, "SigningKey": instance,
		"MeetingFeed":       "of a person, with a secret",
		"OrganizationClock": "of tests",
		"WebhookEndpoint":   "the endpoints themselves",
	}
}
