package archive

// OwnerColumn and KeyColumns are for tests.
func (t *Table) OwnerColumn() string  { return t.owner() }
func (t *Table) KeyColumns() []string { return t.key() }
