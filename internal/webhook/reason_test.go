package webhook

import (
	"context"
	"fmt"
	"net"
	"testing"

	"sede/internal/outbound"
)

func TestReason(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		unknownHost: &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "app.invalid", IsNotFound: true}},
		outOfReach:  &net.OpError{Op: "dial", Err: outbound.ErrReach},
		timeout:     fmt.Errorf("http: %w", context.DeadlineExceeded),
		unreachable: &net.OpError{Op: "dial", Err: net.ErrClosed},
	} {
		if got := reason(err); got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
}
