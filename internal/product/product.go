// Package product keeps what is sold: products with their names, prices and the
// modules that they grant. They belong to the instance and are public; operators
// write them.
//
// A price is for one currency and one interval: a flat amount, an amount for each
// seat, or both. Who bought a product keeps the price they bought it at, so that
// a change here concerns later purchases only. A product is not removed but made
// inactive: then it can't be bought any more.
package product

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"golang.org/x/text/language"

	"sede/internal/fault"
	"sede/internal/money"
)

// The intervals that a price can be for.
const (
	Monthly = "monthly"
	Yearly  = "yearly"
)

// Intervals lists them.
func Intervals() []string { return []string{Monthly, Yearly} }

// Product is one thing that is sold.
type Product struct {
	ID        string // a code
	Names     []Name
	Prices    []Price
	Modules   []string // codes of what it grants
	TrialDays int64
	Active    bool // can be bought
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Name is what the product is called in one language.
type Name struct {
	Language string `json:"language"` // BCP 47
	Name     string `json:"name"`
}

// Price is what one period costs, before tax, in minor units of the currency.
type Price struct {
	Currency string `json:"currency"`
	Interval string `json:"interval"`
	Flat     int64  `json:"flat"`    // whatever the number of seats
	PerSeat  int64  `json:"perSeat"` // times the number of seats
}

// Price returns the price for a currency and an interval; false when there is
// none.
func (p *Product) Price(currency, interval string) (Price, bool) {
	i := slices.IndexFunc(p.Prices, func(at Price) bool { return at.Currency == currency && at.Interval == interval })
	if i < 0 {
		return Price{}, false
	}
	return p.Prices[i], true
}

// NameIn returns the name for a reader of the language: in that language or the
// nearest there is, else in English, else the first.
func (p *Product) NameIn(reader language.Tag) string {
	if len(p.Names) == 0 {
		return p.ID
	}
	tags := make([]language.Tag, len(p.Names))
	first, asked := 0, reader.String()
	for i, n := range p.Names {
		if n.Language == asked {
			return n.Name // as a matcher says too, which is expensive to make
		}
		tags[i] = language.Make(n.Language)
		if n.Language == "en" {
			first = i
		}
	}
	if _, i, confidence := language.NewMatcher(tags).Match(reader); confidence >= language.High {
		return p.Names[i].Name
	}
	return p.Names[first].Name
}

// code is what products and modules are named by.
var code = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// Validate returns the broken rules that declarations can't express.
func (p *Product) Validate() (list []fault.Violation) {
	if !code.MatchString(p.ID) {
		list = append(list, fault.Violation{Path: "id", Code: fault.CodeRegex, Text: codeText()})
	}
	for i, m := range p.Modules {
		if !code.MatchString(m) {
			list = append(list, fault.Violation{Path: "modules[" + strconv.Itoa(i) + "]", Code: fault.CodeRegex, Text: codeText()})
		}
	}
	if len(p.Names) == 0 {
		list = append(list, fault.Violation{Path: "names", Code: fault.CodeBlank, Text: fault.Textf("This value should not be blank.")})
	}
	for i, n := range p.Names {
		if slices.ContainsFunc(p.Names[:i], func(o Name) bool { return o.Language == n.Language }) {
			list = append(list, twice("names["+strconv.Itoa(i)+"].language"))
		}
	}
	if len(p.Prices) == 0 {
		list = append(list, fault.Violation{Path: "prices", Code: fault.CodeBlank, Text: fault.Textf("This value should not be blank.")})
	}
	for i, at := range p.Prices {
		if slices.ContainsFunc(p.Prices[:i], func(o Price) bool { return o.Currency == at.Currency && o.Interval == at.Interval }) {
			list = append(list, twice("prices["+strconv.Itoa(i)+"].currency"))
		}
	}
	return list
}

func codeText() fault.Text {
	return fault.Textf("A code has lower-case letters, digits and single hyphens, and begins with a letter.")
}

func twice(path string) fault.Violation {
	return fault.Violation{Path: path, Code: fault.CodeUnique, Text: fault.Textf("This value is already used.")}
}

// checkCurrency says what is wrong with the code of a currency.
func checkCurrency(currency string) fault.Text {
	if !money.IsCurrency(currency) {
		return fault.Textf("This value is not a valid currency.")
	}
	return fault.Text{}
}
