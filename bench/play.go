package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/textproto"
	"os"
	"strconv"
	"time"
)

// works are the workloads. Their requests ask as the owner who is signed in.
func (s *stage) works() []*work {
	get := func(target string) func([]byte, *rand.Rand) []byte {
		request := s.request("GET", target, s.token, "", "")
		return func(dst []byte, _ *rand.Rand) []byte { return append(dst, request...) }
	}
	var items [][]byte
	for _, iri := range s.iris {
		items = append(items, s.request("GET", iri, s.token, "", ""))
	}
	return []*work{
		{name: "get", status: "200", request: func(dst []byte, pick *rand.Rand) []byte {
			return append(dst, items[pick.IntN(len(items))]...)
		}},
		{name: "page", status: "200", request: get("/locations")},
		{name: "country", status: "200", request: get("/locations?country=GR")},
		{name: "text", status: "200", request: get("/locations?name=athens")},
		{name: "create", status: "201", writes: true, request: s.creating(s.token)},
		{name: "patch", status: "200", writes: true, request: func(dst []byte, pick *rand.Rand) []byte {
			return append(dst, s.request("PATCH", s.iris[pick.IntN(len(s.iris))], s.token,
				"application/merge-patch+json", `{"name":"Changed `+strconv.Itoa(pick.IntN(1e9))+`","officeOpenHour":`+strconv.Itoa(pick.IntN(18))+`}`)...)
		}},
	}
}

func (s *stage) creating(token string) func([]byte, *rand.Rand) []byte {
	return func(dst []byte, pick *rand.Rand) []byte {
		return append(dst, s.request("POST", "/locations", token, "application/json", `{"name":"New office `+strconv.Itoa(pick.IntN(1e9))+
			`","officeOpenHour":9,"officeCloseHour":18,"timeZone":"Europe/Lisbon"}`)...)
	}
}

func (s *stage) request(method, target, token, media, body string) []byte {
	b := append([]byte(nil), method+" "+target+" HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAuthorization: Bearer "+token+"\r\n"...)
	if body != "" {
		b = append(b, "Content-Type: "+media+"\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n"...)
	}
	return append(append(b, "\r\n"...), body...)
}

// cell is one workload at one concurrency: the samples of each server, round by
// round.
type cell struct {
	work             *work
	connections      int
	sede, hand, bare []sample
}

// concurrencies are the numbers of connections.
func concurrencies() []int { return []int{1, 16, 64} }

// play measures everything on one engine, prints it, and returns what became of
// the targets.
func (s *stage) play(ctx context.Context) ([]target, error) {
	var targets []target
	if s.o.wants("footprint") {
		met, err := s.footprint(ctx)
		if err != nil {
			return nil, err
		}
		targets = append(targets, met...)
	}
	floor := &cell{work: s.reading("", "/constant"), connections: 16}
	var cells []*cell
	for _, w := range s.works() {
		if !s.o.wants(w.name) {
			continue
		}
		if err := s.same(ctx, w); err != nil {
			return nil, err
		}
		for _, connections := range concurrencies() {
			cells = append(cells, &cell{work: w, connections: connections})
		}
	}
	most := int64(0)
	for range s.o.rounds {
		for _, c := range cells {
			if c.connections == 16 { // as often as what it is compared with
				got, err := load(ctx, s.hand, floor.work, 16, s.o.span()/2)
				if err != nil {
					return nil, err
				}
				floor.hand = append(floor.hand, got)
			}
			if err := s.round(ctx, c); err != nil {
				return nil, err
			}
			if c.connections == 64 {
				most = max(most, s.sede.resident("VmRSS"))
			}
		}
	}
	if len(cells) > 0 {
		scale := floorCPU / over(floor.hand, cpu)
		fmt.Printf("\n%s: a constant answer costs %.1f µs of CPU, %.0f requests per second\n", s.engine, over(floor.hand, cpu), over(floor.hand, perSecond))
		s.printCells(cells, scale)
		targets = append(targets, s.judge(cells, scale)...)
		if most > 0 {
			targets = append(targets, target{s.engine + ": resident memory at 64 connections", "64 MiB", mebibytes(most), most <= 64<<20})
		}
	}
	if s.o.wants("growth") {
		met, err := s.growth(ctx)
		if err != nil {
			return nil, err
		}
		targets = append(targets, met...)
	}
	return targets, ctx.Err()
}

// round measures the servers once, one after the other.
func (s *stage) round(ctx context.Context, c *cell) error {
	for _, of := range []struct {
		p    *process
		into *[]sample
	}{{s.sede, &c.sede}, {s.hand, &c.hand}, {s.bare, &c.bare}} {
		if of.p == s.bare && !c.work.writes {
			continue
		}
		got, err := load(ctx, of.p, c.work, c.connections, s.o.span())
		if err != nil {
			return err
		}
		*of.into = append(*of.into, got)
	}
	return ctx.Err()
}

