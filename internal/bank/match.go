package bank

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"sede/internal/ident"
	"sede/internal/null"
)

// fingerprint is made of what a bank tells of a transaction the same each time:
// the day, the amount and the texts, whatever blanks are in them. Balance, labels,
// the kind and the booking day are left out, since they may be missing or change.
type fingerprint [16]byte

func fingerprintOf(t *Transaction) fingerprint {
	b := make([]byte, 0, 256)
	part := func(text string) {
		text = collapse(text)
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	part(t.Status)
	part(t.On.Format(time.DateOnly))
	b = binary.BigEndian.AppendUint64(b, uint64(t.Amount))
	part(t.Title)
	part(t.Party)
	part(t.PartyIBAN.V)
	part(t.Symbols)
	sum := sha256.Sum256(b)
	return fingerprint(sum[:])
}

// collapse makes each stretch of white space one blank, and none at the ends.
func collapse(text string) string {
	if !strings.Contains(text, "  ") && strings.TrimSpace(text) == text && !strings.ContainsAny(text, "\t\r\n\u00a0") {
		return text
	}
	return strings.Join(strings.Fields(text), " ")
}

// stored is a transaction that is there, as far as matching asks.
type stored struct {
	id      ident.ID
	day     time.Time // when it counts
	balance null.Value[int64]
	ordinal int64
	details string // what may change, see detailsOf
}

// verdict is what becomes of a transaction that a bank tells.
type verdict uint8

const (
	isNew   verdict = iota
	isKnown         // it is that one, of the same fingerprint
	isTold          // it stands in this reply already
)

// match finds the transaction among those of the same fingerprint. claimed are
// those that this reply told already.
//
// With a balance it is the one with that balance. Told twice in one reply, it is
// still one. Else it is one of which the bank told no balance before, which gets
// it now. Without a balance it is the first that this reply has not told yet, so
// that of twins each finds its own.
func match(group []stored, balance null.Value[int64], claimed func(ident.ID) bool) (verdict, int) {
	if balance.Valid {
		for i := range group {
			if group[i].balance == balance {
				if claimed(group[i].id) {
					return isTold, i
				}
				return isKnown, i
			}
		}
		for i := range group {
			if !group[i].balance.Valid && !claimed(group[i].id) {
				return isKnown, i
			}
		}
		return isNew, -1
	}
	best := -1
	for i := range group {
		if claimed(group[i].id) {
			continue
		}
		if !group[i].balance.Valid {
			return isKnown, i
		}
		if best < 0 {
			best = i
		}
	}
	if best >= 0 {
		return isKnown, best
	}
	return isNew, -1
}

// detailsOf joins what may change while the transaction stays the same.
func detailsOf(t *Transaction) string {
	booked := ""
	if t.BookedOn.Valid {
		booked = t.BookedOn.V.Format(time.DateOnly)
	}
	return booked + "\x00" + t.Kind + "\x00" + joinLabels(t.Labels)
}

// joinLabels writes labels in one order, each between bars.
func joinLabels(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	list := slices.Clone(labels)
	for i := range list {
		list[i] = strings.ReplaceAll(collapse(list[i]), "|", "/")
	}
	slices.Sort(list)
	return "|" + strings.Join(slices.Compact(list), "|") + "|"
}

// splitLabels reads what joinLabels wrote.
func splitLabels(text string) []string {
	if text == "" {
		return []string{}
	}
	return strings.Split(strings.Trim(text, "|"), "|")
}
