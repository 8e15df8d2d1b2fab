package jobs

import (
	"context"
	"slices"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/ident"
)

// Nobody takes all workers of a process: an organization gets half of them, work that
// may take long gets half of them, a kind as many as it declares, and of a series one
// job runs at a time over all processes. What is not within that waits until a run
// ends, and what stands behind it is looked for by lanes: so the jobs of others are
// found without reading all that one has waiting.
const (
	long      = 10 * time.Minute // time-out of work that may take long
	lookAhead = 200              // lanes at a time
)

// crowd is what runs, or is about to.
type crowd struct {
	q             *Queue
	organizations map[ident.ID]int
	kinds         map[string]int
	long          int
	series        map[lane]bool
}

// crowd counts what this process has taken; q.mu is held.
func (q *Queue) crowd() *crowd {
	c := &crowd{q: q, organizations: map[ident.ID]int{}, kinds: map[string]int{}, series: map[lane]bool{}}
	for _, r := range q.mine {
		c.add(lane{r.organization, r.kind, r.series})
	}
	return c
}

func (c *crowd) add(l lane) {
	c.organizations[l.organization]++
	c.kinds[l.kind]++
	if c.q.workers[l.kind].timeout >= long {
		c.long++
	}
	if l.series != "" {
		c.series[l] = true
	}
}

// admit counts one more job and reports true if it may run beside the others.
func (c *crowd) admit(l lane, held bool) bool {
	w, known := c.q.workers[l.kind]
	half := max(1, c.q.Workers/2)
	switch {
	case !known, held, l.series != "" && c.series[l],
		w.atOnce > 0 && c.kinds[l.kind] >= w.atOnce,
		w.timeout >= long && c.long >= half,
		!l.organization.IsZero() && c.organizations[l.organization] >= half:
		return false
	}
	c.add(l)
	return true
}

// take claims up to n due jobs. When it returns none, more says whether it may find
// some if it is called again.
func (q *Queue) take(ctx context.Context, n int) (runs []*run, more bool, err error) {
	if len(q.kinds) == 0 {
		return nil, false, nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []taken
	var next lane
	err = q.DB.Write(ctx, access.Instance(), func(tx *db.Tx) (err error) {
		list, next, more, err = q.choose(tx, q.now(), n)
		for i := range list {
			begin(tx, &list[i], q.runner, q.now())
		}
		return err
	})
	if db.IsUnique(err, "job_kind_series") {
		return nil, true, nil // another process began one of the series meanwhile
	}
	if err != nil {
		return nil, false, err
	}
	q.next = next
	runs = make([]*run, len(list))
	for i := range list {
		runs[i] = &run{taken: list[i], q: q}
		q.mine[runs[i].id] = runs[i]
	}
	return runs, more, nil
}

// choose finds up to n due jobs that may run: those due first, and if some of them may
// not, the first ones of the lanes that are next. more says that there are lanes behind
// those; after the last it begins with the first again.
func (q *Queue) choose(tx *db.Tx, now time.Time, n int) (list []taken, next lane, more bool, err error) {
	next = q.next
	due, err := q.claim.firstDue(tx, now, n, q.kinds)
	if err != nil {
		return nil, next, false, err
	}
	c := q.crowd()
	chosen := map[ident.ID]bool{}
	for _, t := range due {
		if c.admit(lane{t.organization, t.kind, t.series}, t.held) {
			list = append(list, t)
			chosen[t.id] = true
		}
	}
	if len(list) == len(due) {
		return list, next, false, nil
	}
	first, err := heads(tx, next, lookAhead)
	if err != nil {
		return nil, next, false, err
	}
	next, more = lane{}, len(first) == lookAhead
	if more {
		next = first[len(first)-1].lane
	}
	slices.SortStableFunc(first, func(a, b head) int { return a.runAt.Compare(b.runAt) })
	ids := make([]any, 0, q.Workers)
	for _, h := range first {
		if len(list)+len(ids) < n && !chosen[h.id] && !h.runAt.After(now) && c.admit(h.lane, h.held) {
			ids = append(ids, h.id)
		}
	}
	if len(ids) == 0 {
		return list, next, more, nil
	}
	for len(ids) < q.Workers {
		ids = append(ids, ids[0])
	}
	others, err := q.claim.these(tx, now, ids)
	return append(list, others...), next, more, err
}
