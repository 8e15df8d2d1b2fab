package kontomatik

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"sede/internal/outbound"
)

// Config says where Kontomatik is.
type Config struct {
	// URL is in front of /v1, e.g. https://api.kontomatik.com. It is https, or
	// http to an address of this machine.
	URL string
	// Key goes with every request.
	Key string
	// MaxResult bounds the reply with an import in bytes; 0: 512 MiB.
	MaxResult int64
}

// Client makes requests. It is safe for concurrent use.
type Client struct {
	base, key string
	http      *http.Client
	maxResult int64
}

const (
	callTime   = 40 * time.Second
	resultTime = 10 * time.Minute
	maxReply   = 16 << 20
	maxJSON    = 1 << 20
	maxResult  = 512 << 20
)

// New returns a Client. The error says what is wrong with the Config.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("kontomatik: the address must be a scheme and a host, e.g. https://api.kontomatik.com")
	}
	reach := outbound.Public
	switch {
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		reach = outbound.Loopback
	case u.Scheme != "https":
		return nil, errors.New("kontomatik: the address must begin with https://")
	}
	if c.Key == "" || strings.ContainsFunc(c.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("kontomatik: the key must be one word")
	}
	if c.MaxResult == 0 {
		c.MaxResult = maxResult
	}
	return &Client{base: strings.TrimSuffix(c.URL, "/") + "/v1", key: c.Key, http: outbound.New(reach), maxResult: c.MaxResult}, nil
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// Redirect begins a sign-in.
func (c *Client) Redirect(ctx context.Context, s SignIn) (r Redirection, err error) {
	body, err := json.Marshal(map[string]any{
		"redirectUri": s.RedirectURI, "ownerExternalId": s.OwnerExternalID, "country": strings.ToLower(s.Country),
		"locale": s.Language, "psd2": map[string]any{"accessMode": s.Access},
	})
	if err != nil {
		return r, err
	}
	var answer struct{ RedirectionID, RedirectionLink string }
	err = c.json(ctx, http.MethodPost, "/signin/redirection", string(body), &answer)
	if err == nil && (answer.RedirectionID == "" || !c.isWeb(answer.RedirectionLink)) {
		err = &Error{Status: http.StatusOK, Err: errors.New("the reply has no link to sign in with")}
	}
	return Redirection{ID: answer.RedirectionID, Link: answer.RedirectionLink}, err
}

// isWeb reports whether people can be sent to a link: it must be as safe as the way
// to the server that gave it.
func (c *Client) isWeb(link string) bool {
	u, err := url.Parse(link)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && strings.HasPrefix(c.base, "http:"))
}

// RedirectionStatus tells what became of a sign-in.
func (c *Client) RedirectionStatus(ctx context.Context, id string) (r Result, err error) {
	var answer struct {
		Status string
		Params struct {
			SessionID, SessionIDSignature, MultipleAccessID, Target, OfficialName string
			Exception                                                             any
		}
	}
	if err := c.json(ctx, http.MethodGet, "/signin/redirection-status?redirectionId="+url.QueryEscape(id), "", &answer); err != nil {
		return r, err
	}
	p := &answer.Params
	r = Result{Session: Session{p.SessionID, p.SessionIDSignature}, MultipleAccessID: p.MultipleAccessID, Target: p.Target, OfficialName: p.OfficialName}
	if name, ok := p.Exception.(string); ok && name != "" {
		r.Err = &Error{Name: cleanName(name)}
	}
	switch strings.ToLower(answer.Status) {
	case "success", "successful", "completed":
		r.Outcome = SignedIn
		if r.Session.ID == "" || r.Session.Signature == "" {
			return Result{}, &Error{Status: http.StatusOK, Err: errors.New("the reply has no session")}
		}
	case "error", "failed":
		r.Outcome = NotSignedIn
	case "expired":
		r.Outcome = Expired
	}
	return r, nil
}

// Import has the bank collect accounts and transactions since a day. A session
// takes this once, so it is never simply repeated.
func (c *Client) Import(ctx context.Context, s Session, since time.Time) (Command, error) {
	var r reader
	err := c.xml(ctx, http.MethodPost, "/command/default-import.xml", url.Values{
		"sessionId": {s.ID}, "sessionIdSignature": {s.Signature}, "since": {since.Format(time.DateOnly)},
	}, maxReply, &r)
	if err == nil && (!r.hasCommand || !isNumber(r.command.ID)) {
		err = &Error{Status: http.StatusOK, Err: errors.New("the reply has no command")}
	}
	return r.command, err
}

// isNumber reports whether an id of a command is one, so that it can stand in a
// path.
func isNumber(id string) bool {
	return id != "" && len(id) <= 32 && strings.Trim(id, "0123456789") == ""
}

// Command tells how far a command is and hands the result of a successful import
// to sink. When it fails the sink may have got a part.
func (c *Client) Command(ctx context.Context, id string, sink Sink) (Command, error) {
	if !isNumber(id) {
		return Command{}, &Error{Name: "InvalidCommandId"}
	}
	r := reader{sink: sink}
	err := c.xml(ctx, http.MethodGet, "/command/"+id+".xml", nil, c.maxResult, &r)
	if err == nil && !r.hasCommand {
		err = &Error{Status: http.StatusOK, Err: errors.New("the reply has no command")}
	}
	if err == nil && r.command.Err == nil && (r.command.State == Failed || r.command.State == Fatal) {
		r.command.Err = &Error{Status: http.StatusOK, Err: errors.New("the command failed")}
	}
	return r.command, err
}

