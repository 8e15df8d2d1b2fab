// Package transfer hands out what sede keeps, everything of an organization to its
// owner, and everything of a person to that person, each as one signed archive; and
// it brings in organizations that such archives are of.
//
// An archive shows one moment. It is written to a temporary file first, in a
// transaction that sees that moment, and then sent for as long as the caller takes,
// so that no transaction waits for the network. What is secret is not in it:
// passwords, tokens and keys, and the rows that are nothing without one.
//
// An import is checked as a whole before anything is written. Then a durable job
// adds its rows in many short transactions, to an organization that nobody sees and
// nobody else writes into, and shows it in the last one:
//
//	running ──► done
//	   │
//	   ▼
//	undoing ──► failed
//
// What can't be brought in as a whole is taken out again.
//
// On the way out a job makes the archive of an organization that is too large to be
// waited for. It is kept for a week, for whoever asked.
package transfer

import (
	"time"

	"sede/internal/ident"
	"sede/internal/null"
)

// The states of transfers. Undoing is for sede itself: people see running. Receiving
// is nobody's to see: its file is being stored.
const (
	receiving = "receiving"
	Running   = "running"
	undoing   = "undoing"
	Done      = "done"
	Failed    = "failed"
)

// The directions of transfers.
const (
	In  = "in"
	Out = "out"
)

// Transfer is an organization on its way in or out.
type Transfer struct {
	ID           ident.ID
	Direction    string
	State        string
	Organization ident.ID             // that comes
	Source       null.Value[ident.ID] // what the organization was in the archive
	User         ident.ID             // who asked
	Operator     bool                 // the user is one
	Name         string               // of the organization
	Rows, Done   int64                // all, and those behind it
	Bytes        int64                // of the file
	LeftOut      []Left
	Error        null.Value[string] // as fault.Text.Store makes it
	CreatedAt    time.Time
	UpdatedAt    time.Time
	FinishedAt   null.Value[time.Time]
	ExpiresAt    null.Value[time.Time] // when the file is removed that went out
	File         null.Value[string]    // the URL of that file, while it is there

	blob null.Value[string] // where the file is
}

// Left is how many rows of a resource an import does not bring.
type Left struct {
	Resource string `json:"resource"`
	Count    int64  `json:"count"`
}

// copies reports whether what comes in gets new ids, because the organization is
// here already.
func (t *Transfer) copies() bool { return t.Source.V != t.Organization }

// runs reports whether it is not at its end.
func (t *Transfer) runs() bool { return t.State == Running || t.State == undoing }

// shown is the organization, once it is there.
func (t *Transfer) shown() null.Value[ident.ID] {
	return null.Value[ident.ID]{V: t.Organization, Valid: t.State == Done || t.Direction == Out}
}

// ready reports whether there is a file to be downloaded.
func (t *Transfer) ready() bool { return t.Direction == Out && t.State == Done && t.blob.Valid }

// media is the type of archives.
const media = "application/vnd.sede.archive+zip"

// atOnce is how many archives are made at the same time.
const atOnce = 2

// within holds for rows of the organizations that the person $1 is a member of.
const within = `organization_id IN (SELECT m.organization_id FROM organization_user m WHERE m.user_id = $1)`

// personal lists what is a person's own: tables, and a condition in which $1 is
// their id and $2 the zero id, under which the instance's audit entries are. What
// others wrote down about them is the organizations', but for the employee that they
// are.
func personal() []selection {
	return []selection{
		{"app_user", "id = $1", []string{"password_hash"}},
		{"user_session", "user_id = $1", nil},
		{"organization_user", "user_id = $1", nil},
		{"api_key", within + " AND user_id = $1", []string{"hash"}},
		{"meeting_feed", within + " AND user_id = $1", []string{"secret_hash"}},
		{"employee", within + " AND user_id = $1", nil},
		{"meeting", within + " AND employee_id IN (SELECT e.id FROM employee e WHERE e." + within + " AND e.user_id = $1)", nil},
		// What they did, not what the things of others held.
		{"audit_log", "(" + within + " OR organization_id = $2) AND actor = $1", []string{"before", "after"}},
	}
}

// selection is some rows of a table, without some columns.
type selection struct {
	table, where string
	without      []string
}
