package bank

import (
	"fmt"
	"os"
	"time"

	"sede/internal/ident"
)

// claim is a transaction that a reply told, and its day.
type claim struct {
	id ident.ID
	on time.Time
}

// mostClaims is how many claims are kept in memory.
const mostClaims = 16 << 10

// claims are the transactions of an account that a reply told. Only those of some
// days are in memory; others are in a file, since a bank that tells its transactions
// day by day asks for them no more. The zero value is empty.
type claims struct {
	days  map[int64]map[ident.ID]struct{} // by day, those in memory
	order []int64                         // of days, the one that came first first
	held  int                             // claims in memory
	file  *os.File
	end   int64             // of the file
	away  map[int64][]piece // where in the file those of other days are
}

// piece is a part of the file with ids.
type piece struct{ at, size int64 }

func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// has reports whether a transaction of a day that is in memory is claimed.
func (c *claims) has(id ident.ID, on time.Time) bool {
	_, ok := c.days[dayOf(on)][id]
	return ok
}

// find reports whether a transaction is claimed.
func (c *claims) find(id ident.ID, on time.Time) (bool, error) {
	err := c.fetch(dayOf(on))
	return c.has(id, on), err
}

// load brings the days of the transactions into memory.
func (c *claims) load(list []Transaction) error {
	for i := range list {
		if err := c.fetch(dayOf(list[i].On)); err != nil {
			return err
		}
	}
	return nil
}

// add adds claims, and keeps in memory only as many days as it may.
func (c *claims) add(list []claim) error {
	for i := range list {
		day := dayOf(list[i].on)
		if err := c.fetch(day); err != nil {
			return err
		}
		c.put(day, list[i].id)
	}
	for c.held > mostClaims && len(c.order) > 1 {
		if err := c.store(c.order[0]); err != nil {
			return err
		}
	}
	return nil
}

func (c *claims) put(day int64, id ident.ID) {
	ids := c.days[day]
	if ids == nil {
		if c.days == nil {
			c.days, c.away = map[int64]map[ident.ID]struct{}{}, map[int64][]piece{}
		}
		ids = map[ident.ID]struct{}{}
		c.days[day], c.order = ids, append(c.order, day)
	}
	before := len(ids)
	ids[id] = struct{}{}
	c.held += len(ids) - before
}

// store moves the first day in memory to the file.
func (c *claims) store(day int64) error {
	if c.file == nil {
		file, err := os.CreateTemp("", "sede-bank-*")
		if err != nil {
			return fmt.Errorf("bank: a file for a large import: %w", err)
		}
		c.file = file
		_ = os.Remove(file.Name()) // where the system lets: it goes when it is closed
	}
	ids := c.days[day]
	content := make([]byte, 0, len(ids)*len(ident.ID{}))
	for id := range ids {
		content = append(content, id[:]...)
	}
	if _, err := c.file.WriteAt(content, c.end); err != nil {
		return fmt.Errorf("bank: a file for a large import: %w", err)
	}
	c.away[day] = append(c.away[day], piece{c.end, int64(len(content))})
	c.end += int64(len(content))
	c.held -= len(ids)
	delete(c.days, day)
	c.order = c.order[1:]
	return nil
}

// fetch brings a day from the file into memory.
func (c *claims) fetch(day int64) error {
	pieces, ok := c.away[day]
	if !ok {
		return nil
	}
	for _, p := range pieces {
		content := make([]byte, p.size)
		if _, err := c.file.ReadAt(content, p.at); err != nil {
			return fmt.Errorf("bank: a file for a large import: %w", err)
		}
		for ; len(content) > 0; content = content[len(ident.ID{}):] {
			c.put(day, ident.ID(content))
		}
	}
	delete(c.away, day)
	return nil
}

// close forgets everything.
func (c *claims) close() (err error) {
	if c.file != nil {
		name := c.file.Name()
		err = c.file.Close()
		_ = os.Remove(name) // where it could not be while it was open
	}
	*c = claims{}
	return err
}
