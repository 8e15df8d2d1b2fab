// Package feature is what a feature hands to the composition: the resources it
// declares and the routes it serves beside them. It is also what the composition
// hands to every feature: the Platform.
package feature

import (
	"log/slog"

	"sede/internal/audit"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/hydra"
	"sede/internal/ident"
)

// Platform is what every feature may use.
type Platform struct {
	DB    *db.DB
	Audit *audit.Log
	IDs   *ident.Source
	Clock clock.Clock
	Log   *slog.Logger
}

// Module is one feature.
type Module struct {
	Resources []hydra.Declaration
	Routes    []hydra.Route
	Describe  []hydra.Describe // what the OpenAPI document says about the routes
}
