package mail

import (
	"context"
	"fmt"
	"html/template"
	"log/slog"
	"time"

	"sede/internal/access"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/phrase"
	"sede/internal/secret"
)

// Config is what a Post works with.
type Config struct {
	DB      *db.DB
	Jobs    *jobs.Queue
	IDs     *ident.Source
	Clock   clock.Clock
	Secret  *secret.Box
	Log     *slog.Logger
	Server  *Server // where mail is handed over; nil: it stays in the development mailbox
	Mailbox Mailbox // who may read the development mailbox
}

// Post sends mail. It is safe for concurrent use.
type Post struct {
	Config
	layout *template.Template
	footer func(ctx context.Context, organization ident.ID, language string) (html, text string, err error)
	silent func(tx *db.Tx, organization ident.ID) (bool, error)
}

// New returns a Post.
func New(config Config) *Post {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return &Post{Config: config, layout: template.Must(template.New("layout").Parse(layout))}
}

// SetFooter says what ends the mail of an organization: clean HTML and its plain
// twin. It is called once, before the first mail.
func (p *Post) SetFooter(footer func(ctx context.Context, organization ident.ID, language string) (html, text string, err error)) {
	p.footer = footer
}

// SetSilent says which organizations send nothing out. It is called once, before
// the first mail.
func (p *Post) SetSilent(silent func(tx *db.Tx, organization ident.ID) (bool, error)) {
	p.silent = silent
}

// deliver is the job that delivers a letter. With these attempts it tries for
// about six days, like mail servers do.
var deliver = jobs.Kind[letter]{Name: "mail.deliver", Attempts: 20, Timeout: 2 * time.Minute, AtOnce: 4}

// Send has the message delivered after the commit of the transaction. scope is
// the organization in whose name it is sent, or the instance.
func (p *Post) Send(tx *db.Tx, scope access.Scope, m Message) {
	deliver.Enqueue(tx, p.Jobs, scope, translate(&m), jobs.Options{Sealed: true})
}

// Workers are those of the package, for the composition.
func (p *Post) Workers() []jobs.Worker { return []jobs.Worker{deliver.Worker(p.deliver)} }

// deliver lays the letter out and hands it over.
func (p *Post) deliver(ctx context.Context, job *jobs.Job[letter]) error {
	c := content{letter: job.Args, Lang: phrase.Match(job.Args.Language).Tag().String()}
	organization := job.Scope.Organization()
	if p.footer != nil && !organization.IsZero() {
		html, text, err := p.footer(ctx, organization, job.Args.Language)
		if err != nil {
			return err
		}
		c.FooterHTML, c.FooterText = template.HTML(html), text //nolint:gosec // it is clean
	}
	html, err := p.html(&c)
	if err != nil {
		return jobs.Discard(err)
	}
	silent, err := p.isSilent(ctx, job.Scope)
	if err != nil {
		return err
	}
	if p.Server == nil || silent {
		return p.keep(ctx, job, &c, html)
	}
	m, unicode, err := p.Server.message(&c, html, job.ID.String(), p.Clock.Now())
	if err != nil {
		return jobs.Discard(fmt.Errorf("mail: %w", err))
	}
	return p.Server.send(ctx, m, unicode)
}

// isSilent reports whether nothing may leave the organization.
func (p *Post) isSilent(ctx context.Context, scope access.Scope) (silent bool, err error) {
	organization := scope.Organization()
	if p.silent == nil || organization.IsZero() {
		return false, nil
	}
	err = p.DB.Read(ctx, scope, func(tx *db.Tx) (err error) {
		silent, err = p.silent(tx, organization)
		return err
	})
	return silent, err
}