// Reuse opens a session without the person. It counts as an import of the day.
func (c *Client) Reuse(ctx context.Context, multipleAccessID string) (Session, error) {
	var r reader
	err := c.xml(ctx, http.MethodPost, "/command/reuse-multiple-access.xml", url.Values{"multipleAccessId": {multipleAccessID}}, maxReply, &r)
	if err == nil && (r.session.ID == "" || r.session.Signature == "") {
		err = &Error{Status: http.StatusOK, Err: errors.New("the reply has no session")}
	}
	return r.session, err
}

// DeleteAccess ends the access. One that is not there any more is no error.
func (c *Client) DeleteAccess(ctx context.Context, multipleAccessID string) error {
	err := c.xml(ctx, http.MethodPost, "/command/delete-multiple-access.xml", url.Values{"multipleAccessId": {multipleAccessID}}, maxReply, nil)
	if e, ok := errors.AsType[*Error](err); ok && e.Name == InvalidMultipleAccessID {
		return nil
	}
	return err
}

// DeleteData removes what Kontomatik keeps of a person. No data is no error.
func (c *Client) DeleteData(ctx context.Context, ownerExternalID string) error {
	err := c.xml(ctx, http.MethodDelete, "/data.xml?ownerExternalId="+url.QueryEscape(ownerExternalID), nil, maxReply, nil)
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusNotFound {
		return nil
	}
	return err
}

// Targets calls each with the ways to banks in a country (ISO 3166-1 alpha-2), or
// in all countries when it is empty.
func (c *Client) Targets(ctx context.Context, country string, each func(Target) error) error {
	of := ""
	if country != "" {
		of = "&country=" + url.QueryEscape(strings.ToLower(country))
	}
	return c.xml(ctx, http.MethodGet, "/command-catalog.xml?favicons=false"+of, nil, maxReply, &reader{target: each})
}

// Mock is a session without a person, which only test environments make.
type Mock struct {
	Login, Country, OwnerExternalID string
	Multiple                        bool
}

// MockSession opens a session in a test environment. The access id is empty
// unless the Mock is for multiple access.
func (c *Client) MockSession(ctx context.Context, m Mock) (s Session, multipleAccessID string, err error) {
	var r reader
	err = c.xml(ctx, http.MethodPost, "/mock-session.xml", url.Values{
		"login": {m.Login}, "country": {strings.ToLower(m.Country)}, "ownerExternalId": {m.OwnerExternalID}, "multipleAccess": {fmt.Sprint(m.Multiple)},
	}, maxReply, &r)
	return r.session, r.multipleAccessID, err
}

// json makes a request of the sign-in and reads its answer.
func (c *Client) json(ctx context.Context, method, path, body string, into any) error {
	return c.send(ctx, callTime, method, path, "application/json", body, func(answer *http.Response) error {
		if answer.StatusCode >= 300 {
			return refusal(answer)
		}
		content, err := io.ReadAll(io.LimitReader(answer.Body, maxJSON+1))
		if err == nil && len(content) > maxJSON {
			err = errSize
		}
		if err == nil && json.Unmarshal(content, into) != nil {
			err = errors.New("the answer is not the JSON it should be") // what json says may quote it
		}
		return failed(answer.StatusCode, err)
	})
}

// xml makes a request with a form and reads the reply into r. Without r the body
// of a good reply is not looked at.
func (c *Client) xml(ctx context.Context, method, path string, form url.Values, limit int64, r *reader) error {
	within := callTime
	if r != nil && r.sink != nil {
		within = resultTime
	}
	return c.send(ctx, within, method, path, "application/x-www-form-urlencoded", form.Encode(), func(answer *http.Response) error {
		if answer.StatusCode >= 300 {
			return refusal(answer)
		}
		if r == nil {
			return nil
		}
		r.scanner = newScanner(answer.Body, limit)
		if err := r.read(); err != nil {
			if s, ok := errors.AsType[*sinkError](err); ok {
				return s.err
			}
			return failed(answer.StatusCode, cleaned(err))
		}
		if r.exception != nil {
			r.exception.Status = answer.StatusCode
			return r.exception
		}
		return nil
	})
}

// send makes one request.
func (c *Client) send(ctx context.Context, within time.Duration, method, path, kind, body string, read func(*http.Response) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		return &Error{Err: errors.New("the request can't be made")}
	}
	request.Header.Set("X-Api-Key", c.key)
	request.Header.Set("User-Agent", "sede")
	request.Header.Set("Accept", "application/xml, application/json")
	if body != "" {
		request.Header.Set("Content-Type", kind)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the address, whose query may hold ids
		}
		return &Error{Err: err}
	}
	defer answer.Body.Close()
	return read(answer)
}

// refusal is the error of an answer that is not 2xx. The exception is named if
// the body is a reply that has one.
func refusal(answer *http.Response) error {
	failure := &Error{Status: answer.StatusCode}
	if media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); strings.HasSuffix(media, "html") {
		return failure
	}
	r := reader{scanner: newScanner(answer.Body, maxJSON)}
	if err := r.read(); err == nil && r.exception != nil {
		failure.Name, failure.Friendly = r.exception.Name, r.exception.Friendly
	}
	return failure
}

func failed(status int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Status: status, Err: err}
}

// cleaned leaves out of an error of the XML reader what it quotes.
func cleaned(err error) error {
	for _, ours := range []error{errSize, errToken, errDepth, errDirective, errRoot, errHeld, io.ErrUnexpectedEOF, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, ours) {
			return ours
		}
	}
	return errors.New("the reply is not well-formed, or the connection broke")
}
