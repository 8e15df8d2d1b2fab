package sedetest

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// script is a file of steps.
type script struct {
	path   string
	lines  []string
	steps  []step
	faults bool              // whether the fault driver may run it
	limits map[string]string // on requests, as settings spell them; nil: so wide that no script meets them
}

// step is one request, a move of the clock, or a run of the jobs.
type step struct {
	line   int // from 1
	title  string
	user   string // nobody: empty
	org    string // X-Organization, or empty
	move   time.Duration
	jobs   bool
	method string
	target string
	header []headerLine
	body   string
	raw    bool // body holds no names
	file   bool // the body is a form with the last download as the file
	want   answerLines
}

// headerLine is a header, or with absent one that must not be there.
type headerLine struct {
	name, value string
	shown       string // the name as the script spells it
	absent      bool
}

// bodyRule is how a body is compared.
type bodyRule uint8

const (
	bodyAny bodyRule = iota
	bodyEmpty
	bodyJSON
	bodyPartly
	bodyText
	bodyContains
)

// answerLines is what must come, and on which lines it stands.
type answerLines struct {
	from, to int // lines[from:to]
	bodyFrom int // where the body begins
	status   int // 0: the script does not say yet
	changes  bool
	header   []headerLine
	rule     bodyRule
	body     string
	pieces   []string // of bodyContains
	json     node
}

func readScript(path string) (*script, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseScript(path, string(content))
}

// reader goes through the lines of a script.
type reader struct {
	*script
	at        int
	title     string
	user, org string
}

func parseScript(path, content string) (*script, error) {
	lines := strings.Split(strings.TrimRight(content, "\n"), "\n")
	s := &script{path: path, lines: lines, faults: true}
	if strings.HasSuffix(path, ".md") {
		s.lines, s.faults = blocks(lines), false
	}
	r := &reader{script: s}
	for r.at < len(r.lines) {
		if err := r.next(); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, r.at+1, err)
		}
	}
	s.lines = lines
	return s, nil
}

// blocks returns the lines of a document, those outside of blocks of script empty.
func blocks(document []string) []string {
	lines, inside := make([]string, len(document)), false
	for i, line := range document {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sede"
		case inside:
			lines[i] = line
		}
	}
	return lines
}

