package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// commandRecord is an import that was started.
type commandRecord struct {
	Owner     string `json:"o"`
	Target    string `json:"b"`
	Holder    holder `json:"h"`
	Since     string `json:"s"`
	Number    int    `json:"n"` // which import of the access it is, from 0
	StartedAt int64  `json:"t"`
}

const (
	importTime    = 2 * time.Second
	slowTime      = 5 * time.Minute
	gatewayTime   = 30 * time.Second
	commandName   = "DefaultImportCommand"
	stateSetup    = "setup"
	stateRunning  = "in_progress"
	stateDone     = "successful"
	stateFailed   = "error"
	firstReach    = 10 * 366 // days of history while the person is there
	heldStatus    = "HOLD"
	bookedStatus  = "DONE"
	failedCommand = "ServiceTemporarilyUnavailable"
)

// ownerKey is where it is kept that an owner's data was deleted.
func ownerKey(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return "owner/" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// defaultImport starts an import. A session takes one.
func (b *Bank) defaultImport(x *exchange) error {
	v, err := b.session(x)
	if err != nil {
		return err
	}
	since, err := time.Parse(time.DateOnly, x.PostFormValue("since"))
	if err != nil || since.After(b.now()) {
		return badSince
	}
	reach := firstReach
	if !v.First {
		reach = reuseReach
	}
	if first := b.now().AddDate(0, 0, -reach).Truncate(24 * time.Hour); since.Before(first) {
		since = first
	}
	c := commandRecord{Owner: v.Owner, Target: v.Target, Holder: v.Holder, Since: since.Format(time.DateOnly), StartedAt: b.now().Unix()}
	var access accessRecord
	if v.Access != "" {
		if _, err := b.record(x.Context(), "access/"+v.Access, &access); err != nil {
			return err
		}
		if access.Deleted {
			return badSession
		}
		c.Number = access.All
	}
	id := b.commandID(v.Nonce)
	err = change(x.Context(), b, "command/"+id, resultTime, func(old *commandRecord) error {
		if old.StartedAt != 0 {
			return importedBefore
		}
		*old = c
		return nil
	})
	if err == nil {
		b.reply(x, http.StatusAccepted, func(w *writer) {
			w.open("command", "id", id, "state", stateSetup, "name", commandName)
			w.progress(0)
			w.close("command")
		})
	}
	return err
}

// commandID is the id of the one import of a session.
func (b *Bank) commandID(nonce string) string {
	sum := sha256.Sum256([]byte("command " + nonce))
	return strconv.FormatUint(binary.BigEndian.Uint64(sum[:8])%9_000_000_000_000_000+1_000_000_000_000_000, 10)
}

// command tells how far an import is.
func (b *Bank) command(x *exchange) error {
	id, ok := strings.CutSuffix(x.PathValue("file"), ".xml")
	var c commandRecord
	found, err := b.record(x.Context(), "command/"+id, &c)
	if err != nil {
		return err
	}
	age := b.now().Sub(time.Unix(c.StartedAt, 0))
	if !ok || !found || age > resultTime {
		return badCommand
	}
	if gone, err := b.erased(x.Context(), c.Owner, c.StartedAt); err != nil {
		return err
	} else if gone {
		return badCommand
	}
	takes := importTime
	if c.Holder.has(Quick) {
		takes = 0
	}
	if c.Holder.has(Slow) {
		takes = slowTime
	}
	switch {
	case c.Holder.has(Unauthorized):
		return errKey
	case c.Holder.has(BadGateway) && age < gatewayTime:
		return errGateway
	}
	t, of, _ := findTarget(c.Target)
	b.reply(x, http.StatusOK, func(w *writer) {
		state := stateDone
		switch {
		case age < takes:
			state = stateRunning
		case c.Holder.has(Failing):
			state = stateFailed
		}
		w.open("command", "id", id, "state", state, "name", commandName, "target", t.name, "institution", t.institution)
		w.progress(0)
		switch state {
		case stateFailed:
			w.open("exception", "name", failedCommand)
			w.text("message", "The bank does not answer.")
			w.text("friendlyMessage", of.words.friendlyFailure)
			w.close("exception")
		case stateDone:
			b.result(w, &c, t, of)
		}
		w.close("command")
	})
	return nil
}

// result writes what an import found.
func (b *Bank) result(w *writer, c *commandRecord, t target, of *country) {
	w.open("result")
	w.open("owners")
	w.owner(of.words.owner.name)
	w.close("owners")
	list := accountsOf(t, of, &c.Holder)
	for _, cards := range []bool{false, true} {
		outer, inner := "accounts", "account"
		if cards {
			outer, inner = "creditCards", "creditCard"
		}
		w.open(outer)
		for _, a := range list {
			if a.card == cards {
				b.account(w, inner, a, c)
			}
		}
		w.close(outer)
	}
	w.close("result")
}

// account writes one account with its transactions, the newest first.
func (b *Bank) account(w *writer, element string, a *account, c *commandRecord) {
	finished := time.Unix(c.StartedAt, 0).UTC()
	history := a.history(finished, &c.Holder)
	today := dayOf(finished)
	balance := a.opened
	for _, m := range history {
		if m.booked <= today {
			balance = m.balance
		}
	}
	var attributes []string
	first := 0
	for first < len(history) && history[first].on.String() < c.Since {
		first++
	}
	if c.Holder.has(Partial) && c.Number == 0 {
		attributes = []string{"partialDueToTimeout", "true"}
		first += (len(history) - first) / 2
	}
	w.open(element, attributes...)
	w.text("name", a.name)
	w.text("friendlyName", a.friendly)
	if a.card {
		w.text("cardId", a.cardID())
	} else {
		w.text("iban", a.iban)
	}
	w.text("currencyBalance", decimal(balance))
	w.text("currencyFundsAvailable", decimal(balance))
	w.text("currencyName", a.country.currency)
	w.text("activeSinceAtLeast", opening.Format(time.DateOnly))
	w.open("moneyTransactions")
	for i := len(history) - 1; i >= first; i-- {
		m := &history[i]
		switch {
		case m.booked <= today:
			w.transaction(m, bookedStatus, &c.Holder, c.Number)
			if c.Holder.has(Duplicates) && m.on%4 == 0 && !m.bare {
				w.transaction(m, bookedStatus, &c.Holder, c.Number)
			}
		case c.Holder.has(Pending):
			held := *m
			held.title, held.bare, held.booked = a.country.words.heldPrefix+strings.ToUpper(m.title), true, -1
			w.transaction(&held, heldStatus, &c.Holder, c.Number)
		}
	}
	w.close("moneyTransactions")
	w.open("owners")
	w.owner(a.country.words.owner.name)
	w.close("owners")
	w.close(element)
}
