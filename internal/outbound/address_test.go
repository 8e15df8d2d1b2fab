package outbound

import "testing"

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
