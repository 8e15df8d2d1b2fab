package access

import (
	"slices"
	"strings"
	"time"

	"sede/internal/fault"
)

// Module is what an organization has of one module of the product. What it has
// changes by itself only when a time in it passes.
type Module struct {
	Code          string
	Given         bool      // without an end
	Until         time.Time // it is given, or was, until then; zero: it never was for a time
	Had           bool      // it was given once
	Withheld      bool      // operators took it away
	WithheldUntil time.Time // until then; zero: for good
}

// Use is how far a module can be used.
type Use uint8

// The uses from the least to the most.
const (
	NoUse    Use = iota
	ToRead       // it was given once: what is there can be read
	ToChange     // all of it
)

// At returns the use of the module at a moment.
func (m *Module) At(now time.Time) Use {
	switch {
	case m.Withheld && (m.WithheldUntil.IsZero() || now.Before(m.WithheldUntil)):
		return NoUse
	case m.Given || now.Before(m.Until):
		return ToChange
	case m.Had || !m.Until.IsZero():
		return ToRead
	}
	return NoUse
}

// Modules are what an organization has of all modules at one moment. The zero
// Modules are none.
type Modules struct {
	list []Module
	at   time.Time
	all  bool
}

// ModulesAt returns what the list comes to at the moment. It keeps the list.
func ModulesAt(list []Module, at time.Time) Modules { return Modules{list: list, at: at} }

// AllModules returns every module there is, for set-up.
func AllModules() Modules { return Modules{all: true} }

// Use returns how far that of the modules can be used which can be used most.
func (m Modules) Use(codes ...string) (most Use) {
	if m.all {
		return ToChange
	}
	for i := range m.list {
		if slices.Contains(codes, m.list[i].Code) {
			most = max(most, m.list[i].At(m.at))
		}
	}
	return most
}

// Of returns the rule for work that is part of a module, or of several of which
// one is enough: it is PaymentRequired where the organization has none, and
// changes are where it had one once. Operators are let in.
func (r Rule) Of(modules ...string) Rule { r.modules = modules; return r }

// Modules returns the modules of which the work is part, none if it is part of
// what every organization has.
func (r Rule) Modules() []string { return r.modules }

// checkModules refuses what the organization has not bought.
func (r Rule) checkModules(c *Caller) error {
	if len(r.modules) == 0 || c.Operator {
		return nil
	}
	use := c.Modules.Use(r.modules...)
	if use == ToChange || use == ToRead && !r.changes {
		return nil
	}
	return NotBought(use, r.modules...)
}

// NotBought is the answer to work that is part of the modules, of which the
// organization can make no more than the use.
func NotBought(use Use, modules ...string) error {
	text := fault.Textf("This organization does not have what this is part of: %s.", strings.Join(modules, ", "))
	if use == ToRead {
		text = fault.Textf("This organization does not have this any more: %s. What is there can be read, but not changed.", strings.Join(modules, ", "))
	}
	return &fault.Error{Kind: fault.PaymentRequired, Text: text, Modules: modules}
}
