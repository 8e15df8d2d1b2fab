package audit

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"sede/internal/ident"
)

// Report says what an export holds in which nothing is wrong.
type Report struct {
	Organization *ident.ID // whose chain it is; nil: the instance's
	Filtered     bool      // it is a part of the chain: what is left out can't be told from what is missing
	Entries      int64     // in the export
	Number       int64     // of the chain's last entry at the export
	Hash         string    // of that, in hexadecimal
}

// VerifyExport reads an export as JSON lines. Without a database it finds every
// entry that was changed, removed or moved; the error says which. Whoever can
// write the whole file anew can write new hashes too: only a hash that was kept
// elsewhere, compared with that of the Report, shows that.
func VerifyExport(in io.Reader) (Report, error) {
	v := verifier{in: jsontext.NewDecoder(in)}
	if err := v.open(); err != nil {
		return v.report, err
	}
	for {
		l, err := v.read()
		if err != nil {
			return v.report, err
		}
		if l.Entries != nil {
			return v.report, v.close(l)
		}
		if err := v.check(l); err != nil {
			return v.report, err
		}
	}
}

// verifier is one run of VerifyExport.
type verifier struct {
	in     *jsontext.Decoder
	report Report
	end    head // of the entries so far
}

// anyLine is an entry or, with Entries, the closing.
type anyLine struct {
	line
	Before  jsontext.Value `json:"before"`
	After   jsontext.Value `json:"after"`
	Entries *int64         `json:"entries"`
}

// open reads the heading.
func (v *verifier) open() error {
	var h heading
	err := json.UnmarshalDecode(v.in, &h, json.RejectUnknownMembers(true))
	if err != nil || h.Format != exportFormat {
		return errors.New("this is no export of the audit log as JSON lines")
	}
	v.report.Organization, v.report.Filtered = h.Organization, h.Filtered
	return nil
}

// read reads the next line.
func (v *verifier) read() (l anyLine, err error) {
	err = json.UnmarshalDecode(v.in, &l, json.RejectUnknownMembers(true))
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return l, fmt.Errorf("the file was cut: what follows %s is missing", v.place())
	}
	if err != nil {
		return l, fmt.Errorf("the line after %s can't be read: %w", v.place(), err)
	}
	return l, nil
}

// place names the last entry that was read.
func (v *verifier) place() string {
	if v.end.seq == 0 {
		return "the first line"
	}
	return fmt.Sprintf("entry %d", v.end.seq)
}

// check holds an entry against the one before.
func (v *verifier) check(l anyLine) error {
	r, hash, err := v.record(&l)
	if err != nil {
		return fmt.Errorf("entry %d was changed: %w", l.Number, err)
	}
	next := v.end.seq + 1
	switch {
	case r.seq < next:
		return fmt.Errorf("entry %d stands after %s: it was moved or is there twice", r.seq, v.place())
	case r.seq > next && !v.report.Filtered:
		return v.missing(next, r.seq)
	}
	before := v.end
	if r.seq > next {
		before.hash = r.previous // what stood between was not wanted
	}
	if how := r.flaw(before, hash); how != "" {
		return fmt.Errorf("entry %d %s", r.seq, how)
	}
	v.end = head{r.seq, hash}
	v.report.Entries++
	return nil
}

// missing looks whether the entry, in whose place another stands, comes later.
func (v *verifier) missing(number, instead int64) error {
	for last := instead; ; {
		l, err := v.read()
		if err != nil || l.Entries != nil {
			return fmt.Errorf("entry %d is missing: entry %d stands in its place", number, instead)
		}
		if l.Number == number {
			return fmt.Errorf("entry %d was moved: it stands after entry %d", number, last)
		}
		last = l.Number
	}
}

// close holds the closing against the entries.
func (v *verifier) close(l anyLine) error {
	hash, err := hex.DecodeString(l.Hash)
	v.report.Number, v.report.Hash = l.Number, l.Hash
	switch {
	case err != nil:
		return fmt.Errorf("the last line was changed: %w", err)
	case v.end.seq > l.Number:
		return fmt.Errorf("entry %d is not known as the last: the last line names entry %d", v.end.seq, l.Number)
	case v.end.seq < l.Number && !v.report.Filtered:
		return fmt.Errorf("entry %d is missing at the end: the chain went on to entry %d", v.end.seq+1, l.Number)
	case v.report.Entries != *l.Entries:
		return fmt.Errorf("%d entries were exported and %d are there: some are missing", *l.Entries, v.report.Entries)
	case v.end.seq == l.Number && string(hash) != string(v.end.hash):
		return fmt.Errorf("entry %d was replaced: the last line names another hash", v.end.seq)
	}
	if _, err := v.in.ReadToken(); err != io.EOF {
		return errors.New("something stands after the last line")
	}
	return nil
}

// record is the entry of a line. The error says which value can't be read.
func (v *verifier) record(from *anyLine) (r record, hash []byte, err error) {
	l := &from.line
	r = record{seq: l.Number, id: l.ID, Entry: Entry{Action: l.Action, Resource: l.Resource, Key: l.Key}}
	if v.report.Organization != nil {
		r.organization = *v.report.Organization
	}
	r.who.Username, r.who.Operator, r.who.Address, r.who.Agent = l.ActorName, l.Operator, l.Address, l.Agent
	if l.Actor != nil {
		r.who.User = *l.Actor
	}
	if l.APIKey != nil {
		r.who.Key = *l.APIKey
	}
	r.Before, r.After = given(from.Before), given(from.After)
	if r.at, err = time.Parse(microseconds, l.CreatedAt); err != nil {
		return r, nil, err
	}
	if r.previous, err = hex.DecodeString(l.PreviousHash); err != nil {
		return r, nil, err
	}
	hash, err = hex.DecodeString(l.Hash)
	return r, hash, err
}

// given is a JSON value, nil for null.
func given(value jsontext.Value) []byte {
	if value.Kind() == 'n' {
		return nil
	}
	return value
}
