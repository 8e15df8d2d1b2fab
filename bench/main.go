// Command bench measures sede beside a server that is written by hand: a
// net/http handler without layers that does the same work on the same engine
// and answers the same bytes. The hand-written server is the ceiling; how near
// sede comes to it is what counts, since on shared machines nothing else does.
//
//	make bench                               all of it, about three minutes
//	go run ./bench -engine sqlite -only get  one workload on one engine
//	go run ./bench -rounds 9 -seconds 1      when differences are small
//
// Both servers run as processes of their own, with durable writes, on copies of
// one database: an organization of 100,000 locations beside 100 others. They are
// measured in turn, round by round; a ratio is the median of the rounds'
// ratios. The generator of the load keeps its connections, writes requests as
// they were prepared and reads little of the answers, but it runs on the same
// cores and so makes differences look smaller than they are. Figures under 10 %
// apart are the same figure. CPU is that of the server's process, without
// PostgreSQL's own.
//
// Limits on requests are switched off, since the load would meet them.
//
// "hand" writes the rows that sede writes, the entry of the audit log and the
// counter among them. "bare" writes the location and nothing else.
//
// Everything stays on this machine: loopback, a temporary folder, a PostgreSQL
// of its own (or the one of SEDE_TEST_POSTGRES). Without PostgreSQL's programs
// that engine is left out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	binary  string
	engines string
	only    string
	rounds  int
	seconds float64
	rows    int
	large   int
}

func (o *options) wants(name string) bool {
	if o.only == "" {
		return true
	}
	for _, part := range strings.Split(o.only, ",") {
		if part == name {
			return true
		}
	}
	return false
}

// span is how long one measurement lasts.
func (o *options) span() time.Duration { return time.Duration(o.seconds * float64(time.Second)) }

func main() {
	if text := os.Getenv(handVariable); text != "" { // started by itself: be the server written by hand
		if err := serveHand(text); err != nil {
			fmt.Fprintln(os.Stderr, "bench: the server written by hand:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.binary, "sede", "bin/sede", "the program to measure, see make build")
	flag.StringVar(&o.engines, "engine", "sqlite,postgres", "the engines")
	flag.StringVar(&o.only, "only", "", "the workloads, of get, page, country, text, create, patch, growth, footprint; empty: all")
	flag.IntVar(&o.rounds, "rounds", 3, "how often everything is measured")
	flag.Float64Var(&o.seconds, "seconds", 0.35, "how long one measurement lasts")
	flag.IntVar(&o.rows, "rows", 100_000, "locations of the organization that is measured")
	flag.IntVar(&o.large, "large", 1_000_000, "locations of the large organization, which is compared with one of 1,000")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure goes through the engines and prints what came out.
func measure(ctx context.Context, o *options) error {
	if _, err := os.Stat(o.binary); err != nil {
		return fmt.Errorf("%w; make build makes it", err)
	}
	dir, err := os.MkdirTemp("", "sede-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("Measured in turn, %d rounds of %v, medians. An organization of %d locations among 101.\n", o.rounds, o.span(), o.rows)
	var targets []target
	for _, name := range strings.Split(o.engines, ",") {
		s, err := newStage(ctx, o, name, dir)
		if errors.Is(err, errNoPostgres) {
			fmt.Printf("\n%v: left out\n", err)
			continue
		}
		if err != nil {
			return err
		}
		met, err := s.play(ctx)
		s.close()
		if err != nil {
			return err
		}
		targets = append(targets, met...)
	}
	printTargets(targets)
	return nil
}
