package hydra

import (
	"hash/fnv"
	"html"
	"net/http"
	"strconv"
	"strings"

	"sede/internal/fault"
	"sede/internal/phrase"
)

// fail answers with an error in the format that the client prefers.
func (x *exchange) fail(err error) {
	e := fault.As(err)
	offers, failed := x.offers(e)
	if failed != nil {
		err, e = failed, fault.As(failed)
	}
	if e.Kind == fault.Internal {
		x.api.Log.ErrorContext(x.ctx, "request failed", "request_id", x.w.Header().Get("X-Request-Id"), "method", x.r.Method, "path", x.r.URL.Path, "error", err)
	}
	x.freeKey()
	x.setHeader()
	h := x.w.Header()
	delete(h, "Content-Language") // set for the item; sentences know fewer languages
	if e.RetryAfter > 0 {
		h["Retry-After"] = []string{strconv.Itoa(int((e.RetryAfter + 999999999) / 1e9))}
	}
	if e.Kind == fault.Unauthorized {
		x.failUnauthorized(e)
		return
	}
	p := x.api.newProblem(e, x.reader)
	p.products = offers
	x.buf = x.api.appendProblem(x.buf[:0], p, x.reader, errorFormat(x.r))
	h["Content-Type"] = problemHeader(errorFormat(x.r))
	h["Content-Length"] = []string{strconv.Itoa(len(x.buf))}
	h["Cache-Control"] = noCache
	x.w.WriteHeader(e.Kind.Status())
	_, _ = x.w.Write(x.buf)
}

// offers returns the IRIs of what can be bought to get what is missing.
func (x *exchange) offers(e *fault.Error) ([]string, error) {
	if len(e.Modules) == 0 || x.api.Offers == nil {
		return nil, nil
	}
	items, err := x.api.Offers(x.ctx, e.Modules)
	return x.api.iris(items), err
}

// failUnauthorized answers 401 in the one shape that it has everywhere.
func (x *exchange) failUnauthorized(e *fault.Error) {
	h := x.w.Header()
	h["Content-Type"] = []string{typeJSON}
	h["Www-Authenticate"] = []string{"Bearer"}
	dst := append(x.buf[:0], `{"code":401,"message":`...)
	x.buf = append(appendString(dst, x.reader.Text(e.Text)), '}')
	x.w.WriteHeader(http.StatusUnauthorized)
	_, _ = x.w.Write(x.buf)
}

// WriteProblem answers a request that no resource serves with the error, the
// way the resources do. Callers have set no status yet.
func (api *API) WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	x := exchanges.Get().(*exchange)
	x.api, x.w, x.r, x.ctx = api, w, r, r.Context()
	x.reader = phrase.Match(r.Header.Get("Accept-Language"))
	x.fail(err)
	x.release()
}

func errorFormat(r *http.Request) *format {
	if f := choose(r.Header.Get("Accept"), errorFormats); f != nil {
		return f
	}
	return formatJSONLD
}

var (
	problemType = []string{typeProblem + "; charset=utf-8"}
	jsonAPIType = []string{typeJSONAPI + "; charset=utf-8"}
	htmlType    = []string{typeHTML + "; charset=utf-8"}
)

func problemHeader(f *format) []string {
	switch f {
	case formatJSONAPI:
		return jsonAPIType
	case formatHTML:
		return htmlType
	default:
		return problemType
	}
}

// problem is an error, translated and taken apart.
type problem struct {
	status     int
	path       string // "/errors/404" or "/validation_errors/<codes>"
	class      string // the JSON-LD type
	title      string
	detail     string
	violations []fault.Violation
	conflicts  []string // IRIs
	modules    []string // codes
	products   []string // IRIs
}

func (api *API) newProblem(e *fault.Error, reader phrase.Language) problem {
	p := problem{status: e.Kind.Status(), class: "hydra:Error", title: reader.Text(fault.Textf("An error occurred")), violations: e.Violations,
		conflicts: api.iris(e.Conflicts), modules: e.Modules}
	p.path = "/errors/" + strconv.Itoa(p.status)
	if e.Kind == fault.Unprocessable && len(e.Violations) > 0 {
		p.class, p.path = "ConstraintViolation", "/validation_errors/"+violationID(e.Violations)
	}
	switch {
	case e.Kind == fault.Internal:
		p.detail = reader.Text(fault.Textf("Internal Server Error"))
	case !e.Text.IsZero():
		p.detail = reader.Text(api.withIRIs(e.Text))
	case len(e.Violations) == 0:
		p.detail = http.StatusText(p.status)
	}
	for _, v := range e.Violations {
		if p.detail != "" {
			p.detail += "\n"
		}
		if v.Code != fault.CodeType && v.Path != "" {
			p.detail += v.Path + ": "
		}
		p.detail += reader.Text(v.Text)
	}
	return p
}

// iris returns the IRIs of the items.
func (api *API) iris(items fault.Items) (list []string) {
	for _, item := range items {
		list = append(list, api.base(item.Resource)+item.Key)
	}
	return list
}

