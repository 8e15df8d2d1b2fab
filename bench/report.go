package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// target is something to be reached.
type target struct {
	what, want, got string
	met             bool
}

func printTargets(list []target) {
	fmt.Printf("\nTargets\n\n")
	var missed, seen int
	var printed []string
	for _, t := range list {
		if slices.Contains(printed, t.what) {
			continue
		}
		printed = append(printed, t.what)
		seen++
		word := "met"
		if !t.met {
			word = "MISSED"
			missed++
		}
		fmt.Printf("  %-6s  %-52s %10s  (target %s)\n", word, t.what, t.got, t.want)
	}
	fmt.Printf("\n  %d of %d are met.\n", seen-missed, seen)
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// quantile of the latencies.
func (s *sample) quantile(q float64) time.Duration {
	if len(s.latencies) == 0 {
		return 0
	}
	slices.Sort(s.latencies)
	return s.latencies[int(q*float64(len(s.latencies)-1))]
}

// over is the median of a figure of the samples.
func over(list []sample, figure func(*sample) float64) float64 {
	var all []float64
	for i := range list {
		all = append(all, figure(&list[i]))
	}
	return median(all)
}

func perSecond(s *sample) float64 { return s.perSecond() }
func p50(s *sample) float64       { return float64(s.quantile(0.50).Microseconds()) }
func p99(s *sample) float64       { return float64(s.quantile(0.99).Microseconds()) }
func cpu(s *sample) float64       { return float64(s.cpu.Microseconds()) / float64(max(1, s.requests)) }

// ratio is the median of the rounds' ratios of throughput.
func ratio(ours, theirs []sample) float64 {
	var all []float64
	for i := range min(len(ours), len(theirs)) {
		all = append(all, ours[i].perSecond()/theirs[i].perSecond())
	}
	return median(all)
}

// floorCPU is what a constant answer costs on the machine that the targets for
// CPU were set on, in µs. What is measured here is scaled to that.
const floorCPU = 14.6

func (s *stage) printCells(cells []*cell, scale float64) {
	fmt.Printf("\n%s: requests per second, times in µs, CPU per request in µs scaled so that the constant costs %.1f\n\n", s.engine, floorCPU)
	fmt.Printf("  %-8s %5s %8s %8s %7s %7s | %7s %7s %7s %7s | %6s %6s\n", "", "conns",
		"sede", "hand", "of hand", "of bare", "p50", "p99", "hand", "p99", "CPU", "hand")
	last := ""
	for _, c := range cells {
		if last != "" && last != c.work.name {
			fmt.Println("  " + strings.Repeat("-", 40))
		}
		last = c.work.name
		bare := ""
		if len(c.bare) > 0 {
			bare = fmt.Sprintf("%.2f", ratio(c.sede, c.bare))
		}
		fmt.Printf("  %-8s %5d %8.0f %8.0f %7.2f %7s | %7.0f %7.0f %7.0f %7.0f | %6.1f %6.1f\n", c.work.name, c.connections,
			over(c.sede, perSecond), over(c.hand, perSecond), ratio(c.sede, c.hand), bare,
			over(c.sede, p50), over(c.sede, p99), over(c.hand, p50), over(c.hand, p99), scale*over(c.sede, cpu), scale*over(c.hand, cpu))
	}
}

// judge holds the cells against the targets.
func (s *stage) judge(cells []*cell, scale float64) (list []target) {
	add := func(what string, want, got float64, met bool, format string) {
		list = append(list, target{s.engine + ": " + what, fmt.Sprintf(format, want), fmt.Sprintf(format, got), met})
	}
	atLeast := func(what string, want, got float64) { add(what, want, got, got >= want, "%.2f") }
	for _, c := range cells {
		got := ratio(c.sede, c.hand)
		name := fmt.Sprintf("%s at %d, of hand", c.work.name, c.connections)
		switch {
		case s.engine == "sqlite" && c.connections == 16:
			atLeast(name, 0.70, got)
			if most, ok := map[string]float64{"get": 20, "page": 45, "create": 45}[c.work.name]; ok {
				used := scale * over(c.sede, cpu)
				add(fmt.Sprintf("%s at 16, CPU per request in µs", c.work.name), most, used, used <= most, "%.1f")
			}
		case s.engine == "sqlite" && c.connections == 1 && c.work.writes:
			atLeast(name, 0.90, got)
		case s.engine == "postgres" && c.connections == 16 && (c.work.name == "get" || c.work.name == "page"):
			atLeast(name, 0.90, got)
		case s.engine == "postgres" && c.connections == 64 && c.work.name == "create":
			atLeast("create at 64, of autocommit pgx", 1.50, ratio(c.sede, c.bare))
		}
	}
	return list
}
