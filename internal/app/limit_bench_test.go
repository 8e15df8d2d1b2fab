package app_test

import (
	"net/http"
	"testing"

	"sede/internal/app"
)

// BenchmarkLimits serves the same GET with and without limits on requests.
func BenchmarkLimits(b *testing.B) {
	for _, c := range []struct {
		name   string
		limits map[string]string
	}{
		{"Off", nil},
		{"On", map[string]string{"read-user": "60000/1s", "read-organization": "60000/1s", "read-address": "60000/1s"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			h, authorization := benchApp(b, func(config *app.Config) {
				if err := config.Limits.Set(c.limits); err != nil {
					b.Fatal(err)
				}
			})
			s := &sink{header: http.Header{}}
			call(b, h, s, "POST", "/locations", authorization, `{"name":"One","timeZone":"Europe/Lisbon"}`)
			iri := s.header["Location"][0]
			b.ReportAllocs()
			for b.Loop() {
				call(b, h, s, "GET", iri, authorization, "")
			}
		})
	}
}
