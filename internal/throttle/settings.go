package throttle

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of a quota.
const (
	maxRequests = 1_000_000_000
	maxWindow   = 24 * time.Hour
)

// off says in settings that there is no limit.
const off = "off"

// allName names all policies in settings.
const allName = "all"

// Set changes the limits as settings say. A name is that of a policy, and its
// value a quota such as 600/1m or "off". The name "all" means every policy and
// counts first; its value is "off" or a factor such as 10x. The error names what
// can't be.
func (l *Limits) Set(settings map[string]string) error {
	if value, ok := settings[allName]; ok {
		if err := l.setAll(value); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if name == allName {
			continue
		}
		quota := l.find(name)
		if quota == nil {
			return fmt.Errorf("there is no policy %q; there are all, %s", name, strings.Join(Names(), ", "))
		}
		var err error
		if *quota, err = parseQuota(settings[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (l *Limits) setAll(value string) error {
	if value == off {
		*l = Limits{}
		return nil
	}
	number, ok := strings.CutSuffix(value, "x")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 || n > maxRequests {
		return fmt.Errorf("all: %q must be off or a factor such as 10x", value)
	}
	*l = l.Times(n)
	return nil
}

// find returns the quota of the policy of that name, nil when there is none.
func (l *Limits) find(name string) *Quota {
	for c := Read; c < classes; c++ {
		for p := range partitions {
			if policyName(c, p) == name {
				return &l[c][p]
			}
		}
	}
	return nil
}

func policyName(c Class, p Partition) string { return c.String() + "-" + p.String() }

// Names lists the names of all policies.
func Names() []string {
	var names []string
	for c := Read; c < classes; c++ {
		for p := range partitions {
			names = append(names, policyName(c, p))
		}
	}
	return names
}

// parseQuota reads a quota such as 600/1m, 20/h or off.
func parseQuota(text string) (Quota, error) {
	if text == off {
		return Quota{}, nil
	}
	number, window, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(number)
	if window != "" && (window[0] < '0' || window[0] > '9') {
		window = "1" + window
	}
	d, err2 := time.ParseDuration(window)
	switch {
	case !ok || err != nil || err2 != nil:
		return Quota{}, fmt.Errorf("%q must be off or requests and a window, such as 600/1m", text)
	case n < 1 || n > maxRequests:
		return Quota{}, fmt.Errorf("%q must allow 1 to %d requests", text, maxRequests)
	case d < time.Second || d > maxWindow || d%time.Second != 0:
		return Quota{}, fmt.Errorf("%q must have a window of 1s to 24h in whole seconds", text)
	}
	return Quota{n, d}, nil
}
