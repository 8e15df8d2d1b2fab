package bank

import (
	"fmt"
	"time"

	"sede/internal/ident"
	"sede/internal/null"
)

// month counts months since the year 0.
type month int64

func monthOf(t time.Time) month { return month(t.Year())*12 + month(t.Month()) - 1 }

// String writes the month as 2030-01.
func (m month) String() string { return fmt.Sprintf("%04d-%02d", m/12, m%12+1) }

// parseMonth reads what String wrote.
func parseMonth(text string) (month, bool) {
	t, err := time.Parse("2006-01", text)
	return monthOf(t), err == nil
}

// day is when the transaction counts: when it was booked, and if the bank does not
// say, when it happened.
func (t *Transaction) day() time.Time {
	if t.BookedOn.Valid {
		return t.BookedOn.V
	}
	return t.On
}

// History is what was booked on an account, month by month.
type History struct {
	Account  ident.ID
	Currency string
	Months   []Month // the oldest first; those in which nothing was booked are left out
}

// Month is what was booked on an account in a month, in minor units.
type Month struct {
	month   month
	In, Out int64 // neither is negative
	Count   int64
	Closing null.Value[int64] // the balance at the end, or now
}

// sums are what a month gains by some transactions.
type sums struct{ in, out, count int64 }

// add counts a transaction, or with sign -1 no longer counts it.
func (s *sums) add(amount, sign int64) {
	if amount > 0 {
		s.in += sign * amount
	} else {
		s.out -= sign * amount
	}
	s.count += sign
}

// ledger collects how months change.
type ledger map[month]sums

func (l ledger) add(m month, amount, sign int64) {
	s := l[m]
	s.add(amount, sign)
	l[m] = s
}

// closings find the balance at the end of each month in what a bank tells, in
// whatever order it does. Of each month they remember its last day only.
type closings map[month]*lastDay

// lastDay is the last day of a month on which something was booked. Each
// transaction leads from one balance to the next, so all but the first and the last
// balance of the day are both reached and left.
type lastDay struct {
	on   time.Time
	open map[int64]int // balance: how often it was reached more than left
	bare bool          // of one transaction the bank told no balance
}

// take looks at a booked transaction.
func (c closings) take(t *Transaction) {
	on := t.day()
	d := c[monthOf(on)]
	switch {
	case d == nil || on.After(d.on):
		d = &lastDay{on: on, open: map[int64]int{}}
		c[monthOf(on)] = d
	case on.Before(d.on):
		return
	}
	if !t.Balance.Valid {
		d.bare = true
		return
	}
	d.pass(t.Balance.V, 1)
	d.pass(t.Balance.V-t.Amount, -1)
}

func (d *lastDay) pass(balance int64, n int) {
	if d.open[balance] += n; d.open[balance] == 0 {
		delete(d.open, balance)
	}
}

// closing is the balance at the end of the day, null when what the bank told does
// not say which of several it is.
func (d *lastDay) closing() (last null.Value[int64]) {
	if d.bare {
		return last
	}
	for balance, n := range d.open {
		switch {
		case n == 1 && !last.Valid:
			last = null.Of(balance)
		case n > 0:
			return null.Value[int64]{}
		}
	}
	return last
}

// fillClosings works out the balances that the bank did not tell, from the next
// month's, from the account's, or from the month's before.
func fillClosings(months []Month, now null.Value[int64]) {
	for i := len(months) - 1; i >= 0; i-- {
		m := &months[i]
		if !m.Closing.Valid {
			m.Closing = now
		}
		if now = m.Closing; now.Valid {
			now.V -= m.In - m.Out
		}
	}
	for i := 1; i < len(months); i++ {
		if m, before := &months[i], months[i-1].Closing; !m.Closing.Valid && before.Valid {
			m.Closing = null.Of(before.V + m.In - m.Out)
		}
	}
}
