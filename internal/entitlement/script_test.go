package entitlement_test

import (
	"testing"

	"sede/internal/sedetest"
)

func TestScripts(t *testing.T) { sedetest.Run(t, "testdata/*.txt") }
