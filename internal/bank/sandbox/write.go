package sandbox

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// writer writes XML.
type writer struct{ bytes.Buffer }

// reply answers with a reply.
func (b *Bank) reply(x *exchange, status int, content func(w *writer)) {
	var w writer
	w.WriteString(xml.Header)
	attributes := []string{"status", fmt.Sprint(status, " ", http.StatusText(status)), "user", "sandbox"}
	if x.owner != "" {
		attributes = append(attributes, "ownerExternalId", x.owner)
	}
	w.open("reply", append(attributes, "responseTimestamp", b.now().Format(time.RFC3339))...)
	content(&w)
	w.close("reply")
	x.w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	x.w.Header().Set("Content-Length", strconv.Itoa(w.Len()))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(w.Bytes())
}

// open begins an element; attributes are names and values in turn.
func (w *writer) open(name string, attributes ...string) {
	w.WriteString("<" + name)
	for i := 0; i < len(attributes); i += 2 {
		w.WriteString(" " + attributes[i] + `="`)
		w.escape(attributes[i+1])
		w.WriteByte('"')
	}
	w.WriteByte('>')
}

func (w *writer) close(name string) { w.WriteString("</" + name + ">") }

// text writes an element with a text in it, nothing without one.
func (w *writer) text(name, text string) {
	if text == "" {
		return
	}
	w.open(name)
	w.escape(text)
	w.close(name)
}

func (w *writer) escape(text string) { _ = xml.EscapeText(w, []byte(text)) } // a Buffer does not fail

func (w *writer) progress(percent int) {
	w.open("progress")
	w.text("value", strconv.Itoa(percent))
	w.close("progress")
}

func (w *writer) owner(name string) {
	w.open("owner")
	w.text("name", name)
	w.text("kind", "OWNER")
	w.close("owner")
}

// transaction writes one transaction. number is the import's.
func (w *writer) transaction(m *movement, status string, h *holder, number int) {
	title, labels := m.title, m.labels
	if h.has(Restless) && number%2 == 1 {
		title, labels = strings.ReplaceAll(title, " ", "  "), slices.Clone(labels)
		slices.Reverse(labels)
	}
	w.open("moneyTransaction")
	w.text("transactionOn", m.on.String())
	if m.booked >= 0 {
		w.text("bookedOn", m.booked.String())
	}
	w.text("currencyAmount", decimal(m.amount))
	if !m.bare {
		w.text("currencyBalance", decimal(m.balance))
	}
	w.text("title", title)
	w.text("party", m.party)
	w.text("partyIban", m.partyIBAN)
	w.text("kind", m.kind)
	w.text("status", status)
	if len(labels) > 0 {
		w.open("labels")
		for _, label := range labels {
			w.text("label", label)
		}
		w.close("labels")
	}
	w.close("moneyTransaction")
}

// decimal writes minor units with a dot and two places.
func decimal(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}
