package bank

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/bank/kontomatik"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

const (
	// batchSize is how many transactions are read before they are stored.
	batchSize = 2000
	// stepSize is how many are stored before it is seen whether others wait, and
	// shortStep how many when some waited for the last transaction: then more wait soon.
	stepSize, shortStep = 50, 16
	// yieldEvery is how many are read before other work may use the processor.
	yieldEvery = 16
)

// turnTime is how long a transaction of the database may take when nobody waits for
// its end: on SQLite whoever writes might, on PostgreSQL those who change accounts of
// the same organization.
func turnTime(engine db.Engine) time.Duration {
	if engine == db.SQLite {
		return 8 * time.Millisecond
	}
	return 50 * time.Millisecond
}

// intake is a kontomatik.Sink: it stores what an import holds, in batches, one of
// them while the next is read, and each in short transactions. What is stored stays
// when the reading fails later; the same import read again adds the rest. Who uses
// one closes it at the end.
type intake struct {
	s   *Service
	ctx context.Context //nolint:containedctx // lives as long as one reading
	w   *work

	account   *Account            // whose transactions come
	digital   *kontomatik.Account // the same as the bank tells it
	unread    bool                // the account can't be read: its transactions are skipped
	next      []Transaction       // being read
	batch     []Transaction       // being stored
	stored    chan error          // how that ended; nil: none is
	size      *db.Sizer           // of transactions of the database
	met       bool                // others waited for the last one
	claimed   claims              // transactions of the account that this reply told
	ends      closings            // of its months
	pending   []held              // those that were there before this reply
	gone      gones               // those that were removed before it
	since     time.Time
	keptSince null.Value[time.Time] // what is older is not wanted
	added     int64
	skipped   int64
}

func (s *Service) newIntake(ctx context.Context, w *work) *intake {
	since, err := time.Parse(time.DateOnly, w.pull.since)
	if first := s.now.Now().AddDate(0, 0, -reuseReach); err == nil && since.Before(first) {
		since = first // what is older may be left out of the reply
	}
	in := &intake{s: s, ctx: ctx, w: w, since: since, size: db.NewSizer(turnTime(s.db.Engine()))}
	in.keptSince.V, in.keptSince.Valid = s.keptSince()
	return in
}

// Transaction takes one transaction.
func (in *intake) Transaction(a *kontomatik.Account, t *kontomatik.Transaction) error {
	if err := in.enter(a); err != nil {
		return err
	}
	if in.unread {
		in.skipped++
		return nil
	}
	r, ok := readTransaction(t, in.account.Currency)
	if !ok {
		in.skipped++
		return nil
	}
	if in.tooOld(&r) {
		return nil
	}
	if n := len(in.next); n == batchSize || n > batchSize*3/4 && !in.next[n-1].On.Equal(r.On) {
		if err := in.wait(); err != nil { // better between two days than within one, see newIDs
			return err
		}
		in.turn()
		in.stored = make(chan error, 1)
		go func() { in.stored <- in.flush(nil) }()
	}
	in.next = append(in.next, r)
	if len(in.next)%yieldEvery == 0 {
		runtime.Gosched()
	}
	return nil
}

// turn makes the batch that was read the one to store.
func (in *intake) turn() { in.batch, in.next = in.next, in.batch[:0] }

// wait returns once nothing is being stored, with the error of what was.
func (in *intake) wait() error {
	if in.stored == nil {
		return nil
	}
	err := <-in.stored
	in.stored = nil
	return err
}

// close waits like wait and lets go of what the intake holds.
func (in *intake) close() error {
	return errors.Join(in.wait(), in.claimed.close())
}

// Account ends an account.
func (in *intake) Account(a *kontomatik.Account) error {
	if err := in.enter(a); err != nil {
		return err
	}
	defer func() { in.account, in.digital, in.unread = nil, nil, false }()
	if err := in.wait(); err != nil || in.unread {
		return err
	}
	in.turn()
	final, ok := readAccount(a, in.w.target())
	if !ok || final.identity != in.account.identity {
		final = *in.account
	}
	return in.flush(&final)
}

