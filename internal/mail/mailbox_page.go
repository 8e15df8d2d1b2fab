package mail

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/ident"
)

//go:embed mailbox.html
var mailboxHTML string

// mailboxPolicy lets the pages show a mail and do nothing else: no script, no
// request for anything, no form.
const mailboxPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'self'; frame-ancestors 'none'"

// Routes serve the development mailbox. problem answers with an error.
func (p *Post) Routes(problem func(w http.ResponseWriter, r *http.Request, err error)) []hydra.Route {
	pages := template.Must(template.New("mailbox").Parse(mailboxHTML))
	handle := func(serve func(w http.ResponseWriter, r *http.Request) (any, error), page string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			if !p.mayRead(r) {
				problem(w, r, fault.Missing())
				return
			}
			what, err := serve(w, r)
			if err == nil {
				err = p.write(w, r, pages.Lookup(page), what)
			}
			if err != nil {
				problem(w, r, err)
			}
		})
	}
	return []hydra.Route{
		{Pattern: "GET /dev/mailbox", Handler: handle(p.serveList, "list")},
		{Pattern: "GET /dev/mailbox/{id}", Handler: handle(p.serveMail, "mail")},
	}
}

// listed is how many mails a list shows.
const listed = 100

// serveList returns the newest mails: ?to= those to an address, ?limit= how many.
func (p *Post) serveList(_ http.ResponseWriter, r *http.Request) (any, error) {
	query := r.URL.Query()
	limit := listed
	if n, err := strconv.Atoi(query.Get("limit")); err == nil && n > 0 && n < listed {
		limit = n
	}
	return p.read(r.Context(), query.Get("to"), limit)
}

// serveMail returns one mail.
func (p *Post) serveMail(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := ident.Parse(r.PathValue("id"))
	if err != nil {
		return nil, fault.Missing()
	}
	return p.find(r.Context(), id)
}

// write answers with JSON to those who ask for it, else with the page.
func (p *Post) write(w http.ResponseWriter, r *http.Request, page *template.Template, what any) error {
	h := w.Header()
	h.Set("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "json") {
		body, err := json.Marshal(what)
		if err != nil {
			return err
		}
		h.Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(body)
		return nil
	}
	var b bytes.Buffer
	if err := page.Execute(&b, what); err != nil {
		return err
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", mailboxPolicy)
	_, _ = w.Write(b.Bytes())
	return nil
}

// Framed is the mail's HTML for a frame, with links that open elsewhere.
func (k kept) Framed() string {
	return strings.Replace(k.HTML, "<head>", `<head><base target="_blank">`, 1)
}

// mayRead reports whether the request may see the mailbox: it must come from
// this machine, with no proxy between, and not from another site's page.
func (p *Post) mayRead(r *http.Request) bool {
	switch p.Mailbox {
	case Open:
		return true
	case Off:
		return false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() || !isLocal(r.Host) {
		return false
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return r.Header.Get("Sec-Fetch-Mode") == "navigate" // a link to the mailbox shows it to nobody else
	}
	origin := r.Header.Get("Origin")
	u, err := url.Parse(origin)
	return origin == "" || err == nil && u.Host == r.Host
}

// isLocal reports whether a Host header names this machine, so that a foreign
// name that leads here does not.
func isLocal(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && address.IsLoopback()
}
