package sandbox

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxBody = 64 << 10

// newAPI makes the handler of the protocol.
func (b *Bank) newAPI() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(*exchange) error{
		"POST /v1/signin/redirection":                 b.redirect,
		"GET /v1/signin/redirection-status":           b.redirectionStatus,
		"POST /v1/mock-session.xml":                   b.mockSession,
		"POST /v1/command/default-import.xml":         b.defaultImport,
		"POST /v1/command/reuse-multiple-access.xml":  b.reuse,
		"POST /v1/command/delete-multiple-access.xml": b.deleteAccess,
		"POST /v1/command/sign-out.xml":               b.signOut,
		"GET /v1/command/{file}":                      b.command,
		"GET /v1/command-catalog.xml":                 b.catalogue,
		"DELETE /v1/data.xml":                         b.deleteData,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			b.answer(&exchange{w: w, Request: r}, serve)
		})
	}
	return mux
}

// exchange is one request of the API and its answer.
type exchange struct {
	*http.Request
	w     http.ResponseWriter
	owner string // of what the request is about, for the reply
}

// exception is an answer that names what is wrong.
type exception struct {
	name    string
	status  int
	message string
}

func (e *exception) Error() string { return "sandbox: " + e.name }

var (
	errKey         = errors.New("sandbox: wrong key")
	errGateway     = errors.New("sandbox: bad gateway")
	badSession     = &exception{"InvalidSessionId", http.StatusNotFound, "Session expired."}
	badSignature   = &exception{"InvalidSessionIdSignature", http.StatusBadRequest, "The signature does not match the session."}
	badAccess      = &exception{"InvalidMultipleAccessId", http.StatusNotFound, "There is no such access."}
	badCommand     = &exception{"InvalidCommandId", http.StatusNotFound, "There is no such command."}
	badParameter   = &exception{"InvalidParameter", http.StatusBadRequest, "A parameter is missing or wrong."}
	badSince       = &exception{"InvalidSince", http.StatusBadRequest, "since is no day of the past."}
	importedBefore = &exception{"DefaultImportAlreadyExecuted", http.StatusBadRequest, "A session takes one import."}
	overQuota      = &exception{"MultipleAccessLimitExceeded", http.StatusBadRequest, "The imports of these 24 hours are used up."}
	notAvailable   = &exception{"CommandNotAvailable", http.StatusBadRequest, "Command SignOutCommand is not available for this target."}
)

// answer serves a request with the right key and turns errors into replies.
func (b *Bank) answer(x *exchange, serve func(*exchange) error) {
	err := errKey
	if subtle.ConstantTimeCompare([]byte(x.Header.Get("X-Api-Key")), []byte(b.Key)) == 1 {
		err = serve(x)
	}
	if err == nil {
		return
	}
	named, ok := errors.AsType[*exception](err)
	switch {
	case ok:
		b.reply(x, named.status, func(w *writer) {
			w.open("exception", "name", named.name)
			w.text("message", named.message)
			w.close("exception")
		})
	case errors.Is(err, errKey):
		b.reply(x, http.StatusUnauthorized, func(w *writer) { w.text("comment", "We don't know who you are. Check the API key.") })
	case errors.Is(err, errGateway):
		x.w.Header().Set("Content-Type", "text/html")
		x.w.WriteHeader(http.StatusBadGateway)
		_, _ = x.w.Write([]byte("<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"))
	default:
		b.Problem(x.w, x.Request, err)
	}
}

