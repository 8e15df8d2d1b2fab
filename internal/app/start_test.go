package app_test

import (
	"bytes"
	"testing"

	"sede/internal/app"
)

// BenchmarkStart opens an up-to-date SQLite database and puts sede together.
func BenchmarkStart(b *testing.B) {
	config := app.Config{Dir: b.TempDir(), SecretKey: bytes.Repeat([]byte{1}, 32)}
	for b.Loop() {
		a, err := app.New(b.Context(), config)
		if err != nil {
			b.Fatal(err)
		}
		if err := a.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
