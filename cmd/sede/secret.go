package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"sede/internal/app"
	"sede/internal/sealing"
	"sede/internal/secret"
)

type secretStatusCommand struct{}

// errUnopened says that secrets are lost unless a key is found.
var errUnopened = errors.New("some secrets are sealed with a key that is not known here, or are damaged: put the key back, or see what to do without it in the documentation on backups")

// Run says what is sealed with which key. It changes nothing.
func (secretStatusCommand) Run(ctx context.Context, s *settings) error {
	return s.with(ctx, func(a *app.App) error {
		counts, err := a.Sealing().Counts(ctx)
		if err != nil {
			return err
		}
		unknown := printCounts(a.Keys(), counts)
		printUnused(s, a.Keys(), counts)
		if unknown {
			return errUnopened
		}
		return nil
	})
}

// printCounts prints what is sealed with which key, and reports whether a key is
// not known.
func printCounts(keys []secret.KeyID, counts []sealing.Count) (unknown bool) {
	role := map[secret.KeyID]string{}
	for i, id := range keys {
		role[id] = [...]string{"seals", "opens"}[min(i, 1)]
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\t\tCOLUMN\tVALUES")
	for _, c := range counts {
		what, known := role[c.Key]
		if !known {
			what, unknown = "not known", true
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", c.Key, what, c.Column, c.Values)
	}
	_ = w.Flush()
	return unknown
}

// printUnused names the keys that nothing is sealed with any more.
func printUnused(s *settings, keys []secret.KeyID, counts []sealing.Count) {
	used := map[secret.KeyID]bool{}
	for _, c := range counts {
		used[c.Key] = true
	}
	where, next, offset := "--secret-key-previous", -1, 0
	if s.SecretKey == "" {
		where, offset = s.keyFile().String(), 1
		next, _ = s.keyFile().marked(nextWord) // it was read a moment ago
	}
	for i, id := range keys {
		switch {
		case i == next:
			fmt.Printf("Key %s seals after the next rotation.\n", id)
		case i > 0 && !used[id]:
			fmt.Printf("Nothing is sealed with key %s, the %s in %s. Take it out when you will restore no backup that needs it.\n", id, ordinal(i+offset), where)
		}
	}
}

type secretRotateCommand struct {
	Prepare bool `help:"Make the key that the next rotation begins to seal with, and no more: so that it can be brought to other machines first."`
}

// settle is how long after a new key others may still seal with the old one.
const settle = 2*app.KeysEvery + time.Second

// Run seals everything with the current key. When everything is, it begins with a
// new key first; so a rotation that was cut off is finished by the next one. sede
// may serve meanwhile.
func (c secretRotateCommand) Run(ctx context.Context, s *settings) error {
	return s.with(ctx, func(a *app.App) error {
		counts, err := a.Sealing().Counts(ctx)
		if err != nil {
			return err
		}
		stale, err := s.rotating()
		if err != nil {
			return err
		}
		for _, n := range counts {
			stale = stale || n.Key != a.Keys()[0]
		}
		switch {
		case c.Prepare:
			return s.prepareKey(a)
		case stale:
			fmt.Printf("Key %s seals already; sealing again with it what is left.\n", a.Keys()[0])
		default:
			if err := s.newKey(a); err != nil {
				return err
			}
		}
		return s.sealAgain(ctx, a)
	})
}

// rotating reports whether a rotation was begun and did not end.
func (s *settings) rotating() (bool, error) {
	if s.SecretKey != "" {
		return false, nil
	}
	i, err := s.keyFile().marked(rotatingWord)
	return i == 0, err
}

// prepareKey makes the next key.
func (s *settings) prepareKey(a *app.App) error {
	if s.SecretKey != "" {
		return errNoFile
	}
	if err := s.keyFile().prepare(); err != nil {
		return err
	}
	if err := a.RefreshKeys(); err != nil {
		return err
	}
	keys := a.Keys()
	fmt.Printf("Key %s is next in %s. It seals nothing yet. Bring the file to every machine that serves this database, then rotate.\n", keys[len(keys)-1], s.keyFile())
	return nil
}

// errNoFile says how keys are replaced that are in the settings.
var errNoFile = errors.New("everything is sealed with --secret-key. To replace it: 1. give every sede the new key as --secret-key-previous; 2. exchange the two; 3. rotate; 4. take the old key away when this command says so")

// newKey begins to seal with a new key.
func (s *settings) newKey(a *app.App) error {
	if s.SecretKey != "" {
		return errNoFile
	}
	next, err := s.keyFile().marked(nextWord)
	if err != nil {
		return err
	}
	if s.Database != "" && next < 0 {
		return errors.New("other machines may serve this database with a file of their own: sede secret rotate --prepare makes the next key; bring the file to all of them, then rotate")
	}
	if err := s.keyFile().advance(); err != nil {
		return err
	}
	if err := a.RefreshKeys(); err != nil {
		return err
	}
	fmt.Printf("Key %s in %s seals from now on.\n", a.Keys()[0], s.keyFile())
	return nil
}

// passes bounds how often sealAgain looks.
const passes = 5

// errOthers says that the rotation can't end yet.
var errOthers = errors.New("another sede still seals with an older key: give it the keys that this one has, then rotate again")

// sealAgain goes through everything until nothing is left that another key has
// sealed, which a serving sede may still do for a moment.
func (s *settings) sealAgain(ctx context.Context, a *app.App) error {
	var total, lost int64
	for pass := 1; ; pass++ {
		again, unopened, err := a.Sealing().SealAgain(ctx, func(r sealing.Result) {
			if r.Again+r.Lost > 0 {
				fmt.Printf("%s: %d sealed again%s\n", r.Column, r.Again, unopenedText(r.Lost))
			}
		})
		total, lost = total+again, unopened
		if err != nil {
			return err
		}
		if pass > 1 && again == 0 {
			break
		}
		if pass == passes {
			return errOthers
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settle):
		}
	}
	if err := a.Sealing().Record(ctx, total); err != nil {
		return err
	}
	if s.SecretKey == "" {
		if err := s.keyFile().finish(); err != nil {
			return err
		}
	}
	counts, err := a.Sealing().Counts(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%d secrets are sealed again with key %s.\n", total, a.Keys()[0])
	printUnused(s, a.Keys(), counts)
	if lost > 0 {
		return errUnopened
	}
	return nil
}

// ordinal is how people count: the keys of a list, from 1.
func ordinal(n int) string {
	if n < 4 {
		return [...]string{"", "first", "second", "third"}[n]
	}
	return fmt.Sprintf("%dth", n)
}

func unopenedText(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d can't be opened", n)
}
