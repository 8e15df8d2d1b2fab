package kontomatik

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// reply is what an XML reply says, besides what it hands to a reader's sinks.
type reply struct {
	exception        *Error
	session          Session
	multipleAccessID string
	command          Command
	hasCommand       bool
}

// reader takes a reply apart.
type reader struct {
	*scanner
	reply
	sink   Sink               // of imports; nil: they are skipped
	target func(Target) error // of catalogues; nil: they are skipped
}

// read reads a whole reply. An error of a sink is returned as it is, inside a
// sinkError.
func (r *reader) read() error {
	for {
		token, err := r.next()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case nil:
			return io.ErrUnexpectedEOF
		case xml.StartElement:
			if t.Name.Local != "reply" {
				return errRoot
			}
			if err := r.children(r.inReply); err != nil {
				return err
			}
			return r.end()
		}
	}
}

// end checks that nothing but blanks follows.
func (r *reader) end() error {
	for {
		token, err := r.next()
		if err != nil || token == nil {
			return err
		}
		if text, ok := token.(xml.CharData); !ok || strings.TrimSpace(string(text)) != "" {
			return errRoot
		}
	}
}

func (r *reader) inReply(e *xml.StartElement) (err error) {
	switch e.Name.Local {
	case "exception":
		r.exception, err = r.readException(e)
	case "session":
		err = r.readSession(e)
	case "multipleAccessId":
		r.multipleAccessID, err = r.text()
	case "command":
		err = r.readCommand(e)
	case "targets":
		if r.target != nil {
			err = r.children(r.readTarget)
		}
	}
	return err
}

// readSession takes the id of the multiple access from the place inside the
// session; inReply takes it from beside it.
func (r *reader) readSession(e *xml.StartElement) error {
	r.session = Session{ID: attribute(e, "id"), Signature: attribute(e, "signature")}
	return r.children(func(e *xml.StartElement) (err error) {
		if e.Name.Local == "multipleAccessId" {
			r.multipleAccessID, err = r.text()
		}
		return err
	})
}

func (r *reader) readException(e *xml.StartElement) (*Error, error) {
	failure := &Error{Name: cleanName(attribute(e, "name"))}
	if failure.Name == "" {
		failure.Name = "Unnamed"
	}
	err := r.children(func(e *xml.StartElement) (err error) {
		if e.Name.Local == "friendlyMessage" {
			failure.Friendly, err = r.text()
		}
		return err
	})
	return failure, err
}

func (r *reader) readCommand(e *xml.StartElement) error {
	r.hasCommand = true
	r.command = Command{
		ID: attribute(e, "id"), Name: attribute(e, "name"), State: stateOf(attribute(e, "state")),
		Target: attribute(e, "target"), Institution: attribute(e, "institution"),
	}
	return r.children(func(e *xml.StartElement) (err error) {
		switch {
		case e.Name.Local == "exception":
			r.command.Err, err = r.readException(e)
		case e.Name.Local == "result" && r.sink != nil && r.command.State == Successful:
			err = r.children(r.inResult)
		}
		return err
	})
}

func stateOf(word string) State {
	switch strings.ToLower(word) {
	case "successful":
		return Successful
	case "error":
		return Failed
	case "fatal":
		return Fatal
	}
	return Running
}

func (r *reader) inResult(e *xml.StartElement) error {
	card := e.Name.Local == "creditCards"
	if !card && e.Name.Local != "accounts" {
		return nil
	}
	return r.children(func(e *xml.StartElement) error {
		if e.Name.Local != "account" && e.Name.Local != "creditCard" {
			return nil
		}
		return r.readAccount(e, card)
	})
}

// maxHeld is how many transactions may stand before the account can be told from
// others. In all replies that are known they stand behind.
const maxHeld = 10_000

var errHeld = errors.New("the reply says too late whose transactions these are")

