// Package clearing removes the working data of an organization and brings it back:
// employees, meetings, locations and what banks gave. The organization itself
// stays, with its people, settings, subscriptions, invoices and audit log.
//
// Clearing and restoring take many transactions, so that other organizations do
// not wait. A durable job does them, step by step:
//
//	archiving ──► removing ──► cleared ──► restoring ──► restored
//	    │                      │  ▲  │         │
//	    ▼                      │  │  ▼         ▼
//	  failed                   │  │ expired  undoing
//	                           │  └────────────┘
//
// The organization is held meanwhile: nobody else writes there. Until all is
// archived nothing is removed, and the step to removing is one transaction; from
// there on a clearing always comes to its end, whatever dies. What can't be
// restored as a whole is taken out again.
package clearing

import (
	"time"

	"sede/internal/fault"
	"sede/internal/ident"
	"sede/internal/null"
	"sede/internal/organization"
)

// The steps of a clearing.
const (
	archiving = "archiving"
	removing  = "removing"
	cleared   = "cleared"
	restoring = "restoring"
	undoing   = "undoing"
	restored  = "restored"
	expired   = "expired"
	failed    = "failed"
)

// keepArchive is how long what was cleared can be brought back.
const keepArchive = 30 * 24 * time.Hour

// record is one clearing as it is stored.
type record struct {
	organization    ident.ID
	id              ident.ID
	state           string
	rows            []organization.Rows
	blob            null.Value[string] // where the archive is
	err             null.Value[string]
	createdAt       time.Time
	finishedAt      null.Value[time.Time]
	restorableUntil null.Value[time.Time]
	restoredAt      null.Value[time.Time]
}

// public is what people see of it.
func (r *record) public() *organization.Clearing {
	states := map[string]string{archiving: organization.ClearingRuns, removing: organization.ClearingRuns, cleared: organization.ClearingDone,
		restoring: organization.ClearingRestoring, undoing: organization.ClearingRestoring, restored: organization.ClearingRestored,
		expired: organization.ClearingExpired, failed: organization.ClearingFailed}
	c := &organization.Clearing{ID: null.Of(r.id), State: states[r.state], Rows: r.rows, CreatedAt: r.createdAt, FinishedAt: r.finishedAt,
		Error: fault.Stored(r.err.V)}
	if r.state == cleared {
		c.RestorableUntil = r.restorableUntil
	}
	return c
}

// Request asks for a clearing.
type Request struct {
	Confirm string // the organization's slug
	DryRun  bool
}

// Choice names the clearing to bring back; null: the last one.
type Choice struct{ Clearing null.Value[string] }

// Window lets the owner clear an organization that real work depends on.
type Window struct{ Minutes int64 }

// batchTime is how long a transaction that adds rows goes on while others wait.
const batchTime = 3 * time.Millisecond
