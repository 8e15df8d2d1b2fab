// Package entitlement keeps which modules of the product an organization has. A
// new organization tries all of them for some days. Then it has those that its
// subscription grants, and those that operators give it. What it had and has no
// more it can read and not change; what it never had, or what operators took
// away, it can't use at all.
//
// A row holds what trial, subscription and operators say of one module, so that
// one can end without the others being forgotten. The operators' word goes before
// the subscription's, and that before the trial's. Requests are checked against
// what is remembered with the caller's memberships (see access.Rule.Of), without
// a query; a trial that ends needs no work, since the row says when.
package entitlement

import (
	"regexp"
	"time"

	"sede/internal/access"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
)

// Who says that an organization has a module.
const (
	Trial        = "trial"
	Subscription = "subscription"
	Operator     = "operator"
)

// Entitlement is what an organization has of one module.
type Entitlement struct {
	ID           ident.ID
	Organization ident.ID
	Module       string // its code
	Version      int64
	CreatedAt    time.Time
	UpdatedAt    time.Time

	// What follows from the rest at a moment. Operators decide by setting the
	// first two.
	Enabled  bool
	EndsAt   null.Value[time.Time] // null: no end is known
	Source   string
	Readable bool

	trialUntil   null.Value[time.Time]
	bought       null.Value[string]
	decided      null.Value[bool]
	decidedUntil null.Value[time.Time]
}

// The states of what was bought.
const (
	boughtNow    = "now"
	boughtBefore = "before"
)

// module is the entitlement as requests go by it.
func (e *Entitlement) module() access.Module {
	m := access.Module{Code: e.Module, Given: e.bought.V == boughtNow, Until: e.trialUntil.V, Had: e.bought.Valid || e.decided.V}
	switch {
	case e.decided.V && !e.decidedUntil.Valid:
		m.Given = true
	case e.decided.V && e.decidedUntil.V.After(m.Until):
		m.Until = e.decidedUntil.V
	case e.decided.Valid && !e.decided.V:
		m.Withheld, m.WithheldUntil = true, e.decidedUntil.V
	}
	return m
}

// derive fills what follows at a moment.
func (e *Entitlement) derive(now time.Time) {
	m := e.module()
	use := m.At(now)
	e.Enabled, e.Readable = use == access.ToChange, use != access.NoUse
	switch {
	case e.rules(now):
		e.Source, e.EndsAt = Operator, e.decidedUntil
	case e.bought.V == boughtNow, e.bought.Valid && !e.Enabled:
		e.Source, e.EndsAt = Subscription, null.Value[time.Time]{}
	case e.trialUntil.Valid:
		e.Source, e.EndsAt = Trial, e.trialUntil
	default:
		e.Source, e.EndsAt = Operator, e.decidedUntil
	}
}

// rules reports whether the operators' word counts at the moment.
func (e *Entitlement) rules(now time.Time) bool {
	return e.decided.Valid && (!e.decidedUntil.Valid || now.Before(e.decidedUntil.V))
}

// decide makes what is set the operators' word.
func (e *Entitlement) decide(now time.Time) {
	e.decided, e.decidedUntil = null.Of(e.Enabled), e.EndsAt
	e.derive(now)
}

// code is what modules are named by.
var code = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Validate returns the broken rules that declarations can't express.
func (e *Entitlement) Validate() []fault.Violation {
	if !code.MatchString(e.Module) {
		return []fault.Violation{{Path: "module", Code: fault.CodeRegex,
			Text: fault.Textf("A code has lower-case letters, digits and single hyphens, and begins with a letter.")}}
	}
	return nil
}
