package bank

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"sede/internal/bank/kontomatik"
	"sede/internal/money"
	"sede/internal/null"
)

// The longest texts that are kept, in characters.
const (
	maxText  = 2000
	maxShort = 255
)

// readAccount turns what a bank tells of an account into an Account. It is false
// when the account can't be told from others or its currency is not known.
func readAccount(a *kontomatik.Account, target string) (Account, bool) {
	if !money.IsCurrency(a.Currency) {
		return Account{}, false
	}
	digits := money.Digits(a.Currency)
	account := Account{Kind: KindAccount, Name: short(first(a.FriendlyName, a.Name, a.Currency)), Currency: a.Currency, Partial: a.Partial}
	iban := strings.ToUpper(strings.ReplaceAll(collapse(a.IBAN), " ", ""))
	mark := ""
	switch {
	case a.Card && a.CardID != "":
		account.Kind, mark = KindCard, "card/"+target+"/"+a.CardID
		account.LastDigits = null.Of(lastOf(a.CardID, 4))
	case iban != "":
		account.IBAN, mark = null.Of(short(iban)), "iban/"+iban
	case a.Name != "":
		mark = "name/" + target + "/" + collapse(a.Name)
	default:
		return Account{}, false
	}
	if a.Card {
		account.Kind = KindCard
	}
	sum := sha256.Sum256([]byte(a.Currency + "/" + mark))
	account.identity = hex.EncodeToString(sum[:])
	account.Balance, account.Available = amountOr(a.Balance, digits), amountOr(a.Available, digits)
	return account, true
}

// readTransaction turns what a bank tells of a transaction into a Transaction. It
// is false when day or amount can't be read.
func readTransaction(t *kontomatik.Transaction, code string) (Transaction, bool) {
	digits := money.Digits(code)
	amount, err := kontomatik.Minor(t.Amount, digits)
	on, ok := readDay(t.On)
	if !ok {
		on, ok = readDay(t.BookedOn)
	}
	if err != nil || !ok {
		return Transaction{}, false
	}
	r := Transaction{
		Status: Booked, On: on, Amount: amount, Currency: code, Balance: amountOr(t.Balance, digits),
		Title: long(t.Title), Party: long(t.Party), Kind: short(t.Kind), Symbols: short(t.Symbols), Labels: splitLabels(joinLabels(t.Labels)),
	}
	if t.Status != "" && !strings.EqualFold(t.Status, kontomatik.Done) {
		r.Status = Pending
	}
	if booked, ok := readDay(t.BookedOn); ok {
		r.BookedOn = null.Of(booked)
	}
	if iban := strings.ToUpper(strings.ReplaceAll(collapse(t.PartyIBAN), " ", "")); iban != "" {
		r.PartyIBAN = null.Of(short(iban))
	}
	return r, true
}

// readDay reads the day of a date or time.
func readDay(text string) (time.Time, bool) {
	if len(text) < len(time.DateOnly) {
		return time.Time{}, false
	}
	day, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)])
	return day, err == nil && day.Year() > 1900
}

func amountOr(text string, digits int) null.Value[int64] {
	n, err := kontomatik.Minor(text, digits)
	return null.Value[int64]{V: n, Valid: err == nil}
}

// first is the first text that is not blank.
func first(texts ...string) string {
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}

func short(text string) string { return cut(collapse(text), maxShort) }

func long(text string) string { return cut(collapse(text), maxText) }

// cut leaves the first n characters.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n])
}

// lastOf leaves the last n characters.
func lastOf(text string, n int) string {
	runes := []rune(text)
	return string(runes[max(0, len(runes)-n):])
}
