package sandbox

import (
	"bytes"
	"cmp"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sede/internal/fault"
	"sede/internal/phrase"
)

// pageHTML and pageCSS are what people see.
var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

// signInPage is what a page shows.
type signInPage struct {
	t        phrase.Language
	Title    string
	Action   string // where the form goes; empty: there is none
	Back     string // where the person can go on; empty: nowhere
	Host     string // of Back
	Several  bool   // access is asked for several times
	Banks    []pageBank
	Troubles []pageTrouble
	Problem  string
}

type pageBank struct {
	Name, Title string
	Checked     bool
}

type pageTrouble struct{ Name, Title string }

// Bank is the name of the bank.
func (signInPage) Bank() string { return Name }

// Lang is the language of the page.
func (p signInPage) Lang() string { return p.t.Tag().String() }

// Say is a sentence of the page by its key.
func (p signInPage) Say(key string) string { return p.t.Text(sentences()[key]) }

// Continue says where the person can go on.
func (p signInPage) Continue() string { return p.t.Text(fault.Textf("Go on to %s", p.Host)) }

// sentences are what pages say, by their keys in page.html.
func sentences() map[string]fault.Text {
	return map[string]fault.Text{
		"note":    fault.Textf("This bank is not real. Its accounts, people and transactions are made up."),
		"choose":  fault.Textf("Choose a bank"),
		"login":   fault.Textf("Customer"),
		"money":   fault.Textf("Money that came in"),
		"lines":   fault.Textf("Up to %d lines such as: 119.00 Invoice 42", maxIncoming),
		"hint":    fault.Textf("Any name will do. The same name has the same accounts each time."),
		"trouble": fault.Textf("Trouble to try out"),
		"once":    fault.Textf("The accounts can be read once."),
		"several": fault.Textf("The accounts can be read for 180 days, up to 4 times a day."),
		"allow":   fault.Textf("Sign in and allow"),
		"cancel":  fault.Textf("Cancel"),
	}
}

// troubleSentences say what each trouble is.
func troubleSentences() map[string]fault.Text {
	return map[string]fault.Text{
		Pending:      fault.Textf("The newest transactions are pending and change when they are booked"),
		Duplicates:   fault.Textf("Transactions are told twice"),
		Twins:        fault.Textf("Two real transactions look the same"),
		Partial:      fault.Textf("The first import holds one half"),
		Restless:     fault.Textf("Labels and blanks change from time to time"),
		Failing:      fault.Textf("Every import fails"),
		BadGateway:   fault.Textf("The bank answers with an error page for half a minute"),
		Quick:        fault.Textf("An import takes no time"),
		Slow:         fault.Textf("An import takes five minutes"),
		Killed:       fault.Textf("The consent ends after seven days"),
		Unauthorized: fault.Textf("Requests are refused as if the key were wrong"),
		Quota:        fault.Textf("One import a day is allowed"),
	}
}

// newPages makes the handler of the pages.
func (b *Bank) newPages() http.Handler {
	page := template.Must(template.New("page").Parse(pageHTML))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write([]byte(pageCSS))
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		b.show(w, r, page, http.StatusOK, signInPage{t: phrase.Match(r.Header.Get("Accept-Language"))}, "")
	})
	mux.HandleFunc("/sign-in/{token}", func(w http.ResponseWriter, r *http.Request) { b.signIn(w, r, page) })
	return mux
}

// signIn shows the sign-in and takes its form.
func (b *Bank) signIn(w http.ResponseWriter, r *http.Request, page *template.Template) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	var red redirection
	if b.open("redirection", r.PathValue("token"), &red) != nil {
		p := signInPage{t: phrase.Match(r.Header.Get("Accept-Language"))}
		p.Problem = p.t.Text(fault.Textf("There is no such sign-in."))
		b.show(w, r, page, http.StatusNotFound, p, "")
		return
	}
	p := b.pageOf(&red, r.PathValue("token"), phrase.Match(cmp.Or(red.Locale, r.Header.Get("Accept-Language"))))
	status, done, err := b.take(r, &red, &p)
	switch {
	case err != nil:
		b.Problem(w, r, err)
	case done:
		http.Redirect(w, r, red.Return, http.StatusSeeOther)
	default:
		b.show(w, r, page, status, p, origin(red.Return))
	}
}

// pageOf is the page of a sign-in.
func (b *Bank) pageOf(red *redirection, id string, language phrase.Language) signInPage {
	p := signInPage{t: language, Action: id, Back: red.Return, Several: red.Access != "SINGLE"}
	if u, err := url.Parse(red.Return); err == nil {
		p.Host = u.Host
	}
	for i, t := range targets(red.Country) {
		p.Banks = append(p.Banks, pageBank{t.name, strings.ToUpper(t.country) + ": " + t.official, i == 0})
	}
	said := troubleSentences()
	for _, name := range Troubles() {
		p.Troubles = append(p.Troubles, pageTrouble{name, language.Text(said[name])})
	}
	return p
}

// take takes the form of a sign-in, and reports whether the person is done here.
// Otherwise the page, with its status, says what is wrong. A redirection is taken
// once.
func (b *Bank) take(r *http.Request, red *redirection, p *signInPage) (status int, done bool, err error) {
	var record signInRecord
	if _, err := b.record(r.Context(), "redirection/"+red.Nonce, &record); err != nil {
		return 0, false, err
	}
	switch {
	case record.Status != "":
		p.Action, p.Problem = "", p.t.Text(fault.Textf("This sign-in was used already."))
		return http.StatusGone, false, nil
	case b.now().Sub(time.Unix(red.CreatedAt, 0)) > redirectionTime:
		p.Action, p.Problem = "", p.t.Text(fault.Textf("This sign-in has expired."))
		return http.StatusGone, false, nil
	case r.Method != http.MethodPost:
		return http.StatusOK, false, nil
	}
	if r.PostFormValue("cancel") != "" {
		record.Status = "error"
	} else {
		login := strings.Join(append([]string{strings.ReplaceAll(r.PostFormValue("login"), "+", " ")}, r.PostForm["trouble"]...), "+")
		h, ok := parseHolder(login)
		t, _, found := findTarget(r.PostFormValue("bank"))
		if !ok || !found || red.Country != "" && t.country != red.Country {
			p.Problem = p.t.Text(fault.Textf("Choose one of the banks, and a customer of up to %d characters.", maxPerson))
			return http.StatusUnprocessableEntity, false, nil
		}
		if h.Incoming, ok = parseIncoming(r.PostFormValue("incoming")); !ok {
			p.Problem = p.t.Text(fault.Textf("Money that came in is an amount and a text behind it, up to %d lines.", maxIncoming))
			return http.StatusUnprocessableEntity, false, nil
		}
		h.Day = dayOf(b.now()) - 1
		record.Status, record.Target = "success", t.name
		record.Session, record.Access = b.signedIn(red.Owner, t, h, red.Access != "SINGLE")
	}
	err = change(r.Context(), b, "redirection/"+red.Nonce, resultTime, func(old *signInRecord) error {
		if old.Status == "" { // of two at once the first counts
			*old = record
		}
		return nil
	})
	return 0, err == nil, err
}

// origin is what a policy calls the server of an address.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || strings.ContainsAny(u.Host, " ;,'\"") {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// show answers with a page whose form may lead to the origin.
func (b *Bank) show(w http.ResponseWriter, r *http.Request, page *template.Template, status int, p signInPage, leadsTo string) {
	var content bytes.Buffer
	if err := page.Execute(&content, p); err != nil {
		b.Problem(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", strings.TrimSpace("default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+leadsTo))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(content.Bytes())
}
