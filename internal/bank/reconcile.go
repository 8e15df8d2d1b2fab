package bank

import (
	"cmp"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/null"
)

// Match is money that came in and the invoices that it may be meant for.
type Match struct {
	ID          ident.ID
	Transaction null.Value[ident.ID] // null: it is gone
	mark        []byte               // tells the transaction from all others, also when it is imported anew
	Status      string
	Score       int64 // 0 to 100
	Reasons     []string
	Amount      int64
	Currency    string
	On          time.Time
	Title       string
	Party       string
	PartyIBAN   null.Value[string]
	Parts       []Part
	payer       ident.ID // whose invoices these are
	DecidedAt   null.Value[time.Time]
	Version     int64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Part is how much of the money is for an invoice.
type Part struct {
	Invoice ident.ID `json:"invoice"`
	Number  string   `json:"number"`
	Buyer   string   `json:"buyer"`
	Amount  int64    `json:"amount"`
}

// The states of matches.
const (
	MatchSettled   = "settled"   // sure: the payment was recorded at once
	MatchProposed  = "proposed"  // somebody has to look at it
	MatchConfirmed = "confirmed" // somebody did: the payment was recorded
	MatchDismissed = "dismissed" // somebody said that it is not so
)

// Why a match was found, and why it is not sure.
const (
	reasonReference = "reference" // the text names the invoice's number
	reasonDigits    = "digits"    // the text holds the digits of the number only
	reasonAmount    = "amount"    // it is what is to be paid
	reasonPartial   = "partial"   // it is less
	reasonTooMuch   = "too-much"  // it is more
	reasonCombined  = "combined"  // for several invoices
	reasonPayer     = "payer"     // this account paid the buyer's invoices before
	reasonName      = "name"      // the other side, or the text, is called as the buyer
	reasonAmbiguous = "ambiguous" // other invoices fit nearly as well
)

// What speaks for a match, in points. A match is sure from sureScore on if no other
// one comes near, and is offered from offerScore on.
const (
	pointsReference = 60
	pointsDigits    = 35
	pointsAmount    = 30
	pointsPartial   = 10
	pointsPayer     = 20
	pointsName      = 15
	pointsSomeName  = 8
	sureScore       = 80
	offerScore      = 40
	clearLead       = 15
)

// Owed is an invoice that is to be paid.
type Owed struct {
	ID           ident.ID
	Organization ident.ID
	Number       string
	Buyer        string
	Currency     string
	Remaining    int64
	DueAt        time.Time
}

// incoming is money that came in and is not matched yet.
type incoming struct {
	Transaction
	mark     []byte
	provider string
}

// mention is an invoice's number as a text names it.
type mention struct {
	number string
	whole  bool // with the prefix that it has
}

// maxMentions is how many numbers of a text are looked up.
const maxMentions = 12

// mentions finds what may be numbers of invoices in a text. Numbers are a prefix and
// at least six digits; people leave out the prefix, zeros and what stands between.
func mentions(text, prefix string) (list []mention) {
	letters := alphanumeric(prefix)
	before := "" // letters and digits up to here, without what is between
	for rest := strings.ToUpper(text); rest != ""; {
		n := strings.IndexFunc(rest, isDigit)
		if n < 0 {
			break
		}
		before, rest = before+alphanumeric(rest[:n]), rest[n:]
		end := strings.IndexFunc(rest, func(r rune) bool { return !isDigit(r) })
		if end < 0 {
			end = len(rest)
		}
		digits := rest[:end]
		rest = rest[end:]
		number, err := strconv.ParseInt(digits, 10, 64)
		whole := strings.HasSuffix(before, letters) && (letters != "" || len(digits) >= numberDigits)
		before += digits
		if err != nil || number == 0 || len(digits) > 9 || !whole && len(digits) < 3 {
			continue
		}
		m := mention{number: prefix + padded(number), whole: whole}
		if len(list) < maxMentions && !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// numberDigits is how many digits the number of an invoice has at least.
const numberDigits = 6

func padded(n int64) string {
	text := strconv.FormatInt(n, 10)
	return strings.Repeat("0", max(0, numberDigits-len(text))) + text
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// alphanumeric leaves the letters and digits, in upper case.
func alphanumeric(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, text)
}

// called tells how much of a buyer's name is in what a bank says of the other side,
// in points. Legal forms and short words don't count.
func called(buyer, party string) int64 {
	there := map[string]bool{}
	for _, word := range words(party) {
		there[word] = true
	}
	total, found := 0, 0
	for _, word := range words(buyer) {
		total++
		if there[word] {
			found++
		}
	}
	switch {
	case total == 0 || found*2 < total:
		return 0
	case found == total:
		return pointsName
	}
	return pointsSomeName
}

func words(text string) (list []string) {
	for _, word := range strings.FieldsFunc(db.Fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		switch word {
		case "lda", "gmbh", "ltd", "inc", "llc", "unipessoal", "spolka", "sro", "the", "and":
			continue
		}
		if len(word) >= 3 {
			list = append(list, word)
		}
	}
	return list
}

// evidence is what is known about some money that came in.
type evidence struct {
	named  []Owed               // whose number the text names, with its prefix
	digits []Owed               // the same without the prefix
	equal  []Owed               // of which exactly this amount is to be paid
	payer  null.Value[ident.ID] // who paid from this account before
	owed   []Owed               // all that the payer has to pay
}

// judge finds the invoices that money is most likely meant for; false when none is
// likely.
func judge(t *incoming, e *evidence) (best Match, found bool) {
	var all []Match
	consider := func(invoices []Owed, points int64, reasons ...string) {
		invoices = inCurrency(invoices, t.Currency)
		if len(invoices) > 0 {
			all = append(all, weigh(t, e, invoices, points, reasons))
		}
	}
	if named := inCurrency(e.named, t.Currency); len(named) > 0 {
		consider(named, pointsReference, reasonReference)
	} else {
		for i := range e.digits {
			consider(e.digits[i:i+1], pointsDigits, reasonDigits)
		}
		consider(subset(inCurrency(e.digits, t.Currency), t.Amount), pointsDigits, reasonDigits)
		for i := range e.equal {
			consider(e.equal[i:i+1], 0)
		}
		consider(subset(inCurrency(e.owed, t.Currency), t.Amount), 0)
	}
	for i := range all {
		if !found || all[i].Score > best.Score {
			best, found = all[i], true
		}
	}
	for i := range all {
		if !sameParts(&all[i], &best) && all[i].Score > best.Score-clearLead && best.Score >= offerScore {
			best.Reasons = append(slices.Clone(best.Reasons), reasonAmbiguous)
			best.Score = min(best.Score, sureScore-1)
			break
		}
	}
	best.Status = MatchProposed
	if best.Score >= sureScore {
		best.Status = MatchSettled
	}
	return best, found && best.Score >= offerScore
}

// weigh counts what speaks for some invoices.
func weigh(t *incoming, e *evidence, invoices []Owed, points int64, reasons []string) Match {
	m := Match{Transaction: null.Of(t.ID), mark: t.mark, Amount: t.Amount, Currency: t.Currency, On: t.day(), Title: t.Title, Party: t.Party, PartyIBAN: t.PartyIBAN}
	m.Parts, m.payer = allocate(t.Amount, invoices), invoices[0].Organization
	most, sum := int64(100), int64(0)
	for _, i := range invoices {
		sum += i.Remaining
		if i.Organization != m.payer {
			most = sureScore - 1 // one payment for two customers is odd
		}
	}
	switch {
	case sum == t.Amount:
		points, reasons = points+pointsAmount, append(reasons, reasonAmount)
	case t.Amount < sum:
		points, reasons = points+pointsPartial, append(reasons, reasonPartial)
		if len(invoices) > 1 {
			most = sureScore - 1 // which of them is meant?
		}
	default:
		reasons, most = append(reasons, reasonTooMuch), sureScore-1
	}
	if len(invoices) > 1 {
		reasons = append(reasons, reasonCombined)
	}
	if e.payer == null.Of(m.payer) {
		points, reasons = points+pointsPayer, append(reasons, reasonPayer)
	} else if n := max(called(invoices[0].Buyer, t.Party), called(invoices[0].Buyer, t.Title)); n > 0 {
		points, reasons = points+n, append(reasons, reasonName)
	}
	m.Score, m.Reasons = min(points, most), reasons
	return m
}

func inCurrency(list []Owed, currency string) (found []Owed) {
	for _, i := range list {
		if i.Currency == currency && i.Remaining > 0 {
			found = append(found, i)
		}
	}
	return found
}

// allocate divides money among invoices, the one that is due first first. What is
// left over goes to the last.
func allocate(amount int64, invoices []Owed) []Part {
	list := slices.Clone(invoices)
	slices.SortStableFunc(list, func(a, b Owed) int { return cmp.Or(a.DueAt.Compare(b.DueAt), strings.Compare(a.Number, b.Number)) })
	var parts []Part
	for n, i := range list {
		part := min(amount, i.Remaining)
		if n == len(list)-1 {
			part = amount
		}
		if part > 0 {
			parts = append(parts, Part{Invoice: i.ID, Number: i.Number, Buyer: i.Buyer, Amount: part})
		}
		amount -= part
	}
	return parts
}

// maxSubset is how many invoices of a payer are tried together.
const maxSubset = 12

// subset finds two or more invoices of one organization of which exactly the amount
// is to be paid; of several such sets none.
func subset(list []Owed, amount int64) (found []Owed) {
	list = list[:min(len(list), maxSubset)]
	for set := 1; set < 1<<len(list); set++ {
		if set&(set-1) == 0 {
			continue // one invoice
		}
		sum, same := int64(0), true
		var chosen []Owed
		for i := range list {
			if set&(1<<i) != 0 {
				sum += list[i].Remaining
				same = same && list[i].Organization == list[bits.TrailingZeros(uint(set))].Organization
				chosen = append(chosen, list[i])
			}
		}
		switch {
		case sum != amount || !same:
		case found != nil:
			return nil
		default:
			found = chosen
		}
	}
	return found
}

func sameParts(a, b *Match) bool {
	return slices.EqualFunc(a.Parts, b.Parts, func(a, b Part) bool { return a.Invoice == b.Invoice })
}
