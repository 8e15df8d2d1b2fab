package db

import "time"

// Sizer finds how many rows can be handled in a transaction without holding up
// others for longer than a time.
type Sizer struct {
	budget time.Duration
	rows   int64
}

const (
	leastRows = 50
	firstRows = 200
	mostRows  = 2000
)

// NewSizer returns one for transactions of that time.
func NewSizer(budget time.Duration) *Sizer { return &Sizer{budget: budget, rows: firstRows} }

// Rows is how many rows the next batch may have.
func (s *Sizer) Rows() int64 { return s.rows }

// Took tells how long the rows of a batch took.
func (s *Sizer) Took(d time.Duration) {
	switch {
	case d > s.budget:
		s.rows = max(leastRows, s.rows/2)
	case d < s.budget/2:
		s.rows = min(mostRows, s.rows+s.rows/4)
	}
}
