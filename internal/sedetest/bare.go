package sedetest

import (
	"context"
	"path/filepath"
	"testing"

	"sede/internal/app"
	"sede/internal/clock"
	"sede/internal/db"
	"sede/internal/sedetest/blank"
)

// Bare starts an instance with nothing in it but an operator with that username.
// The seed keeps its keys and ids apart from those of others; 1 and 2 are taken.
func Bare(t testing.TB, engine db.Engine, operator string, seed byte, change func(*app.Config)) *Instance {
	t.Helper()
	in := &Instance{t: t, Clock: clock.NewFake(Start), tokens: map[string]string{}, Names: map[string]string{}}
	config := in.settings(seed)
	if engine == db.PostgreSQL {
		config.Database = blank.Config(t, engine).URL
		in.rows = openPostgres(t, config.Database)
	} else {
		config.Dir = blank.Config(t, engine).Dir
	}
	if change != nil {
		change(&config)
	}
	in.start(config)
	if engine == db.SQLite {
		in.rows = openSQLite(t, filepath.Join(config.Dir, databaseFile))
	}
	in.check = newChecker(t, in.App, config.Prefix)
	if _, err := in.App.CreateUser(context.Background(), app.NewUser{Username: operator, Name: "Operator", Password: Password, Operator: true}); err != nil {
		t.Fatal(err)
	}
	return in
}
