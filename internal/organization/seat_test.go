package organization

import (
	"testing"

	"sede/internal/fault"
	"sede/internal/null"
)

func TestSeats(t *testing.T) {
	for _, c := range []struct {
		seats Seats
		over  bool
		full  bool
		free  null.Value[int64]
	}{
		{seats: Seats{Used: 1_000_000, Reserved: 1}},
		{seats: Seats{Limit: null.Of[int64](1)}, free: null.Of[int64](1)},
		{seats: Seats{Used: 3, Reserved: 1, Limit: null.Of[int64](5)}, free: null.Of[int64](1)},
		{seats: Seats{Used: 3, Reserved: 2, Limit: null.Of[int64](5)}, full: true, free: null.Of[int64](0)},
		{seats: Seats{Used: 5, Limit: null.Of[int64](5)}, full: true, free: null.Of[int64](0)},
		{seats: Seats{Used: 5, Reserved: 1, Limit: null.Of[int64](5)}, full: true, over: true, free: null.Of[int64](0)},
	} {
		if c.seats.over() != c.over || c.seats.full() != c.full || c.seats.free() != c.free {
			t.Errorf("%+v: over %v, full %v, free %v", c.seats, c.seats.over(), c.seats.full(), c.seats.free())
		}
		if err := c.seats.room(); fault.Is(err, fault.Conflict) != c.full {
			t.Errorf("%+v: room for one more: %v", c.seats, err)
		}
	}
}

func TestSeatsShrink(t *testing.T) {
	seats := Seats{Used: 3, Reserved: 2}
	for limit, fits := range map[null.Value[int64]]bool{{}: true, null.Of[int64](6): true, null.Of[int64](5): true, null.Of[int64](4): false} {
		if err := seats.shrinks(limit); (err == nil) != fits || err != nil && !fault.Is(err, fault.Conflict) {
			t.Errorf("to %+v: %v", limit, err)
		}
	}
}

func TestLimitedBy(t *testing.T) {
	for _, c := range []struct {
		usage SeatUsage
		want  null.Value[string]
	}{
		{SeatUsage{}, null.Value[string]{}},
		{SeatUsage{Bought: true}, null.Value[string]{}},
		{SeatUsage{Seats: Seats{Limit: null.Of[int64](1)}}, null.Of("operator")},
		{SeatUsage{Seats: Seats{Limit: null.Of[int64](1)}, Bought: true}, null.Of("subscription")},
	} {
		if got := c.usage.limitedBy(); got != c.want {
			t.Errorf("%+v: %v, want %v", c.usage, got, c.want)
		}
	}
}
