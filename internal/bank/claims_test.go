package bank

import (
	"encoding/binary"
	"testing"
	"time"

	"sede/internal/ident"
)

// Claims are known again whichever day they are of, however many there are, and only
// some are in memory.
func TestClaims(t *testing.T) {
	const perDay, days = 2000, 40
	claimOf := func(day, n int) claim {
		var c claim
		c.on = time.Date(2029, 1, 1+day, 0, 0, 0, 0, time.UTC)
		binary.BigEndian.PutUint32(c.id[:], uint32(day*perDay+n))
		return c
	}
	var c claims
	add := func(day, from, to int) {
		var list []claim
		for n := from; n < to; n++ {
			list = append(list, claimOf(day, n))
		}
		if err := c.add(list); err != nil {
			t.Fatal(err)
		}
		if c.held > mostClaims {
			t.Fatalf("%d claims in memory", c.held)
		}
	}
	for day := range days {
		add(day, 0, perDay/2)
	}
	for day := range days { // once more, when the first are in the file
		add(day, perDay/2, perDay)
	}
	if c.file == nil {
		t.Fatal("nothing is in a file")
	}
	for day := days - 1; day >= 0; day-- {
		if err := c.load([]Transaction{{On: claimOf(day, 0).on}}); err != nil {
			t.Fatal(err)
		}
		for n := range perDay {
			if one := claimOf(day, n); !c.has(one.id, one.on) {
				t.Fatalf("claim %d of day %d is lost", n, day)
			}
		}
		if c.has(ident.ID{1: 255}, claimOf(day, 0).on) {
			t.Fatal("what was never claimed is")
		}
		add(day, 0, 1)
	}
	if err := c.close(); err != nil || c.file != nil {
		t.Fatal(err)
	}
}