// enter makes ready for an account's transactions.
func (in *intake) enter(a *kontomatik.Account) error {
	if in.digital == a {
		return nil
	}
	if err := in.close(); err != nil {
		return err
	}
	account, ok := readAccount(a, in.w.target())
	in.digital, in.unread, in.batch, in.claimed, in.ends = a, !ok, in.batch[:0], claims{}, closings{}
	in.next = in.next[:0]
	if !ok {
		return nil
	}
	return in.write(func(tx *db.Tx) error {
		in.account = &account
		var err error
		account.ID, account.KeptSince, err = in.s.keep(tx, in.w, &account)
		if err == nil {
			in.pending, err = pendingOf(tx, in.w.scope, account.ID)
		}
		if err == nil {
			in.gone, err = goneOf(tx, in.w.scope, account.ID)
		}
		return err
	})
}

// write runs one transaction of an import, unless the pull was ended meanwhile.
// Imports into one organization take turns, since two connections may lead to one
// account.
func (in *intake) write(do func(tx *db.Tx) error) error {
	return in.s.db.Write(db.InParts(in.ctx), in.w.scope, func(tx *db.Tx) error {
		if err := importTurn(tx, in.w.scope); err != nil {
			return err
		}
		var p pull
		if err := findPull(tx, in.w.scope, in.w.pull.id, &p); err != nil {
			return orStopped(err)
		}
		if p.finishedAt.Valid {
			return errStopped
		}
		return do(tx)
	})
}

// importTurn waits for the turn of those who change accounts and transactions of an
// organization.
func importTurn(tx *db.Tx, scope access.Scope) error {
	return tx.Lock("bank import " + scope.Organization().String())
}

// keep stores an account, new or known, and returns its id and from which day on
// its transactions are kept.
func (s *Service) keep(tx *db.Tx, w *work, a *Account) (ident.ID, null.Value[time.Time], error) {
	now := s.moment()
	var known Account
	err := findAccountBy(tx, w.scope, a.identity, &known)
	if fault.Is(err, fault.NotFound) {
		fresh := *a
		fresh.ID, fresh.Integration, fresh.Version, fresh.CreatedAt, fresh.UpdatedAt = s.ids.New(), w.integration.ID, 1, now, now
		return fresh.ID, fresh.KeptSince, insertAccount(tx, w.scope, &fresh)
	}
	if err != nil {
		return known.ID, known.KeptSince, err
	}
	changed := known
	changed.Integration, changed.Name, changed.Partial = w.integration.ID, a.Name, a.Partial
	changed.Balance, changed.Available = a.Balance, a.Available
	if changed == known {
		return known.ID, known.KeptSince, nil
	}
	changed.Version, changed.UpdatedAt = changed.Version+1, now
	return known.ID, known.KeptSince, updateAccount(tx, w.scope, &changed)
}

// outcome is what one transaction of the database has changed in the intake.
type outcome struct {
	stored  int // how many of the batch
	added   int64
	removed int64
	claimed []claim
	told    map[ident.ID]bool // the same
	months  ledger
	news    []int // which of the batch are booked and told for the first time
}

// flush stores the batch, and at the account's end the account.
func (in *intake) flush(final *Account) error {
	ids := in.newIDs()
	for rest := in.batch; len(rest) > 0 || final != nil; {
		n, err := in.flushSome(rest, ids, final)
		if err != nil {
			return err
		}
		if rest, ids = rest[n:], ids[n:]; len(rest) == 0 {
			break
		}
	}
	if final == nil {
		return nil
	}
	return in.write(in.closeMonths)
}

