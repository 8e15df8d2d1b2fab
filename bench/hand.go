package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sede/internal/db"
	"sede/internal/ident"
)

// handVariable holds the settings of a server written by hand; who has it is
// one.
const handVariable = "SEDE_BENCH_HAND"

type handSettings struct {
	Dir          string // of the SQLite file
	Database     string // of PostgreSQL; empty: SQLite
	Token        string // the one that is known, with whom it stands for
	Organization ident.ID
	User         ident.ID
	Username     string
	Search       []byte // the end of collections
	Audit        bool   // write the rows that sede writes
}

// place as the database holds it.
type handLocation struct {
	id               ident.ID
	name             string
	open, close      nullInt
	zone             string
	country, address nullText
	version          int64
	created, updated int64 // Unix microseconds
}

type nullInt struct {
	v     int64
	valid bool
}

type nullText struct {
	v     string
	valid bool
}

// handStore is the engine's side.
type handStore interface {
	get(organization, id ident.ID, l *handLocation) (found bool, err error)
	// page reads the first 31 locations, those in a country or whose folded
	// name contains a text when one is given, and counts up to 10,001.
	page(organization ident.ID, country, text string, each func(*handLocation)) (total int64, err error)
	create(who *handCaller, l *handLocation) error
	patch(who *handCaller, id ident.ID, l *handLocation, change func() error) (found bool, err error)
}

type handCaller struct {
	organization, user      ident.ID
	username, address, from string
}

type handServer struct {
	handSettings
	store    handStore
	callers  map[string]*handCaller
	ids      *ident.Source
	requests atomic.Int64
	link     []string
}

func serveHand(text string) error {
	var settings handSettings
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h, err := newHand(&settings)
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String() + "/")
	server := &http.Server{Handler: h.routes(), ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newHand opens the database.
func newHand(settings *handSettings) (h *handServer, err error) {
	h = &handServer{handSettings: *settings, ids: ids()}
	h.callers = map[string]*handCaller{"Bearer " + settings.Token: {organization: settings.Organization, user: settings.User, username: settings.Username}}
	h.link = []string{`<http://127.0.0.1/docs.jsonld>; rel="http://www.w3.org/ns/hydra/core#apiDocumentation"`}
	if settings.Database != "" {
		h.store, err = openHandPostgres(settings)
	} else {
		h.store, err = openHandSQLite(settings)
	}
	return h, err
}

// constant is the answer of the route that does nothing.
var constant = []byte(`{"constant":"` + strings.Repeat("x", 285) + `"}`)

func (h *handServer) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /constant", func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header["Content-Length"], header["Content-Type"] = constantLength, contentType
		_, _ = w.Write(constant)
	})
	handle := func(pattern string, serve func(w http.ResponseWriter, r *http.Request, who *handCaller)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var who *handCaller
			if values := r.Header["Authorization"]; len(values) == 1 {
				who = h.callers[values[0]]
			}
			if who == nil {
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			serve(w, r, who)
		})
	}
	handle("GET /locations/{id}", h.get)
	handle("GET /locations", h.list)
	handle("POST /locations", h.create)
	handle("PATCH /locations/{id}", h.patch)
	return mux
}

// The headers that sede sends too.
var (
	contentType    = []string{"application/ld+json; charset=utf-8"}
	constantLength = []string{strconv.Itoa(len(constant))}
	allowItem      = []string{"OPTIONS, HEAD, GET, PATCH"}
	allowList      = []string{"OPTIONS, HEAD, GET, POST"}
	acceptPost     = []string{"application/ld+json, application/json, application/hal+json, application/vnd.api+json"}
	acceptPatch    = []string{"application/merge-patch+json, application/vnd.api+json"}
	cacheControl   = []string{"no-cache, private"}
	referrer       = []string{"no-referrer"}
	vary           = []string{"Accept, Origin"}
	nosniff        = []string{"nosniff"}
	deny           = []string{"deny"}
)

