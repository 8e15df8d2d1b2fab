package ident_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"sede/internal/ident"
)

func TestNewIDsGrow(t *testing.T) {
	t.Parallel()
	source := ident.NewSource(nil, nil)
	last := source.New()
	for range 10_000 {
		next := source.New()
		if bytes.Compare(next[:], last[:]) <= 0 {
			t.Fatalf("%v is not larger than %v", next, last)
		}
		last = next
	}
}

func TestNewUsesTheGivenTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	id := ident.NewSource(func() time.Time { return at }, nil).New()
	millis := int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5])
	if millis != at.UnixMilli() || id[6]>>4 != 7 {
		t.Fatalf("%v is not a version 7 id of %v", id, at)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("0190163d-8694-739b-aea5-966c26f8ad91")
	f.Add("0190163D-8694-739B-AEA5-966C26F8AD91")
	f.Add("")
	f.Add("{190163d-8694-739b-aea5-966c26f8ad91")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ident.Parse(text)
		if err != nil {
			if !errors.Is(err, ident.ErrMalformed) || !id.IsZero() {
				t.Fatalf("Parse(%q) = %v, %v", text, id, err)
			}
			return
		}
		again, err := ident.Parse(id.String())
		if err != nil || again != id {
			t.Fatalf("%q became %v, then %v", text, id, again)
		}
	})
}
