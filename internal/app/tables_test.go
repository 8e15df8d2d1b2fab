package app_test

import (
	"slices"
	"testing"

	"sede/internal/archive"
	"sede/internal/db"
)

// TestTables: every table of the database has a role, with the right keys, and
// stands behind those that it points at.
func TestTables(t *testing.T) {
	t.Parallel()
	schema, err := db.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]archive.Role{}
	for _, table := range archive.Tables() {
		if seen[table.Name] != 0 {
			t.Errorf("%s stands there twice", table.Name)
		}
		have := schema[table.Name]
		if have == nil {
			t.Errorf("there is no table %s", table.Name)
			continue
		}
		for _, other := range have.Refers {
			role, before := seen[other]
			if !before {
				t.Errorf("%s points at %s and must stand behind it", table.Name, other)
			}
			if role == archive.Working && table.Role != archive.Working {
				t.Errorf("%s points at %s, which is removed when an organization is cleared", table.Name, other)
			}
		}
		seen[table.Name] = table.Role
		if table.Role == archive.Instance {
			continue
		}
		if key := append([]string{table.OwnerColumn()}, table.KeyColumns()...); !slices.Equal(key, have.Key) && table.Name != "mailbox" {
			t.Errorf("the key of %s is %v, not %v", table.Name, have.Key, key)
		}
		for _, name := range table.Secret {
			if c, ok := have.Column(name); name != archive.All && (!ok || !c.Null) {
				t.Errorf("%s.%s can't be null", table.Name, name)
			}
		}
	}
	for name, table := range schema {
		if _, there := seen[name]; !there {
			t.Errorf("table %s has no role: add it to archive.Tables", name)
		}
		if _, owned := table.Column("organization_id"); owned && seen[name] == archive.Instance && name != "user_session" {
			t.Errorf("table %s is of organizations, not of the instance", name)
		}
	}
}