func (h *handServer) answer(w http.ResponseWriter, status int, l *handLocation, body []byte) {
	header := w.Header()
	if l != nil {
		header["Etag"] = []string{`"` + strconv.FormatInt(l.version, 10) + `-l"`}
	}
	if l != nil && status != http.StatusCreated {
		header["Allow"], header["Accept-Patch"] = allowItem, acceptPatch
	} else {
		header["Allow"], header["Accept-Post"] = allowList, acceptPost
	}
	header["Cache-Control"] = cacheControl
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	header["Content-Type"] = contentType
	header["Link"] = h.link
	header["Referrer-Policy"] = referrer
	header["Vary"] = vary
	header["X-Content-Type-Options"] = nosniff
	header["X-Frame-Options"] = deny
	header["X-Request-Id"] = []string{"hand-0000-" + strconv.FormatInt(h.requests.Add(1), 10)}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (h *handServer) written(w http.ResponseWriter, l *handLocation, created bool) {
	iri := "/locations/" + l.id.String()
	w.Header()["Content-Location"] = []string{iri + ".jsonld"}
	if created {
		w.Header()["Location"] = []string{iri}
	}
}

var handBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

func (h *handServer) get(w http.ResponseWriter, r *http.Request, who *handCaller) {
	id, err := ident.Parse(r.PathValue("id"))
	var l handLocation
	found := false
	if err == nil {
		found, err = h.store.get(who.organization, id, &l)
	}
	if err != nil || !found {
		http.NotFound(w, r)
		return
	}
	h.item(w, http.StatusOK, &l)
}

func (h *handServer) item(w http.ResponseWriter, status int, l *handLocation) {
	buffer := handBuffers.Get().(*[]byte)
	b := append((*buffer)[:0], `{"@context":"/contexts/Location",`...)
	b = append(l.append(b), '}')
	h.answer(w, status, l, b)
	*buffer = b
	handBuffers.Put(buffer)
}

func (h *handServer) list(w http.ResponseWriter, r *http.Request, who *handCaller) {
	country, text, link := "", "", ""
	if r.URL.RawQuery != "" {
		q := r.URL.Query()
		country, text = q.Get("country"), db.Fold(q.Get("name"))
		link = r.URL.RawQuery + "&"
	}
	buffer := handBuffers.Get().(*[]byte)
	defer handBuffers.Put(buffer)
	items := (*buffer)[:0]
	n := 0
	total, err := h.store.page(who.organization, country, text, func(l *handLocation) {
		if n++; n > 30 {
			return
		}
		if n > 1 {
			items = append(items, ',')
		}
		items = append(l.append(append(items, '{')), '}')
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	*buffer = items
	body := handBuffers.Get().(*[]byte)
	defer handBuffers.Put(body)
	b := append((*body)[:0], `{"@context":"/contexts/Location","@id":"/locations","@type":"hydra:Collection"`...)
	exact := total <= 1_000 || link == ""
	if exact {
		b = strconv.AppendInt(append(b, `,"hydra:totalItems":`...), total, 10)
		b = strconv.AppendInt(append(b, `,"totalItems":`...), total, 10)
	}
	b = append(append(append(b, `,"hydra:member":[`...), items...), ']')
	path := `"/locations?` + link + `page=`
	b = append(append(append(b, `,"hydra:view":{"@id":`...), path...), `1","@type":"hydra:PartialCollectionView"`...)
	if exact {
		b = append(append(append(b, `,"hydra:first":`...), path...), `1"`...)
		b = strconv.AppendInt(append(append(b, `,"hydra:last":`...), path...), (total+29)/30, 10)
		b = append(b, '"')
	}
	if n > 30 {
		b = append(append(append(b, `,"hydra:next":`...), path...), `2"`...)
	}
	b = append(append(append(b, `},`...), h.Search...), '}')
	*body = b
	h.answer(w, http.StatusOK, nil, b)
}

// append adds the members of the location.
func (l *handLocation) append(b []byte) []byte {
	b = l.id.Append(append(b, `"@id":"/locations/`...))
	b = l.id.Append(append(b, `","@type":"Location","id":"`...))
	b = appendText(append(b, `","name":`...), l.name)
	b = l.open.append(append(b, `,"officeOpenHour":`...))
	b = l.close.append(append(b, `,"officeCloseHour":`...))
	b = appendText(append(b, `,"timeZone":`...), l.zone)
	b = append(b, `,"country":`...)
	if l.country.valid {
		b = append(append(append(b, `"/countries/`...), l.country.v...), '"')
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"address":`...)
	if l.address.valid {
		b = appendText(b, l.address.v)
	} else {
		b = append(b, "null"...)
	}
	b = appendMoment(append(b, `,"createdAt":"`...), l.created)
	b = appendMoment(append(b, `","updatedAt":"`...), l.updated)
	return append(b, '"')
}

func (n nullInt) append(b []byte) []byte {
	if !n.valid {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, n.v, 10)
}

func appendMoment(b []byte, micros int64) []byte {
	b = time.UnixMicro(micros).UTC().AppendFormat(b, "2006-01-02T15:04:05")
	return append(b, "+00:00"...)
}

// appendText adds a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s)
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// handBody is what a POST or PATCH may hold.
type handBody struct {
	Name    *string `json:"name"`
	Open    *int64  `json:"officeOpenHour"`
	Close   *int64  `json:"officeCloseHour"`
	Zone    *string `json:"timeZone"`
	Country *string `json:"country"`
}

// apply sets what the body holds and checks it.
func (l *handLocation) apply(body *handBody) error {
	if body.Name != nil {
		l.name = *body.Name
	}
	if body.Open != nil {
		l.open = nullInt{*body.Open, true}
	}
	if body.Close != nil {
		l.close = nullInt{*body.Close, true}
	}
	if body.Zone != nil {
		l.zone = *body.Zone
	}
	if body.Country != nil {
		code, ok := strings.CutPrefix(*body.Country, "/countries/")
		if !ok || len(code) != 2 {
			return fmt.Errorf("no country %q", *body.Country)
		}
		l.country = nullText{code, true}
	}
	switch {
	case strings.TrimSpace(l.name) == "" || len(l.name) > 255:
		return fmt.Errorf("no name")
	case l.open.valid != l.close.valid, l.open.valid && l.open.v == l.close.v,
		l.open.v < 0, l.open.v > 24, l.close.v < 0, l.close.v > 24:
		return fmt.Errorf("no hours")
	}
	return nil
}

func (h *handServer) create(w http.ResponseWriter, r *http.Request, who *handCaller) {
	var body handBody
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l := handLocation{id: h.ids.New(), version: 1, created: time.Now().Truncate(time.Second).UnixMicro()}
	l.updated = l.created
	if err := l.apply(&body); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	if err := h.store.create(who.at(r), &l); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h.written(w, &l, true)
	h.item(w, http.StatusCreated, &l)
}

func (h *handServer) patch(w http.ResponseWriter, r *http.Request, who *handCaller) {
	var body handBody
	id, err := ident.Parse(r.PathValue("id"))
	if err == nil {
		err = json.NewDecoder(r.Body).Decode(&body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var l handLocation
	found, err := h.store.patch(who.at(r), id, &l, func() error {
		l.version, l.updated = l.version+1, time.Now().Truncate(time.Second).UnixMicro()
		return l.apply(&body)
	})
	if err != nil || !found {
		http.Error(w, fmt.Sprint("not found, or ", err), http.StatusInternalServerError)
		return
	}
	h.written(w, &l, false)
	h.item(w, http.StatusOK, &l)
}

// at is the caller with where this request came from, for the audit log.
func (who *handCaller) at(r *http.Request) *handCaller {
	c := *who
	c.address, c.from = r.RemoteAddr[:strings.LastIndexByte(r.RemoteAddr, ':')], r.UserAgent()
	return &c
}

// group is the counter of the location's country.
func (l *handLocation) group() string {
	if !l.country.valid {
		return "location//"
	}
	return "location/" + l.country.v
}
