package bank

import (
	"slices"
	"testing"

	"sede/internal/sealing"
)

// TestSealedColumnsAreKnown holds the purposes of this feature against those that
// values are sealed again for.
func TestSealedColumnsAreKnown(t *testing.T) {
	t.Parallel()
	for _, purpose := range []string{sealRedirection, sealSession, sealAccess, sealPull} {
		if !slices.ContainsFunc(sealing.Columns(), func(c sealing.Column) bool { return c.String() == purpose && c.Purpose == purpose+" {id}" }) {
			t.Errorf("%s is in no line of sealing.Columns", purpose)
		}
	}
}
