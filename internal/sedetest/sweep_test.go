package sedetest_test

import (
	"testing"

	"sede/internal/sedetest"
)

// TestSweep tries every operation as those who may not use it.
func TestSweep(t *testing.T) {
	sedetest.Sweep(t, sedetest.Samples{
		"POST /languages":         `{"id":"kl-GL"}`,
		"POST /users/me/password": `{"currentPassword":"` + sedetest.Password + `","password":"another good one"}`,
	})
}
