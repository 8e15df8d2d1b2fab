// Package transfer hands out what sede keeps: everything of an organization to its
// owner, and everything of a person to that person, each as one signed archive.
//
// An archive shows one moment. It is written to a temporary file first, in a
// transaction that sees that moment, and then sent for as long as the caller takes,
// so that no transaction waits for the network. What is secret is not in it:
// passwords, tokens and keys, and the rows that are nothing without one.
package transfer

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
