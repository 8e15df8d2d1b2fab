package jobs

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// Chore is work that every process repeats for itself, such as writing down what
// it has counted. It is no job: nothing about it is stored, and what fails is
// tried again at the next turn. It runs once more when the process ends.
type Chore struct {
	Name  string // for the log
	Every time.Duration
	Do    func(ctx context.Context) error
}

// RegisterChores adds chores. It is called before Start and RunDue.
func (q *Queue) RegisterChores(chores []Chore) { q.chores = append(q.chores, chores...) }

// startChores begins to run the chores, until Close.
func (q *Queue) startChores() {
	for _, c := range q.chores {
		q.busy.Go(func() {
			ticker := time.NewTicker(c.Every)
			defer ticker.Stop()
			for {
				select {
				case <-ticker.C:
					q.doChore(q.life, c)
				case <-q.stop:
					q.doChore(q.life, c)
					return
				}
			}
		})
	}
}

// doChore runs a chore and logs what goes wrong.
func (q *Queue) doChore(ctx context.Context, c Chore) {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		return c.Do(ctx)
	}()
	if err != nil {
		q.Log.Error("jobs: a chore failed and will be repeated", "chore", c.Name, "error", err)
	}
}