// flushSome stores the first transactions of the list, as many as one transaction of
// the database may, and with the last of them the account. It returns how many.
func (in *intake) flushSome(list []Transaction, ids []ident.ID, final *Account) (int, error) {
	var o outcome
	err := in.write(func(tx *db.Tx) error {
		began := clock.System{}.Now() // how busy this machine is, whatever a test's clock shows
		o = outcome{months: ledger{}, told: map[ident.ID]bool{}}
		most, step := min(len(list), int(in.size.Rows())), stepSize
		if in.met {
			step = shortStep
		}
		for in.met = false; o.stored < most && !in.met; in.met = tx.OthersWait() {
			n := min(step, most-o.stored)
			if err := in.storeSome(tx, &o, list[o.stored:][:n], ids[o.stored:][:n]); err != nil {
				return err
			}
			o.stored += n
		}
		for m, s := range o.months {
			addToMonth(tx, in.w.scope, in.account.ID, m, s)
		}
		if final != nil && o.stored == len(list) {
			if err := in.closeAccount(tx, final, &o); err != nil {
				return err
			}
		}
		if o.added > 0 {
			db.Count(tx, in.w.scope, "bank_transaction", o.added)
		}
		if o.removed > 0 {
			db.Count(tx, in.w.scope, "bank_transaction", -o.removed)
		}
		in.size.Took(clock.System{}.Now().Sub(began))
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, i := range o.news {
		in.ends.take(&list[i])
	}
	before := in.added
	in.added += o.added
	for _, n := range analyzeAt {
		if before < n && n <= in.added {
			if err := in.s.db.Analyze(in.ctx, "bank_transaction"); err != nil {
				return o.stored, err
			}
		}
	}
	return o.stored, in.claimed.add(o.claimed)
}

// analyzeAt are the numbers of new transactions after which the database counts
// again what its tables hold: what is rare in a small table is not in a large one.
var analyzeAt = []int64{1000, 20_000, 400_000}

// closeAccount ends an account: it is stored as the bank tells it, and what was pending
// and is told no more goes.
func (in *intake) closeAccount(tx *db.Tx, final *Account, o *outcome) error {
	if _, _, err := in.s.keep(tx, in.w, final); err != nil {
		return err
	}
	if final.Partial {
		return nil
	}
	return in.dropPending(tx, o)
}

// closeMonths stores the balances at the ends of the account's months.
func (in *intake) closeMonths(tx *db.Tx) error {
	months, err := monthsOf(tx, in.w.scope, in.account.ID)
	if err != nil {
		return err
	}
	for i := range months {
		if d := in.ends[months[i].month]; d != nil && d.closing() != months[i].Closing {
			closeMonth(tx, in.w.scope, in.account.ID, months[i].month, d.closing())
		}
	}
	return nil
}

// storeSome matches transactions against what is there and stores the difference.
func (in *intake) storeSome(tx *db.Tx, o *outcome, part []Transaction, ids []ident.ID) error {
	prints := make([]fingerprint, len(part))
	for i := range part {
		prints[i] = fingerprintOf(&part[i])
	}
	groups, err := storedWith(tx, in.w.scope, in.account.ID, part, prints)
	if err != nil {
		return err
	}
	if err := in.claimed.load(part); err != nil {
		return err
	}
	claimed := func(id ident.ID, on time.Time) bool { return o.told[id] || in.claimed.has(id, on) }
	take := func(id ident.ID, on time.Time) { o.told[id] = true; o.claimed = append(o.claimed, claim{id, on}) }
	var list []fresh
	now := in.s.moment()
	for i := range part {
		t := &part[i]
		group := groups[prints[i]]
		what, at := match(group, t.Balance, func(id ident.ID) bool { return claimed(id, t.On) })
		if what != isTold && t.Status == Booked {
			o.news = append(o.news, o.stored+i)
		}
		switch what {
		case isTold:
			continue
		case isKnown:
			take(group[at].id, t.On)
			in.refine(tx, o, &group[at], t)
			continue
		}
		var ordinal int64
		if n := len(group); n > 0 {
			ordinal = group[n-1].ordinal + 1
		}
		t.Account, t.Version, t.CreatedAt, t.UpdatedAt = in.account.ID, 1, now, now
		if id, ok := in.heldFor(t, claimed); ok {
			t.ID = id
			bookTransaction(tx, in.w.scope, id, t, prints[i], ordinal, now)
		} else {
			t.ID = ids[i]
			if was, ok := in.gone.back(t, prints[i], claimed); ok {
				t.ID, t.Version, t.CreatedAt = was.id, was.version+1, was.createdAt
				withdraw(tx, in.w.scope, t.ID)
			}
			list = append(list, fresh{t, prints[i], ordinal})
		}
		if t.Status == Booked {
			o.months.add(monthOf(t.day()), t.Amount, 1)
		}
		take(t.ID, t.On)
		groups[prints[i]] = append(group, stored{id: t.ID, day: t.day(), balance: t.Balance, ordinal: ordinal, details: detailsOf(t)})
	}
	o.added += int64(len(list))
	insertTransactions(tx, in.w.scope, list)
	return nil
}

// newIDs makes an id for each of the batch, so that those of a day are in the order
// in which they happened: banks tell the newest first, unless the days say that it
// is the other way round.
func (in *intake) newIDs() []ident.ID {
	ids := make([]ident.ID, len(in.batch))
	for i := range ids {
		ids[i] = in.s.ids.New()
	}
	if n := len(ids); n > 0 && !in.batch[0].On.Before(in.batch[n-1].On) {
		slices.Reverse(ids)
	}
	return ids
}

// refine stores what the bank tells anew of a transaction that is known.
func (in *intake) refine(tx *db.Tx, o *outcome, known *stored, t *Transaction) {
	details := detailsOf(t)
	if known.details == details && (!t.Balance.Valid || known.balance == t.Balance) {
		return
	}
	refineTransaction(tx, in.w.scope, known.id, t, in.s.moment())
	if before, after := monthOf(known.day), monthOf(t.day()); before != after && t.Status == Booked {
		o.months.add(before, t.Amount, -1)
		o.months.add(after, t.Amount, 1)
	}
	known.day, known.details = t.day(), details
	if t.Balance.Valid {
		known.balance = t.Balance
	}
}

// heldFor finds the pending transaction that a booked one was: of the same day and
// amount, and of several the one that shares the most words with it and has the
// fewest others.
func (in *intake) heldFor(t *Transaction, claimed func(ident.ID, time.Time) bool) (id ident.ID, ok bool) {
	if t.Status != Booked {
		return id, false
	}
	var told []string
	var most, least int // words
	for n := range in.pending {
		h := &in.pending[n]
		if h.amount != t.Amount || !h.on.Equal(t.On) || claimed(h.id, h.on) {
			continue
		}
		if told == nil {
			told = words(searchable(t))
		}
		if shared, others := compareWords(h.words, told); !ok || shared > most || shared == most && others < least {
			id, ok, most, least = h.id, true, shared, others
		}
	}
	return id, ok
}

// compareWords is how many words of one list are in another, and how many are not.
func compareWords(list, other []string) (shared, others int) {
	for _, word := range list {
		if slices.Contains(other, word) {
			shared++
		} else {
			others++
		}
	}
	return shared, others
}

// dropPending removes what was pending and is told no more.
func (in *intake) dropPending(tx *db.Tx, o *outcome) error {
	for _, h := range in.pending {
		if o.told[h.id] || h.on.Before(in.since) {
			continue
		}
		claimed, err := in.claimed.find(h.id, h.on)
		if err != nil {
			return err
		}
		if !claimed {
			removeTransaction(tx, in.w.scope, in.account.ID, h.id, in.s.moment())
			o.removed++
		}
	}
	return nil
}

var _ kontomatik.Sink = (*intake)(nil)
