// Package sealing knows every column of the database that holds sealed values: it
// counts them by the master key that they are sealed with, and seals them again
// with the current one, so that an older key can go.
//
// It knows columns by their names and no feature. What a feature newly seals needs
// a line in Columns, or a test fails.
package sealing

import (
	"fmt"
	"slices"
	"strings"

	"sede/internal/secret"
)

// Column is a column that holds sealed values. Others may stand beside them, such
// as the arguments of jobs that hold no secret.
type Column struct {
	Table, Name string
	Key         []string // the primary key
	Purpose     string   // what a value is sealed for; {id} stands for the row's column id
}

// Columns lists all columns that hold sealed values.
func Columns() []Column {
	tenant := []string{"organization_id", "id"}
	return []Column{
		{"signing_key", "sealed", []string{"kid"}, "signing_key {kid}"},
		{"archive_key", "sealed", []string{"id"}, "archive_key {id}"},
		{"job", "args", tenant, "job {kind} {id}"},
		{"mailbox", "sealed", []string{"id"}, "mailbox {id}"},
		{"idempotency", "body", []string{"credential", "key"}, "idempotency {credential} {key}"},
		{"bank_consent", "redirection", tenant, "bank_consent.redirection {id}"},
		{"bank_consent", "session", tenant, "bank_consent.session {id}"},
		{"bank_consent", "access", tenant, "bank_consent.access {id}"},
		{"bank_pull", "session", tenant, "bank_pull.session {id}"},
		{"webhook_endpoint", "secret", tenant, "webhook_endpoint.secret {id}"},
		{"webhook_endpoint", "former_secret", tenant, "webhook_endpoint.former_secret {id}"},
	}
}

// String is table and column.
func (c *Column) String() string { return c.Table + "." + c.Name }

// named are the columns that tell a value's place and purpose: the key first.
func (c *Column) named() []string {
	list := slices.Clone(c.Key)
	for _, part := range strings.Split(c.Purpose, "{")[1:] {
		if name, _, _ := strings.Cut(part, "}"); !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// purpose fills in what the value of a row is sealed for.
func (c *Column) purpose(names []string, values []any) string {
	text := make([]string, 0, 2*len(names))
	for i, name := range names {
		text = append(text, "{"+name+"}", fmt.Sprint(values[i]))
	}
	return strings.NewReplacer(text...).Replace(c.Purpose)
}

// Count says how many values of a column are sealed with a key.
type Count struct {
	Column string
	Key    secret.KeyID
	Values int64
}

// Result says what became of the values of a column that were not sealed with the
// current key.
type Result struct {
	Column string
	Again  int64 // are sealed with it now
	Lost   int64 // could not be opened: their key is not known, or they are damaged
}
