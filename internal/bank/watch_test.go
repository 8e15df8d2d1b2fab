package bank

import (
	"testing"
	"time"

	"sede/internal/ident"
	"sede/internal/null"
)

// TestSlots checks that connections import in the night, once each, and not all at
// once.
func TestSlots(t *testing.T) {
	t.Parallel()
	ids := ident.NewSource(nil, nil)
	hours := map[int]int{}
	const many = 5000
	now := time.Date(2030, 1, 2, 2, 30, 0, 0, time.UTC)
	for range many {
		id := ids.New()
		slot := slotAfter(id, now)
		if !slot.After(now) || slot.After(now.Add(day)) {
			t.Fatalf("the slot after %s is %s", now, slot)
		}
		if again := slotAfter(id, slot); !again.Equal(slot.Add(day)) {
			t.Fatalf("after %s comes %s", slot, again)
		}
		hours[slot.Hour()]++
	}
	for hour, n := range hours {
		if hour >= 5 || n < many/5*8/10 || n > many/5*12/10 {
			t.Errorf("%d of %d import between %d and %d o'clock", n, many, hour, hour+1)
		}
	}
}

// TestSchedule checks what happens next to a connection.
func TestSchedule(t *testing.T) {
	t.Parallel()
	end := time.Date(2030, 7, 1, 9, 0, 0, 0, time.UTC)
	live := Integration{Status: StatusActive, Consent: null.Of(ident.ID{1}), ConsentEndsAt: null.Of(end)}
	for name, c := range map[string]struct {
		change func(*Integration)
		next   null.Value[time.Time]
	}{
		"the first reminder":      {func(*Integration) {}, null.Of(end.AddDate(0, 0, -14))},
		"the second":              {func(i *Integration) { i.Reminded = 14 }, null.Of(end.AddDate(0, 0, -7))},
		"the last":                {func(i *Integration) { i.Reminded = 7 }, null.Of(end.AddDate(0, 0, -1))},
		"the end":                 {func(i *Integration) { i.Reminded = 1 }, null.Of(end)},
		"an import":               {func(i *Integration) { i.NextPullAt = null.Of(end.AddDate(0, 0, -20)) }, null.Of(end.AddDate(0, 0, -20))},
		"nothing, it ended":       {func(i *Integration) { i.Consent = null.Value[ident.ID]{} }, null.Value[time.Time]{}},
		"nothing, it is for once": {func(i *Integration) { i.ConsentEndsAt = null.Value[time.Time]{} }, null.Value[time.Time]{}},
	} {
		i := live
		c.change(&i)
		if i.schedule(func(at time.Time) time.Time { return at }); i.nextAt != c.next {
			t.Errorf("%s: %v", name, i.nextAt)
		}
	}
	for left, want := range map[time.Duration]string{14*day + time.Second: StatusActive, 14 * day: StatusExpiring, time.Second: StatusExpiring} {
		if got := live.works(end.Add(-left)); got != want {
			t.Errorf("with %s left it is %s", left, got)
		}
	}
}
