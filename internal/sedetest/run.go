package sedetest

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/throttle"
)

// update has scripts and goldens rewritten. A flag of the test binary can only
// be declared in a variable.
var update = flag.Bool("update", false, "rewrite the scripts and goldens that differ")

// Run runs the scripts that the patterns match, each on both databases, as it
// stands and with failing steps.
func Run(t *testing.T, patterns ...string) {
	t.Helper()
	var paths []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no scripts match %s (%v)", pattern, err)
		}
		paths = append(paths, found...)
	}
	for _, path := range paths {
		s, err := readScript(path)
		if err != nil {
			t.Error(err)
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			s.run(t)
		})
	}
}

// run plays the script on both databases. Playing it with failing steps ends
// with what playing it plainly does, so the slower PostgreSQL is spared that.
func (s *script) run(t *testing.T) {
	if *update {
		if err := s.play(t, s.instance(t, db.SQLite), false).rewrite(); err != nil {
			t.Error(err)
		}
		return
	}
	Each(t, func(t *testing.T, engine db.Engine) {
		if !s.faults || engine == db.SQLite {
			t.Run("plain", func(t *testing.T) { s.play(t, s.instance(t, engine), false) })
		}
		if s.faults {
			t.Run("faults", func(t *testing.T) { s.play(t, s.instance(t, engine), true) })
		}
	})
}

// instance starts the sede that the script is for.
func (s *script) instance(t *testing.T, engine db.Engine) *Instance {
	t.Helper()
	if s.limits == nil {
		return New(t, engine)
	}
	return NewWith(t, engine, func(c *app.Config) {
		c.Limits = throttle.Limits{}
		if err := c.Limits.Set(s.limits); err != nil {
			t.Fatalf("%s: %v", s.path, err)
		}
	})
}

// player is a script at work.
type player struct {
	download string // the body of the last answer that is a file
	*script
	t      *testing.T
	in     *Instance
	names  *names
	faults bool
	came   map[int][]string // by the step's line: what came where the script says otherwise
}

// play sends the requests of the script one after the other.
func (s *script) play(t *testing.T, in *Instance, faults bool) *player {
	p := &player{script: s, t: t, in: in, names: newNames(in.Names), faults: faults, came: map[int][]string{}}
	for i := range s.steps {
		st := &s.steps[i]
		if st.move != 0 {
			in.Advance(st.move)
			continue
		}
		if st.jobs {
			in.RunJobs()
			continue
		}
		p.play(st)
	}
	return p
}

func (p *player) play(st *step) {
	header, err := p.header(st)
	target := p.names.fill(st.target)
	if name := p.names.unknown(st.target); err == nil && name != "" {
		err = fmt.Errorf("<%s> has no value yet", name)
	}
	if err != nil {
		p.t.Fatalf("%s:%d: %v", p.path, st.line, err)
	}
	body := st.body
	if !st.raw {
		body = p.names.fill(body)
	}
	if st.file {
		body = Form("file", p.download)
	}
	send := func() *Answer {
		a, err := p.in.send(st.method, target, header.Clone(), body)
		if err != nil {
			p.t.Fatalf("%s:%d: %v", p.path, st.line, err)
		}
		return a
	}
	before := p.in.Dump()
	var a *Answer
	if p.faults {
		a = p.in.tryFaults(send, func(problem string) { p.t.Errorf("%s:%d: %s: %s", p.path, st.line, st.name(), problem) })
	} else {
		a = send()
	}
	if a.Header.Get("Content-Disposition") != "" {
		p.download = a.Body
	}
	if reads := st.method == http.MethodGet || st.method == http.MethodHead || st.method == http.MethodOptions; (reads || a.Status >= 400) && !st.want.changes {
		p.in.Unchanged(before, fmt.Sprintf("%s:%d: %s: %d", p.path, st.line, st.name(), a.Status))
	}
	if text := p.difference(st, a); text != "" && !*update {
		p.t.Errorf("%s:%d: %s: not as wanted (-) but so (+):\n%s", p.path, st.line, st.name(), text)
	}
}

func (st *step) name() string {
	name := st.method + " " + st.target
	if st.title != "" {
		name += " (" + st.title + ")"
	}
	return name
}

// header makes the header of the step's request.
func (p *player) header(st *step) (http.Header, error) {
	h := usualHeader(st.method, st.body)
	if token := p.in.Token(st.user); token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	if st.org != "" {
		h.Set("X-Organization", p.names.fill(st.org))
	}
	named := map[string]bool{}
	for _, line := range st.header {
		if name := p.names.unknown(line.value); name != "" {
			return nil, fmt.Errorf("<%s> has no value yet", name)
		}
		switch {
		case line.value == "":
			h.Del(line.name)
		case named[line.name]:
			h.Add(line.name, p.names.fill(line.value))
		default:
			h.Set(line.name, p.names.fill(line.value))
		}
		named[line.name] = true
	}
	return h, nil
}