// redirect begins a sign-in.
func (b *Bank) redirect(x *exchange) error {
	var in struct {
		RedirectURI, OwnerExternalID, Country, Locale string
		PSD2                                          struct{ AccessMode string }
	}
	if err := json.NewDecoder(x.Body).Decode(&in); err != nil {
		return badParameter
	}
	back, err := url.Parse(in.RedirectURI)
	if err != nil || back.Host == "" || (back.Scheme != "http" && back.Scheme != "https") || len(in.RedirectURI) > 2000 {
		return badParameter
	}
	mode := strings.ToUpper(in.PSD2.AccessMode)
	if mode == "" {
		mode = "SINGLE"
	}
	if !slices.Contains([]string{"SINGLE", "MULTIPLE", "MIXED"}, mode) || len(in.OwnerExternalID) > 200 ||
		in.Country != "" && len(targets(strings.ToLower(in.Country))) == 0 {
		return badParameter
	}
	id := b.seal("redirection", redirection{Nonce: b.nonce(), Owner: in.OwnerExternalID, Return: in.RedirectURI,
		Country: strings.ToLower(in.Country), Locale: in.Locale, Access: mode, CreatedAt: b.now().Unix()})
	return x.json(map[string]any{"redirectionId": id, "redirectionLink": b.Config.Pages + "/sign-in/" + id})
}

// signInRecord is what became of a redirection.
type signInRecord struct {
	Status  string  `json:"s"` // empty: nothing yet
	Session string  `json:"v,omitempty"`
	Access  *string `json:"a,omitempty"`
	Target  string  `json:"b,omitempty"`
}

func (b *Bank) redirectionStatus(x *exchange) error {
	var r redirection
	if b.open("redirection", x.FormValue("redirectionId"), &r) != nil {
		return badParameter
	}
	var record signInRecord
	if _, err := b.record(x.Context(), "redirection/"+r.Nonce, &record); err != nil {
		return err
	}
	params := map[string]any{}
	switch {
	case record.Status == "success":
		t, _, _ := findTarget(record.Target)
		params = map[string]any{"sessionId": record.Session, "sessionIdSignature": b.sign(record.Session), "multipleAccessId": record.Access,
			"target": record.Target, "officialName": t.official}
	case record.Status == "error":
		params["exception"] = "NotSignedIn"
	case b.now().Sub(time.Unix(r.CreatedAt, 0)) > redirectionTime:
		record.Status = "expired"
	default:
		record.Status = "pending"
	}
	return x.json(map[string]any{"status": record.Status, "params": params})
}

// signedIn makes the session of a person who signed in, and the access if they
// allowed it.
func (b *Bank) signedIn(owner string, t target, h holder, several bool) (session string, access *string) {
	v := visit{Nonce: b.nonce(), Owner: owner, Target: t.name, Holder: h, First: true, CreatedAt: b.now().Unix()}
	if several && t.psd2 {
		grant := accessGrant{Nonce: b.nonce(), Owner: owner, Target: t.name, Holder: h, CreatedAt: v.CreatedAt}
		id := b.seal("access", grant)
		v.Access, access = grant.Nonce, &id
	}
	return b.seal("session", v), access
}

func (b *Bank) mockSession(x *exchange) error {
	h, ok := parseHolder(x.PostFormValue("login"))
	list := targets(strings.ToLower(x.PostFormValue("country")))
	if !ok || len(list) == 0 {
		return badParameter
	}
	x.owner = x.PostFormValue("ownerExternalId")
	session, access := b.signedIn(x.owner, list[0], h, x.PostFormValue("multipleAccess") == "true")
	b.reply(x, http.StatusOK, func(w *writer) {
		w.open("session", "id", session, "signature", b.sign(session))
		if access != nil {
			w.text("multipleAccessId", *access)
		}
		w.close("session")
	})
	return nil
}

// session reads the session of a request.
func (b *Bank) session(x *exchange) (v visit, err error) {
	id := x.PostFormValue("sessionId")
	switch {
	case b.open("session", id, &v) != nil:
		return v, badSession
	case !b.signed(id, x.PostFormValue("sessionIdSignature")):
		return v, badSignature
	case b.now().Sub(time.Unix(v.CreatedAt, 0)) > visitTime:
		return v, badSession
	case v.Holder.has(Unauthorized):
		return v, errKey
	}
	x.owner = v.Owner
	return v, nil
}

// accessRecord is what happened with an access.
type accessRecord struct {
	Deleted bool    `json:"d,omitempty"`
	Imports []int64 `json:"i,omitempty"` // when, of the last 24 hours
	All     int     `json:"n,omitempty"`
}