var (
	requestLine = regexp.MustCompile(`^([A-Z]+) (\S+)$`)
	headerText  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*):(?: (.*))?$`)
)

// next reads what stands at the line.
func (r *reader) next() error {
	line := strings.TrimRight(r.lines[r.at], " \t")
	words := strings.Fields(line)
	switch {
	case line == "":
	case line[0] == '#':
		r.title = strings.TrimSpace(line[1:])
	case words[0] == "as" && (len(words) == 2 || len(words) == 4 && words[2] == "in"):
		if r.user, r.org = words[1], ""; r.user == "nobody" {
			r.user = ""
		}
		if len(words) == 4 {
			r.org = words[3]
		}
	case words[0] == "advance" && len(words) == 2:
		d, err := time.ParseDuration(words[1])
		if err != nil {
			return err
		}
		r.steps = append(r.steps, step{line: r.at + 1, move: d})
	case line == "jobs":
		r.steps = append(r.steps, step{line: r.at + 1, jobs: true})
	case line == "faults off":
		r.faults = false
	case words[0] == "limits" && len(words) > 1:
		return r.readLimits(words[1:])
	case requestLine.MatchString(line):
		return r.request(line)
	default:
		return fmt.Errorf("not understood: %s", line)
	}
	r.at++
	return nil
}

// readLimits reads the limits that the script's sede has. The fault driver would
// use them up.
func (r *reader) readLimits(words []string) error {
	r.faults, r.limits = false, map[string]string{}
	for _, word := range words {
		name, quota, ok := strings.Cut(word, "=")
		if !ok {
			return fmt.Errorf("not a limit: %s", word)
		}
		r.limits[name] = quota
	}
	r.at++
	return nil
}

// request reads a request and what must come of it.
func (r *reader) request(line string) (err error) {
	found := requestLine.FindStringSubmatch(line)
	s := step{line: r.at + 1, title: r.title, user: r.user, org: r.org, method: found[1], target: found[2]}
	for r.at++; r.at < len(r.lines); r.at++ {
		h, ok := parseHeader(r.lines[r.at])
		if !ok {
			break
		}
		s.header = append(s.header, h)
	}
	from := r.at
	for r.at < len(r.lines) && r.lines[r.at] != "" && !isAnswer(r.lines[r.at]) {
		r.at++
	}
	s.body = strings.Join(r.lines[from:r.at], "\n")
	if s.body == "= the last download" {
		s.raw, s.file, s.body = true, true, formBegins
	} else if expression, ok := strings.CutPrefix(s.body, "= "); ok {
		s.raw = true
		if s.body, err = evaluate(expression); err != nil {
			return err
		}
	}
	s.want.from = r.at
	if err := r.answer(&s.want); err != nil {
		return err
	}
	s.want.to = r.at
	r.steps = append(r.steps, s)
	return nil
}

func parseHeader(line string) (headerLine, bool) {
	found := headerText.FindStringSubmatch(line)
	if found == nil {
		return headerLine{}, false
	}
	return headerLine{name: http.CanonicalHeaderKey(found[1]), shown: found[1], value: strings.TrimSpace(found[2])}, true
}

// isAnswer reports whether a line begins what must come.
func isAnswer(line string) bool { return strings.HasPrefix(line, "< ") }

// answer reads the lines that say what must come.
func (r *reader) answer(want *answerLines) error {
	for r.at < len(r.lines) && isAnswer(r.lines[r.at]) {
		text := strings.TrimSpace(r.lines[r.at][2:])
		switch h, isHeader := parseHeader(text); {
		case text == "empty":
			want.rule = bodyEmpty
		case text == "changes":
			want.changes = true
		case strings.HasPrefix(text, "!"):
			want.header = append(want.header, headerLine{name: http.CanonicalHeaderKey(text[1:]), shown: text[1:], absent: true})
		case isHeader:
			want.header = append(want.header, h)
		default:
			status, err := strconv.Atoi(text)
			if err != nil || want.status != 0 {
				return fmt.Errorf("not an expected status or header: %s", text)
			}
			want.status = status
		}
		r.at++
	}
	want.bodyFrom = r.at
	if r.at == len(r.lines) {
		return nil
	}
	switch line := r.lines[r.at]; {
	case strings.HasPrefix(line, "|"):
		return r.text(want)
	case strings.HasPrefix(line, "<~ "):
		want.rule = bodyPartly
		return r.json(want, line[3:])
	case strings.HasPrefix(line, "{"), strings.HasPrefix(line, "["):
		want.rule = bodyJSON
		return r.json(want, line)
	}
	return nil
}

// text reads a body given line by line.
func (r *reader) text(want *answerLines) error {
	want.rule = bodyText
	var lines []string
	for r.at < len(r.lines) && strings.HasPrefix(r.lines[r.at], "|") {
		if piece, ok := strings.CutPrefix(r.lines[r.at], "|~ "); ok {
			want.rule, want.pieces = bodyContains, append(want.pieces, piece)
		} else {
			lines = append(lines, strings.TrimPrefix(r.lines[r.at][1:], " "))
		}
		r.at++
	}
	if len(want.pieces) > 0 && len(lines) > 0 {
		return fmt.Errorf("a body is given with | or with |~, not both")
	}
	want.body = strings.Join(lines, "\n")
	return nil
}

// json reads a JSON body: as many lines as it takes.
func (r *reader) json(want *answerLines, first string) (err error) {
	text := first
	for {
		r.at++
		if want.json, err = parseJSON(text); err == nil {
			return nil
		}
		if r.at == len(r.lines) || r.lines[r.at] == "" {
			return fmt.Errorf("the expected body is no JSON: %w", err)
		}
		text += "\n" + r.lines[r.at]
	}
}

var term = regexp.MustCompile(`^\s*("(?:[^"\\]|\\.)*")\s*(?:\*\s*(\d+))?\s*(\+|$)`)

// evaluate computes "a"*3 + "b".
func evaluate(expression string) (string, error) {
	var b strings.Builder
	for rest := expression; ; {
		found := term.FindStringSubmatch(rest)
		if found == nil {
			return "", fmt.Errorf("not a body expression: %s", rest)
		}
		text, err := strconv.Unquote(found[1])
		if err != nil {
			return "", err
		}
		times := 1
		if found[2] != "" {
			times, _ = strconv.Atoi(found[2])
		}
		b.WriteString(strings.Repeat(text, times))
		if found[3] == "" {
			return b.String(), nil
		}
		rest = rest[len(found[0]):]
	}
}
