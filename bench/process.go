package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that runs beside this program.
type process struct {
	cmd     *exec.Cmd
	address string   // host:port
	log     *os.File // standard error; a file, so that nobody needs to read it meanwhile
	ended   chan error
}

// startTimeout is how long a server may take until it says where it listens.
const startTimeout = 20 * time.Second

// start runs a server, which says on standard output where it listens:
// a line with http://host:port/ in it.
func start(dir string, environment []string, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), ended: make(chan error, 1)}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, environment...)
	var err error
	if p.log, err = os.CreateTemp(dir, "log-*"); err != nil {
		return nil, err
	}
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, rest, ok := strings.Cut(lines.Text(), "http://"); ok {
				address, _, _ := strings.Cut(rest, "/")
				select {
				case found <- address:
				default:
				}
			}
		}
		p.ended <- p.cmd.Wait()
	}()
	select {
	case p.address = <-found:
		return p, nil
	case err := <-p.ended:
		return nil, fmt.Errorf("%s did not start: %w\n%s", name, err, p.said())
	case <-time.After(startTimeout):
		_ = p.cmd.Process.Kill()
		return nil, fmt.Errorf("%s did not start in time\n%s", name, p.said())
	}
}

// stop ends the server and waits for its end.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-p.ended:
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", p.cmd.Path, err, p.said())
		}
		return nil
	case <-time.After(startTimeout):
		return errors.Join(fmt.Errorf("%s does not end", p.cmd.Path), p.cmd.Process.Kill())
	}
}

// cpu is the processor time the server has used, to a hundredth of a second; 0
// where there is no /proc.
func (p *process) cpu() time.Duration {
	if p.cmd == nil {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte(") ")) // the name before may hold anything
	fields := bytes.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	var ticks int
	for _, field := range fields[11:13] { // utime and stime
		n, _ := strconv.Atoi(string(field))
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100)
}

// resident is the memory the server holds, in bytes; 0 where there is no /proc.
// key is VmRSS for now, VmHWM for the most it ever held.
func (p *process) resident(key string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, key+":"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// said is the end of what the server logged.
func (p *process) said() string {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}
