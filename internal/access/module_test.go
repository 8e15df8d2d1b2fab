package access

import (
	"testing"
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
)

func TestModuleAt(t *testing.T) {
	noon := time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)
	before, after := noon.Add(-time.Second), noon.Add(time.Second)
	for _, c := range []struct {
		what string
		m    Module
		want Use
	}{
		{"never had", Module{}, NoUse},
		{"given", Module{Given: true}, ToChange},
		{"on trial", Module{Until: after}, ToChange},
		{"trial ends now", Module{Until: noon}, ToRead},
		{"trial over", Module{Until: before}, ToRead},
		{"bought once", Module{Had: true}, ToRead},
		{"withheld", Module{Given: true, Until: after, Withheld: true}, NoUse},
		{"withheld for now", Module{Given: true, Withheld: true, WithheldUntil: after}, NoUse},
		{"withheld until now", Module{Given: true, Withheld: true, WithheldUntil: noon}, ToChange},
		{"withheld once, never had", Module{Withheld: true, WithheldUntil: before}, NoUse},
	} {
		if got := c.m.At(noon); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
}

func TestRuleOf(t *testing.T) {
	noon := time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)
	had := ModulesAt([]Module{{Code: "a", Had: true}, {Code: "b", Given: true}}, noon)
	read, write := Within(Readers), Within(Readers).ToChange()
	for _, c := range []struct {
		what string
		rule Rule
		who  Caller
		want bool
	}{
		{"no module", write, Caller{Role: Member}, true},
		{"read what was had", read.Of("a"), Caller{Role: Member, Modules: had}, true},
		{"change what was had", write.Of("a"), Caller{Role: Member, Modules: had}, false},
		{"change what is had", write.Of("b"), Caller{Role: Member, Modules: had}, true},
		{"one of two", write.Of("a", "b"), Caller{Role: Member, Modules: had}, true},
		{"read what was never had", read.Of("c"), Caller{Role: Member, Modules: had}, false},
		{"nothing is known", read.Of("b"), Caller{Role: Owner}, false},
		{"an operator", write.Of("c"), Caller{Operator: true}, true},
		{"set-up", write.Of("c"), Caller{Role: Owner, Modules: AllModules()}, true},
	} {
		c.who.Organization = ident.ID{1}
		err := c.rule.Check(&c.who)
		if (err == nil) != c.want || err != nil && !fault.Is(err, fault.PaymentRequired) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	guest := Caller{Organization: ident.ID{1}, Role: Guest}
	if err := read.Of("c").Check(&guest); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a guest: %v", err)
	}
}