// withIRIs tells the items among the arguments of a sentence by their IRIs.
func (api *API) withIRIs(t fault.Text) fault.Text {
	for i, arg := range t.Args {
		items, ok := arg.(fault.Items)
		if item, one := arg.(fault.Item); one {
			items, ok = fault.Items{item}, true
		}
		if !ok {
			continue
		}
		told := make([]string, len(items))
		for n, item := range items {
			told[n] = api.base(item.Resource) + item.Key
			if item.Note != "" {
				told[n] += " (" + item.Note + ")"
			}
		}
		t.Args = append([]any(nil), t.Args...)
		t.Args[i] = strings.Join(told, ", ")
	}
	return t
}

// violationID is the id of a list of violations: the code of one, the numbered
// codes of several, or a hash when a rule has no code.
func violationID(list []fault.Violation) string {
	var b strings.Builder
	for i, v := range list {
		if v.Code == "" {
			hash := fnv.New64a()
			for _, v := range list {
				_, _ = hash.Write([]byte(v.Path + "\x00" + v.Text.Format + "\x00"))
			}
			return strconv.FormatUint(hash.Sum64(), 16)
		}
		if len(list) == 1 {
			return v.Code
		}
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(strconv.Itoa(i) + "=" + v.Code)
	}
	return b.String()
}

// appendProblem adds the error as a document of the format (RFC 9457 and
// Hydra's error class in one).
func (api *API) appendProblem(dst []byte, p problem, reader phrase.Language, f *format) []byte {
	switch f {
	case formatHTML:
		return append(dst, "<!doctype html><meta charset=utf-8><title>"+html.EscapeString(p.title)+"</title><h1>"+
			html.EscapeString(p.title)+"</h1><p>"+html.EscapeString(p.detail)+"</p>"...)
	case formatJSONAPI:
		return p.appendJSONAPI(dst, reader)
	case formatJSON, formatProblem:
		dst = append(dst, `{"title":`...)
	default:
		context := "Error"
		if p.class != "hydra:Error" {
			context = p.class
		}
		dst = append(dst, `{"@context":"`+api.prefix+`/contexts/`+context+`","@id":`...)
		dst = appendString(dst, api.prefix+p.path)
		dst = append(dst, `,"@type":"`+p.class+`"`...)
		for _, name := range api.errorKeys("title") {
			dst = appendString(append(dst, `,"`+name+`":`...), p.title)
		}
		for _, name := range api.errorKeys("description") {
			dst = appendString(append(dst, `,"`+name+`":`...), p.detail)
		}
		dst = append(dst, `,"title":`...)
	}
	dst = appendString(dst, p.title)
	dst = appendString(append(dst, `,"detail":`...), p.detail)
	if f != formatJSON && f != formatProblem {
		dst = appendString(append(dst, `,"description":`...), p.detail)
	}
	dst = strconv.AppendInt(append(dst, `,"status":`...), int64(p.status), 10)
	dst = appendString(append(dst, `,"type":`...), p.path)
	if len(p.violations) > 0 {
		dst = appendViolations(append(dst, `,"violations":`...), p.violations, reader)
	}
	dst = appendTexts(dst, "conflicts", p.conflicts)
	dst = appendTexts(dst, "modules", p.modules)
	dst = appendTexts(dst, "products", p.products)
	return append(dst, '}')
}

// appendTexts adds a member with a list, unless it is empty.
func appendTexts(dst []byte, name string, list []string) []byte {
	if len(list) == 0 {
		return dst
	}
	dst = append(dst, `,"`+name+`":`...)
	return appendList(dst, list, func(dst []byte, text *string) []byte { return appendString(dst, *text) })
}

// errorKeys are the Hydra spellings of a key beside the plain one, which errors
// always have.
func (api *API) errorKeys(name string) []string {
	if api.Keys == Plain {
		return nil
	}
	return []string{"hydra:" + name}
}

func appendViolations(dst []byte, list []fault.Violation, reader phrase.Language) []byte {
	return appendList(dst, list, func(dst []byte, v *fault.Violation) []byte {
		dst = appendString(append(dst, `{"propertyPath":`...), v.Path)
		dst = appendString(append(dst, `,"message":`...), reader.Text(v.Text))
		if v.Code == "" {
			dst = append(dst, `,"code":null`...)
		} else {
			dst = appendString(append(dst, `,"code":`...), v.Code)
		}
		if v.Hint != "" {
			dst = appendString(append(dst, `,"hint":`...), v.Hint)
		}
		return append(dst, '}')
	})
}

// appendJSONAPI adds the JSON:API error document.
func (p problem) appendJSONAPI(dst []byte, reader phrase.Language) []byte {
	if len(p.violations) == 0 {
		dst = append(dst, `{"errors":[{"status":"`+strconv.Itoa(p.status)+`","title":`...)
		dst = appendString(dst, p.title)
		dst = appendString(append(dst, `,"detail":`...), p.detail)
		return append(dst, `}]}`...)
	}
	dst = appendList(append(dst, `{"errors":`...), p.violations, func(dst []byte, v *fault.Violation) []byte {
		dst = appendString(append(dst, `{"status":"`+strconv.Itoa(p.status)+`","detail":`...), reader.Text(v.Text))
		dst = appendString(append(dst, `,"source":{"pointer":`...), "data/attributes/"+v.Path)
		return append(dst, `}}`...)
	})
	return append(dst, '}')
}
