package account

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"sede/internal/fault"
	"sede/internal/hydra"
	"sede/internal/phrase"
	"sede/internal/throttle"
)

// The routes beside the resources answer plain JSON the way Symfony's JWT
// bundles do; errors are {"code": status, "message": sentence}.

// maxSignIn bounds the bodies of these routes in bytes.
const maxSignIn = 16 << 10

// routes lists the routes beside the resources.
func (s *Service) routes() []hydra.Route {
	plain := func(serve func(http.ResponseWriter, *http.Request) error) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			if err := serve(w, r); err != nil {
				s.writeError(w, r, err)
			}
		})
	}
	return []hydra.Route{
		{Pattern: "POST /login", Handler: plain(s.serveLogin), Class: throttle.SignIn, Problem: s.writeError},
		{Pattern: "POST /token/refresh", Handler: plain(s.serveRefresh), Class: throttle.Refresh, Problem: s.writeError},
		{Pattern: "POST /logout", Handler: plain(s.serveLogout), Problem: s.writeError},
		{Pattern: "GET /.well-known/jwks.json", Handler: plain(s.serveKeys), Problem: s.writeError},
	}
}

// serveLogin answers POST /login.
func (s *Service) serveLogin(w http.ResponseWriter, r *http.Request) error {
	if media := mediaType(r); media != "application/json" {
		return unsupported(media, "application/json")
	}
	var in struct {
		Username     jsontext.Value `json:"username"`
		Password     jsontext.Value `json:"password"`
		Organization jsontext.Value `json:"organization"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	username, err := textOf("username", in.Username)
	if err != nil {
		return err
	}
	password, err := textOf("password", in.Password)
	if err != nil {
		return err
	}
	organization := ""
	if in.Organization != nil && in.Organization.Kind() != 'n' {
		if organization, err = textOf("organization", in.Organization); err != nil {
			return err
		}
	}
	tokens, err := s.SignIn(r.Context(), s.origin(r), username, password, organization)
	if err != nil {
		return err
	}
	return writeTokens(w, tokens)
}

// serveRefresh answers POST /token/refresh with a JSON body or a form.
func (s *Service) serveRefresh(w http.ResponseWriter, r *http.Request) error {
	token := ""
	switch media := mediaType(r); media {
	case "application/json":
		var in struct {
			Token jsontext.Value `json:"refresh_token"`
		}
		if err := readJSON(w, r, &in); err != nil {
			return err
		}
		if in.Token != nil && in.Token.Kind() == '"' {
			token, _ = textOf("refresh_token", in.Token)
		}
	case "application/x-www-form-urlencoded":
		content, err := readBody(w, r)
		if err != nil {
			return err
		}
		form, err := url.ParseQuery(string(content))
		if err != nil {
			return fault.Wrap(err, fault.Invalid, "The form could not be read.")
		}
		token = form.Get("refresh_token")
	default:
		return unsupported(media, "application/json", "application/x-www-form-urlencoded")
	}
	if token == "" {
		return fault.New(fault.Unauthorized, "Missing JWT Refresh Token")
	}
	tokens, err := s.Refresh(r.Context(), s.origin(r), token)
	if err != nil {
		return err
	}
	return writeTokens(w, tokens)
}

// serveLogout answers POST /logout.
func (s *Service) serveLogout(w http.ResponseWriter, r *http.Request) error {
	who, err := s.Authenticate(withoutOrganization(r))
	if err != nil {
		return err
	}
	if who == nil {
		return fault.New(fault.Unauthorized, "JWT Token not found")
	}
	if err := mayEdit.Check(who); err != nil {
		return err
	}
	if err := s.SignOut(r.Context(), who); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// withoutOrganization returns the request without a choice of organization,
// which leaving does not need.
func withoutOrganization(r *http.Request) *http.Request {
	if _, ok := r.Header["X-Organization"]; !ok {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Del("X-Organization")
	return r
}

// serveKeys answers GET /.well-known/jwks.json with the public keys (RFC 7517).
func (s *Service) serveKeys(w http.ResponseWriter, r *http.Request) error {
	keys, err := s.keys.current(r.Context())
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(keys.jwks)
	return nil
}

// mediaType returns the media type of the body, empty when none is said.
func mediaType(r *http.Request) string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

func unsupported(media string, supported ...string) error {
	if media == "" {
		return fault.New(fault.UnsupportedMediaType, `The "Content-Type" header must exist.`)
	}
	return fault.New(fault.UnsupportedMediaType, "The content-type %q is not supported. Supported MIME types are %s.",
		media, `"`+strings.Join(supported, `", "`)+`"`)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSignIn))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, fault.New(fault.TooLarge, "The body is too large. It may have up to %d bytes.", maxSignIn)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The body could not be read to its end.")
	}
	return content, nil
}

// readJSON reads a JSON object. Unknown members are ignored; members that occur
// twice and invalid UTF-8 are refused (RFC 7493).
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	content, err := readBody(w, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		if _, ok := errors.AsType[*json.SemanticError](err); ok {
			return fault.Wrap(err, fault.Invalid, "The body must be a JSON object.")
		}
		return fault.Wrap(err, fault.Invalid, "Syntax error")
	}
	return nil
}

// textOf returns the text of a member that must be there and not empty.
func textOf(name string, value jsontext.Value) (string, error) {
	if value == nil {
		return "", fault.New(fault.Invalid, `The key %q must be provided.`, name)
	}
	if value.Kind() != '"' {
		return "", fault.New(fault.Invalid, `The key %q must be a string.`, name)
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "Syntax error")
	}
	if len(text) == 0 {
		return "", fault.New(fault.Invalid, `The key %q must be a non-empty string.`, name)
	}
	return string(text), nil
}

func writeTokens(w http.ResponseWriter, t Tokens) error {
	content, err := json.Marshal(struct {
		Token   string `json:"token"`
		Refresh string `json:"refresh_token"`
		Expires int64  `json:"refresh_token_expiration"`
	}{t.Token, t.RefreshToken, t.RefreshExpires.Unix()})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, content)
	return nil
}

func writeJSON(w http.ResponseWriter, status int, content []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(content)
}

// writeError answers with an error in the one shape of these routes.
func (s *Service) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := fault.As(err)
	if e.Kind == fault.Internal {
		s.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	h := w.Header()
	if e.Kind == fault.Unauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	content, err := json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{e.Kind.Status(), phrase.Match(r.Header.Get("Accept-Language")).Text(e.Text)})
	if err != nil {
		content = []byte(`{"code":500,"message":"Internal Server Error"}`)
	}
	writeJSON(w, e.Kind.Status(), content)
}