// readAccount reads an account or card and hands it to the sink.
func (r *reader) readAccount(e *xml.StartElement, card bool) error {
	a := Account{Card: card, Partial: attribute(e, "partialDueToTimeout") == "true"}
	var held []Transaction
	number := ""
	err := r.children(func(e *xml.StartElement) error {
		if e.Name.Local == "moneyTransactions" {
			return r.children(func(e *xml.StartElement) error {
				if e.Name.Local != "moneyTransaction" {
					return nil
				}
				var t Transaction
				if err := r.readTransaction(&t); err != nil {
					return err
				}
				if a.known() {
					return sunk(r.sink.Transaction(&a, &t))
				}
				if len(held) == maxHeld {
					return errHeld
				}
				held = append(held, t)
				return nil
			})
		}
		at := accountText(&a, &number, e.Name.Local)
		if at == nil {
			return nil
		}
		return r.into(at)
	})
	if err != nil {
		return err
	}
	if a.CardID == "" {
		a.CardID = number
	}
	for i := range held {
		if err := r.sink.Transaction(&a, &held[i]); err != nil {
			return sunk(err)
		}
	}
	return sunk(r.sink.Account(&a))
}

// accountText returns where the text of an account's element belongs, nil when
// nobody asks for it.
func accountText(a *Account, number *string, element string) *string {
	switch element {
	case "name":
		return &a.Name
	case "friendlyName":
		return &a.FriendlyName
	case "iban":
		return &a.IBAN
	case "cardId":
		return &a.CardID
	case "number":
		return number
	case "currencyName":
		return &a.Currency
	case "currencyBalance":
		return &a.Balance
	case "currencyFundsAvailable":
		return &a.Available
	case "activeSinceAtLeast":
		return &a.ActiveSince
	}
	return nil
}

func (r *reader) into(at *string) (err error) {
	*at, err = r.text()
	return err
}

// maxLabels is how many labels of one transaction are kept.
const maxLabels = 50

func (r *reader) readTransaction(t *Transaction) error {
	return r.children(func(e *xml.StartElement) error {
		switch e.Name.Local {
		case "labels":
			return r.children(func(e *xml.StartElement) error {
				label, err := r.text()
				if err == nil && e.Name.Local == "label" && label != "" && len(t.Labels) < maxLabels {
					t.Labels = append(t.Labels, label)
				}
				return err
			})
		case "variableSymbol", "constantSymbol", "specificSymbol":
			symbol, err := r.text()
			if err == nil && symbol != "" {
				t.Symbols = strings.TrimSpace(t.Symbols + " " + strings.ToUpper(e.Name.Local[:1]) + "S " + symbol)
			}
			return err
		}
		at := transactionText(t, e.Name.Local)
		if at == nil {
			return nil
		}
		return r.into(at)
	})
}

func transactionText(t *Transaction, element string) *string {
	switch element {
	case "transactionOn":
		return &t.On
	case "bookedOn":
		return &t.BookedOn
	case "currencyAmount":
		return &t.Amount
	case "currencyBalance":
		return &t.Balance
	case "title":
		return &t.Title
	case "party":
		return &t.Party
	case "partyIban":
		return &t.PartyIBAN
	case "kind":
		return &t.Kind
	case "status":
		return &t.Status
	}
	return nil
}

func (r *reader) readTarget(e *xml.StartElement) error {
	if e.Name.Local != "target" {
		return nil
	}
	t := Target{
		Name: attribute(e, "name"), Country: strings.ToLower(attribute(e, "country")), Institution: attribute(e, "institution"),
		OfficialName: attribute(e, "officialName"), OfficialURL: attribute(e, "officialUrl"),
		PSD2: attribute(e, "psd2") == "true", Beta: attribute(e, "beta") == "true",
	}
	err := r.children(func(e *xml.StartElement) error {
		if e.Name.Local != "commands" {
			return nil
		}
		return r.children(func(e *xml.StartElement) error {
			t.Imports = t.Imports || attribute(e, "name") == "DefaultImportCommand"
			return nil
		})
	})
	if err != nil || t.Name == "" {
		return err
	}
	return sunk(r.target(t))
}

// sinkError marks an error that is not the reply's.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

func sunk(err error) error {
	if err == nil {
		return nil
	}
	return &sinkError{err}
}
