package sedetest_test

import (
	"testing"

	"sede/internal/sedetest"
)

// TestWire runs the scripts about what holds for every resource, with locations
// as the example.
func TestWire(t *testing.T) { sedetest.Run(t, "testdata/*.txt") }

// TestRecipes does what the recipes say.
func TestRecipes(t *testing.T) { sedetest.Run(t, "../../docs/api/recipes.md") }
