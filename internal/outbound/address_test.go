package outbound

import (
	"strings"
	"testing"
)

func TestCheckAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]bool{ // with and without this machine
		"https://app.example/back?a=b":  {true, true},
		"https://app.example/#/billing": {true, true},
		"https://localhost/back":        {true, true},
		"http://localhost:3000/back":    {true, false},
		"http://127.0.0.1":              {true, false},
		"http://[::1]:3000/back":        {true, false},
		"http://localhost.app.example":  {false, false},
		"http://app.example/back":       {false, false},
		"https://":                      {false, false},
		"https://:443/back":             {false, false},
		"https://me:secret@app.example": {false, false},
		"javascript:alert(1)":           {false, false},
		"//app.example/back":            {false, false},
		"myapp://back":                  {false, false},
		"":                              {false, false},
	} {
		got := [2]bool{CheckAddress(address, true).IsZero(), CheckAddress(address, false).IsZero()}
		if got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestIsInside(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://app.example/hooks":    false,
		"https://8.8.8.8/":             false,
		"https://[2606:4700::1111]/":   false,
		"https://10.1.2.3/":            true,
		"https://169.254.169.254/":     true,
		"https://127.0.0.1:8443/":      true,
		"https://localhost/":           true,
		"https://[::1]/":               true,
		"https://[fd00::1]:8443/hooks": true,
		"https://[::ffff:10.0.0.1]/":   true,
	} {
		if IsInside(address, false) != want {
			t.Errorf("%s: %v", address, !want)
		}
		if here := strings.Contains(address, "//127.") || strings.Contains(address, "localhost") || strings.Contains(address, "[::1]"); IsInside(address, true) != (want && !here) {
			t.Errorf("%s with this machine: %v", address, want && here)
		}
	}
}