// same checks that sede and the server written by hand give the same answer,
// down to the byte for reads. Answers to writes differ in the id and the time.
func (s *stage) same(ctx context.Context, w *work) error {
	ours, err := once(ctx, s.sede.address, w)
	if err != nil {
		return err
	}
	theirs, err := once(ctx, s.hand.address, w)
	if err != nil {
		return err
	}
	ourHeader, ourBody, _ := bytes.Cut(ours, []byte("\r\n\r\n"))
	theirHeader, theirBody, _ := bytes.Cut(theirs, []byte("\r\n\r\n"))
	if w.writes && len(ourBody) != len(theirBody) || !w.writes && !bytes.Equal(ourBody, theirBody) {
		return fmt.Errorf("%s: the servers answer differently: %s", w.name, difference(ourBody, theirBody))
	}
	ourNames, theirNames := headerNames(ourHeader), headerNames(theirHeader)
	if ourNames != theirNames {
		return fmt.Errorf("%s: the servers answer with different headers:\n%s\n%s", w.name, ourNames, theirNames)
	}
	return nil
}

// difference shows where two texts part.
func difference(ours, theirs []byte) string {
	at := 0
	for at < len(ours) && at < len(theirs) && ours[at] == theirs[at] {
		at++
	}
	around := func(text []byte) []byte { return text[max(0, at-40):min(len(text), at+60)] }
	return fmt.Sprintf("%d and %d bytes,\n%s\n%s", len(ours), len(theirs), around(ours), around(theirs))
}

// headerNames lists the names in the order they are sent in.
func headerNames(header []byte) string {
	var names []byte
	for line := range bytes.Lines(header) {
		if name, _, ok := bytes.Cut(line, []byte(": ")); ok {
			names = append(append(names, textproto.CanonicalMIMEHeaderKey(string(name))...), ' ')
		}
	}
	return string(names)
}

// footprint measures the start, the memory of a sede that was asked once, and
// the binary.
func (s *stage) footprint(ctx context.Context) ([]target, error) {
	get := s.works()[0]
	var starts, memory []float64
	for range max(5, s.o.rounds) {
		begin := time.Now()
		p, err := s.startSede("sede")
		if err != nil {
			return nil, err
		}
		_, err = once(ctx, p.address, get)
		took := time.Since(begin)
		time.Sleep(300 * time.Millisecond)
		starts, memory = append(starts, took.Seconds()*1000), append(memory, float64(p.resident("VmRSS")))
		if err := firstOf(err, p.stop()); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(s.o.binary)
	if err != nil {
		return nil, err
	}
	first, idle := median(starts), int64(median(memory))
	return []target{
		{s.engine + ": first answer after the start", "30 ms", fmt.Sprintf("%.0f ms", first), first <= 30},
		{s.engine + ": resident memory, idle", "20 MiB", mebibytes(idle), idle <= 20<<20},
		{"size of the binary", "30 MiB", mebibytes(info.Size()), info.Size() <= 30<<20},
	}, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// growth compares what a request costs in a large organization and in a small
// one: one connection, so that waiting for others does not count.
func (s *stage) growth(ctx context.Context) (targets []target, err error) {
	p, err := s.startGrowth(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = firstOf(err, p.stop()) }()
	tokens := map[string]string{}
	for _, slug := range []string{"small", "large"} {
		if tokens[slug], err = signIn(ctx, p, slug); err != nil {
			return nil, err
		}
	}
	rows := map[string]int{"small": smallRows, "large": s.o.large}
	kinds := []struct {
		name string
		make func(slug string) *work
	}{
		{"first page", func(slug string) *work { return s.reading(tokens[slug], "/locations") }},
		{"page in the middle", func(slug string) *work {
			return s.reading(tokens[slug], "/locations?page="+strconv.Itoa(rows[slug]/60))
		}},
		{"page ordered by name", func(slug string) *work { return s.reading(tokens[slug], "/locations?order[name]=asc") }},
		{"page of a country", func(slug string) *work { return s.reading(tokens[slug], "/locations?country=GR") }},
		{"page of a common text", func(slug string) *work { return s.reading(tokens[slug], "/locations?name=athens") }},
		{"page of a rare text", func(slug string) *work { return s.reading(tokens[slug], "/locations?name=office%20907") }},
		{"create", func(slug string) *work {
			return &work{name: "create", status: "201", writes: true, request: s.creating(tokens[slug])}
		}},
	}
	fmt.Printf("\n%s: cost in an organization of %d beside one of %d\n\n", s.engine, s.o.large, smallRows)
	fmt.Printf("  %-22s %10s %10s %8s %8s\n", "", "small p50", "large p50", "p50", "CPU")
	for _, kind := range kinds {
		var p50, cpu, small, large []float64
		for range s.o.rounds {
			var took, used [2]float64
			for i, slug := range []string{"small", "large"} {
				got, err := load(ctx, p, kind.make(slug), 1, s.o.span())
				if err != nil {
					return nil, err
				}
				took[i] = got.quantile(0.5).Seconds() * 1e6
				used[i] = got.cpu.Seconds() / float64(got.requests)
			}
			small, large = append(small, took[0]), append(large, took[1])
			p50, cpu = append(p50, took[1]/took[0]), append(cpu, used[1]/used[0])
		}
		ratio := median(p50)
		fmt.Printf("  %-22s %7.0f µs %7.0f µs %8.2f %8.2f\n", kind.name, median(small), median(large), ratio, median(cpu))
		targets = append(targets, target{s.engine + ": growth of " + kind.name, "1.20", fmt.Sprintf("%.2f", ratio), ratio <= 1.2})
	}
	return targets, nil
}

func (s *stage) reading(token, target string) *work {
	request := s.request(http.MethodGet, target, token, "", "")
	return &work{name: "GET " + target, status: "200", request: func(dst []byte, _ *rand.Rand) []byte { return append(dst, request...) }}
}
