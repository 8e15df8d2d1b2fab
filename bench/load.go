package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"
)

// work is one kind of request.
type work struct {
	name   string
	status string // of the answer, e.g. "200"
	writes bool
	// request appends a request to dst. pick is the same sequence for all
	// servers.
	request func(dst []byte, pick *rand.Rand) []byte
}

// sample is what came of one measurement.
type sample struct {
	requests  int
	took      time.Duration
	cpu       time.Duration // of the server's process
	latencies []time.Duration
}

// perSecond is the throughput.
func (s *sample) perSecond() float64 { return float64(s.requests) / s.took.Seconds() }

// load sends requests of one kind over so many connections, each the next one
// when the last is answered.
func load(ctx context.Context, p *process, w *work, connections int, span time.Duration) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, span+30*time.Second)
	defer cancel()
	users := make([]*user, connections)
	for i := range users {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.address)
		if err != nil {
			return sample{}, err
		}
		defer conn.Close()
		users[i] = &user{conn: conn, work: w, pick: rand.New(rand.NewPCG(1, uint64(i))), in: make([]byte, 64<<10)}
		if err := users[i].ask(); err != nil { // the first one makes the connection warm
			return sample{}, err
		}
	}
	stop := context.AfterFunc(ctx, func() {
		for _, u := range users {
			_ = u.conn.Close()
		}
	})
	defer stop()
	var s sample
	before, start := p.cpu(), time.Now()
	errs := make([]error, connections)
	var group sync.WaitGroup
	for i, u := range users {
		group.Go(func() { errs[i] = u.askUntil(start.Add(span)) })
	}
	group.Wait()
	s.took, s.cpu = time.Since(start), p.cpu()-before
	for i, u := range users {
		if errs[i] != nil {
			return s, fmt.Errorf("%s: %w", w.name, errs[i])
		}
		s.latencies = append(s.latencies, u.latencies...)
	}
	s.requests = len(s.latencies)
	return s, nil
}

// user is one connection.
type user struct {
	conn      net.Conn
	work      *work
	pick      *rand.Rand
	out, in   []byte
	answer    []byte // the last one, header and body
	latencies []time.Duration
}

func (u *user) askUntil(end time.Time) error {
	for now := time.Now(); now.Before(end); {
		if err := u.ask(); err != nil {
			return err
		}
		next := time.Now()
		u.latencies = append(u.latencies, next.Sub(now))
		now = next
	}
	return nil
}

// ask sends one request and reads the answer to its end.
func (u *user) ask() error {
	u.out = u.work.request(u.out[:0], u.pick)
	if _, err := u.conn.Write(u.out); err != nil {
		return err
	}
	n, end := 0, -1
	for end < 0 || n < end {
		if n == len(u.in) {
			u.in = append(u.in, make([]byte, len(u.in))...)
		}
		got, err := u.conn.Read(u.in[n:])
		if err != nil {
			return err
		}
		n += got
		if end < 0 {
			if end, err = answerEnd(u.in[:n]); err != nil {
				return err
			}
		}
	}
	u.answer = u.in[:end]
	if string(u.answer[9:12]) != u.work.status {
		return fmt.Errorf("want status %s:\n%s\n%s", u.work.status, bytes.TrimSpace(u.out), u.answer)
	}
	return nil
}

// answerEnd returns where an answer ends, -1 while its header is not complete.
func answerEnd(answer []byte) (int, error) {
	header := bytes.Index(answer, []byte("\r\n\r\n"))
	if header < 0 {
		return -1, nil
	}
	name := []byte("\r\nContent-Length: ")
	at := bytes.Index(answer[:header], name)
	if at < 0 {
		return 0, fmt.Errorf("an answer without a length:\n%s", answer)
	}
	digits := answer[at+len(name) : header]
	if line := bytes.IndexByte(digits, '\r'); line >= 0 {
		digits = digits[:line]
	}
	length, err := strconv.Atoi(string(digits))
	return header + 4 + length, err
}

// once sends one request of a kind on a connection of its own and returns the
// answer.
func once(ctx context.Context, address string, w *work) ([]byte, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	u := &user{conn: conn, work: w, pick: rand.New(rand.NewPCG(1, 1)), in: make([]byte, 64<<10)}
	err = u.ask()
	return u.answer, err
}