// difference holds the answer against what must come. It returns a diff, empty
// when all is well, and keeps what came for -update.
func (p *player) difference(st *step, a *Answer) string {
	w := &st.want
	wanted, got := []string{"< " + strconv.Itoa(w.status)}, []string{"< " + strconv.Itoa(a.Status)}
	if w.changes {
		wanted, got = append(wanted, "< changes"), append(got, "< changes")
	}
	seen := map[string]int{}
	for _, h := range w.header {
		value, there := nth(a.Header[h.name], seen[h.name])
		seen[h.name]++
		came := headerLine{name: h.name, shown: h.shown, absent: !there}
		if there && !h.absent && p.names.match(h.value, value) {
			came.value = h.value
		} else if there {
			came.value = p.names.spell(value)
		}
		wanted, got = append(wanted, h.line()), append(got, came.line())
	}
	wantBody, gotBody := p.compareBody(w, a)
	wanted, got = append(wanted, wantBody...), append(got, gotBody...)
	if slices.Equal(wanted, got) {
		return ""
	}
	p.came[st.line] = got
	if gotBody == nil { // it is as wanted, so it stays as it is written
		p.came[st.line] = append(got[:len(got):len(got)], p.lines[w.bodyFrom:w.to]...)
	}
	text := strings.Join(diff(wanted, got), "\n")
	if a.Status != w.status && w.rule != bodyJSON {
		text += "\nbody: " + p.names.spell(a.Body)
	}
	return text
}

// line is the header as a script spells it.
func (h headerLine) line() string {
	if h.absent {
		return "< !" + h.shown
	}
	return "< " + h.shown + ": " + h.value
}

func nth(values []string, i int) (string, bool) {
	if i >= len(values) {
		return "", false
	}
	return values[i], true
}

// compareBody returns the lines of the wanted and the real body; they are equal
// when the body is as wanted.
func (p *player) compareBody(w *answerLines, a *Answer) (wanted, got []string) {
	switch w.rule {
	case bodyEmpty:
		if a.Body == "" {
			return nil, nil
		}
		return []string{"< empty"}, text(p.names.spell(a.Body))
	case bodyText:
		if p.names.match(w.body, strings.TrimSuffix(strings.ReplaceAll(a.Body, "\r\n", "\n"), "\n")) {
			return nil, nil
		}
		return text(w.body), text(p.names.spell(a.Body))
	case bodyContains:
		for _, piece := range w.pieces {
			if !strings.Contains(a.Body, p.names.fill(piece)) {
				return []string{"|~ " + piece}, text(p.names.spell(a.Body))
			}
		}
		return nil, nil
	case bodyJSON, bodyPartly:
		return p.compareJSON(w, a)
	}
	if n, err := parseJSON(a.Body); err == nil && w.status == 0 { // for -update to fill in
		return nil, strings.Split(p.fresh(n), "\n")
	}
	return nil, nil
}

// fresh writes down the body for a request that no answer was written for yet.
// A collection goes without its search template, which goldens hold already.
func (p *player) fresh(n node) string {
	mark := ""
	for i, m := range n.members {
		if strings.HasSuffix(m.name, "search") {
			n.members, mark = slices.Delete(n.members, i, i+1), "<~ "
			break
		}
	}
	n = p.names.spelled(&n)
	return mark + n.format(0)
}

func text(body string) []string {
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	for i := range lines {
		lines[i] = "| " + strings.TrimSuffix(lines[i], "\r")
	}
	return lines
}

func (p *player) compareJSON(w *answerLines, a *Answer) (wanted, got []string) {
	came, err := parseJSON(a.Body)
	if err != nil {
		return strings.Split(w.json.format(0), "\n"), append(text(a.Body), "| (no JSON: "+err.Error()+")")
	}
	mark := ""
	if w.rule == bodyPartly {
		mark = "<~ "
	}
	merged, same := p.names.reconcile(&w.json, &came, w.rule == bodyPartly)
	if same {
		return nil, nil
	}
	return strings.Split(mark+w.json.format(0), "\n"), strings.Split(mark+merged.format(0), "\n")
}

// rewrite puts what came in the place of what the script said.
func (p *player) rewrite() error {
	var lines []string
	at := 0
	for _, st := range p.steps {
		if came, ok := p.came[st.line]; ok {
			lines = append(append(lines, p.lines[at:st.want.from]...), came...)
			at = st.want.to
		}
	}
	if at == 0 {
		return nil
	}
	lines = append(lines, p.lines[at:]...)
	return os.WriteFile(p.path, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// diff returns the lines of both, those that are in one only marked, and of
// long equal stretches only the lines next to a difference.
func diff(a, b []string) []string {
	longest := make([][]int, len(a)+1) // longest[i][j]: common lines of a[i:] and b[j:]
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	var lines []string
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			lines = append(lines, "  "+a[i])
			i++
			j++
		case i < len(a) && (j == len(b) || longest[i+1][j] >= longest[i][j+1]):
			lines = append(lines, "- "+a[i])
			i++
		default:
			lines = append(lines, "+ "+b[j])
			j++
		}
	}
	return shorten(lines)
}

// around is how many equal lines a diff shows around a difference.
const around = 2

func shorten(lines []string) []string {
	near := func(i int) bool {
		for k := max(0, i-around); k <= min(len(lines)-1, i+around); k++ {
			if lines[k][0] != ' ' {
				return true
			}
		}
		return false
	}
	var short []string
	for i, line := range lines {
		if near(i) {
			short = append(short, line)
		} else if len(short) > 0 && short[len(short)-1] != "  …" {
			short = append(short, "  …")
		}
	}
	return short
}