// perDay is how many imports a bank allows in 24 hours.
const perDay = 4

// count takes one import from the access of today.
func (r *accessRecord) count(now time.Time, most int) error {
	if r.Deleted {
		return badAccess
	}
	r.Imports = slices.DeleteFunc(r.Imports, func(at int64) bool { return at <= now.Add(-24*time.Hour).Unix() })
	if len(r.Imports) >= most {
		return overQuota
	}
	r.Imports, r.All = append(r.Imports, now.Unix()), r.All+1
	return nil
}

func (b *Bank) reuse(x *exchange) error {
	var grant accessGrant
	if b.open("access", x.PostFormValue("multipleAccessId"), &grant) != nil {
		return badAccess
	}
	x.owner = grant.Owner
	age, ends, most := b.now().Sub(time.Unix(grant.CreatedAt, 0)), consentTime, perDay
	if grant.Holder.has(Killed) {
		ends = killedAfter
	}
	if grant.Holder.has(Quota) {
		most = 1
	}
	switch {
	case grant.Holder.has(Unauthorized):
		return errKey
	case age > ends:
		return badAccess
	}
	err := change(x.Context(), b, "access/"+grant.Nonce, keepTime, func(r *accessRecord) error { return r.count(b.now(), most) })
	if err != nil {
		return err
	}
	session := b.seal("session", visit{Nonce: b.nonce(), Owner: grant.Owner, Target: grant.Target, Holder: grant.Holder, Access: grant.Nonce, CreatedAt: b.now().Unix()})
	b.reply(x, http.StatusOK, func(w *writer) {
		w.open("session", "id", session, "signature", b.sign(session))
		w.close("session")
	})
	return nil
}

func (b *Bank) deleteAccess(x *exchange) error {
	var grant accessGrant
	if b.open("access", x.PostFormValue("multipleAccessId"), &grant) != nil {
		return badAccess
	}
	x.owner = grant.Owner
	err := change(x.Context(), b, "access/"+grant.Nonce, keepTime, func(r *accessRecord) error {
		if r.Deleted {
			return badAccess
		}
		r.Deleted = true
		return nil
	})
	if err == nil {
		b.reply(x, http.StatusOK, func(*writer) {})
	}
	return err
}

func (b *Bank) signOut(*exchange) error { return notAvailable }

// deleteData forgets what was imported for an owner: results of commands are not
// to be had any more.
func (b *Bank) deleteData(x *exchange) error {
	x.owner = x.FormValue("ownerExternalId")
	if x.owner == "" {
		return badParameter
	}
	err := change(x.Context(), b, ownerKey(x.owner), resultTime, func(at *int64) error { *at = b.now().Unix(); return nil })
	if err == nil {
		b.reply(x, http.StatusOK, func(*writer) {})
	}
	return err
}

// erased reports whether the data that an owner had at a time was deleted since.
func (b *Bank) erased(ctx context.Context, owner string, at int64) (bool, error) {
	var since int64
	_, err := b.record(ctx, ownerKey(owner), &since)
	return since >= at && since > 0, err
}

func (b *Bank) catalogue(x *exchange) error {
	list := targets(strings.ToLower(x.FormValue("country")))
	b.reply(x, http.StatusOK, func(w *writer) {
		w.open("targets")
		for _, t := range list {
			attributes := []string{"country", t.country, "name", t.name, "institution", t.institution, "officialName", t.official, "officialUrl", b.Config.Pages + "/"}
			if t.psd2 {
				attributes = append(attributes, "psd2", "true")
			}
			w.open("target", attributes...)
			w.open("supportedAccountTypes")
			w.open("supportedAccountType", "name", "Corporate")
			w.close("supportedAccountType")
			w.close("supportedAccountTypes")
			w.open("commands")
			w.open("command", "name", "DefaultImportCommand")
			w.close("command")
			w.close("commands")
			w.close("target")
		}
		w.close("targets")
	})
	return nil
}

// json answers with JSON.
func (x *exchange) json(v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Type", "application/json")
	x.w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = x.w.Write(content)
	return nil
}
