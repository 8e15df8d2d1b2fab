package mail

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"sede/internal/access"
	"sede/internal/db"
	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/jobs"
)

// Mailbox says who may read the development mailbox.
type Mailbox string

// The choices.
const (
	Local Mailbox = "local" // callers on the same machine, the default
	Open  Mailbox = "open"  // everybody who reaches sede
	Off   Mailbox = "off"   // nobody
)

// kept is a mail in the development mailbox, as it is shown.
type kept struct {
	ID        string    `json:"id"`
	To        string    `json:"to"`
	Name      string    `json:"name"`
	Subject   string    `json:"subject"`
	Text      string    `json:"text"`
	HTML      string    `json:"html"`
	Links     []string  `json:"links"` // the addresses in the mail, that of the button first
	Language  string    `json:"language"`
	Calendar  string    `json:"calendar"` // the iCalendar part, empty when there is none
	CreatedAt time.Time `json:"createdAt"`
}

// mailboxSize is how many mails the mailbox keeps; older ones go.
const mailboxSize = 1000

// keep puts the letter into the mailbox, once.
func (p *Post) keep(ctx context.Context, job *jobs.Job[letter], c *content, html string) error {
	now := p.Clock.Now().Truncate(time.Second)
	k := kept{ID: job.ID.String(), To: c.To.Email, Name: c.To.Name, Subject: c.Subject, Text: c.text(), HTML: html,
		Links: links(c), Language: c.Lang, CreatedAt: now}
	if c.Calendar != nil {
		k.Calendar = string(c.Calendar.Content)
	}
	plain, err := json.Marshal(k)
	if err != nil {
		return jobs.Discard(err)
	}
	sealed := p.Secret.Seal(mailboxPurpose(job.ID), plain)
	return p.DB.Write(ctx, access.Instance(), func(tx *db.Tx) error {
		insertKept(tx, job, strings.ToLower(c.To.Email), sealed, now)
		return job.Complete(tx)
	})
}

func mailboxPurpose(id ident.ID) string { return "mailbox " + id.String() }

// links lists the addresses in the letter.
func links(c *content) []string {
	list := []string{}
	if c.URL != "" {
		list = append(list, c.URL)
	}
	for _, text := range append(append([]string{}, c.Paragraphs...), c.After...) {
		for _, word := range strings.Fields(text) {
			word = strings.TrimRight(word, ".,;:!?)")
			if strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://") {
				list = append(list, word)
			}
		}
	}
	return list
}

// read returns the newest mails first, up to limit, those to an address unless
// it is empty.
func (p *Post) read(ctx context.Context, to string, limit int) (list []kept, err error) {
	err = p.DB.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		list = []kept{}
		return eachKept(tx, strings.ToLower(to), limit, func(id ident.ID, sealed []byte) error {
			k, err := p.open(id, sealed)
			list = append(list, k)
			return err
		})
	})
	return list, err
}

// find loads a mail; Missing when it is not there.
func (p *Post) find(ctx context.Context, id ident.ID) (k kept, err error) {
	err = p.DB.Read(ctx, access.Instance(), func(tx *db.Tx) error {
		sealed, err := findKept(tx, id)
		if err == nil {
			k, err = p.open(id, sealed)
		}
		return err
	})
	return k, err
}

func (p *Post) open(id ident.ID, sealed []byte) (k kept, err error) {
	plain, err := p.Secret.Open(mailboxPurpose(id), sealed)
	if err == nil {
		err = json.Unmarshal(plain, &k)
	}
	return k, err
}

// insertKept stores a mail and drops the oldest beyond the mailbox's size.
func insertKept(tx *db.Tx, job *jobs.Job[letter], recipient string, sealed []byte, now time.Time) {
	tx.Queue(`INSERT INTO mailbox (id, organization, recipient, sealed, created_at) VALUES ($1, $2, $3, $4, $5)`,
		job.ID, job.Scope.Organization(), recipient, sealed, now)
	tx.Queue(`DELETE FROM mailbox WHERE id <= (SELECT id FROM mailbox ORDER BY id DESC LIMIT 1 OFFSET $1)`, mailboxSize)
}

// findKept loads a mail; Missing when it is not there.
func findKept(tx *db.Tx, id ident.ID) (sealed []byte, err error) {
	err = tx.Row(`SELECT sealed FROM mailbox WHERE id = $1`, id).Scan(&sealed)
	if errors.Is(err, db.ErrNoRows) {
		err = fault.Missing()
	}
	return bytes.Clone(sealed), err
}

func eachKept(tx *db.Tx, recipient string, limit int, each func(id ident.ID, sealed []byte) error) error {
	sql, args := `SELECT id, sealed FROM mailbox ORDER BY id DESC LIMIT $1`, []any{limit}
	if recipient != "" {
		sql, args = `SELECT id, sealed FROM mailbox WHERE recipient = $2 ORDER BY id DESC LIMIT $1`, []any{limit, recipient}
	}
	rows := tx.Query(sql, args...)
	defer rows.Close()
	for rows.Next() {
		var id ident.ID
		var sealed []byte
		if err := rows.Scan(&id, &sealed); err != nil {
			return err
		}
		if err := each(id, bytes.Clone(sealed)); err != nil {
			return err
		}
	}
	return rows.Err()
}
