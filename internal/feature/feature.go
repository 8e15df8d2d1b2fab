// Package feature is what a feature hands to the composition: the resources it
// declares, the routes it serves beside them, the pages it shows people, and the
// work it does outside of requests. It is also what the composition hands to every feature: the Platform.
package feature

import (
	"io"
	"log/slog"
	"net/http"

	"sede/internal/audit"
	"sede/internal/blob"
	"sede/internal/clock"
	"sede/internal/console"
	"sede/internal/db"
	"sede/internal/hydra"
	"sede/internal/ident"
	"sede/internal/jobs"
	"sede/internal/mail"
	"sede/internal/secret"
	"sede/internal/webhook"
)

// Platform is what every feature may use.
type Platform struct {
	DB       *db.DB
	Audit    *audit.Log
	Jobs     *jobs.Queue
	Mail     *mail.Post
	Webhooks *webhook.Service
	IDs      *ident.Source
	Clock    clock.Clock
	Random   io.Reader // for secrets
	Secret   *secret.Box
	BaseURL  string // under which people reach sede, without a slash at the end; empty: not known
	Blobs    blob.Store
	Log      *slog.Logger
	// Problem answers a request with an error, as the resources do.
	Problem func(w http.ResponseWriter, r *http.Request, err error)
}

// Module is one feature.
type Module struct {
	Resources []hydra.Declaration
	Routes    []hydra.Route
	Describe  []hydra.Describe // what the OpenAPI document says about the routes
	Pages     []console.Page
	Workers   []jobs.Worker
	Schedules []jobs.Schedule
	Due       []jobs.Due
	Chores    []jobs.Chore
	Texts     []*db.Listing  // those with Texts
	Events    []webhook.Type // that the feature sends
}
