package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sede/internal/app"
	"sede/internal/blob"
	"sede/internal/db"
)

type doctorCommand struct{}

// errUnwell is doctor's answer when something must be done.
var errUnwell = errors.New("something needs your attention; see above")

// report collects what doctor finds.
type report struct{ failed bool }

func (r *report) ok(what, detail string) { fmt.Printf("ok    %-14s %s\n", what, detail) }

func (r *report) warn(what, detail, todo string) {
	fmt.Printf("warn  %-14s %s\n      %-14s -> %s\n", what, detail, "", todo)
}

func (r *report) fail(what, detail, todo string) {
	r.failed = true
	fmt.Printf("fail  %-14s %s\n      %-14s -> %s\n", what, detail, "", todo)
}

// Run checks everything that sede stands on and says what to do. It changes
// nothing, so it can run beside a serving sede.
func (doctorCommand) Run(ctx context.Context, s *settings) error {
	var r report
	if err := s.check(); err != nil {
		r.fail("configuration", err.Error(), "correct the setting")
	} else {
		r.ok("configuration", "listens on "+s.Listen+", data in "+s.Data)
	}
	checkFolder(&r, s.Data)
	s.checkKey(&r)
	s.checkDatabase(ctx, &r)
	s.checkMail(ctx, &r)
	s.checkBlobs(ctx, &r)
	checkClock(&r)
	if _, err := time.LoadLocation("Europe/Lisbon"); err != nil {
		r.fail("time zones", "this machine knows none", "install the package tzdata")
	} else {
		r.ok("time zones", "known")
	}
	if connection, err := net.DialTimeout("tcp", s.Listen, time.Second); err == nil {
		_ = connection.Close()
		r.ok("address", s.Listen+" is in use, by a running sede or by something else")
	} else {
		r.ok("address", s.Listen+" is free")
	}
	if r.failed {
		return errUnwell
	}
	return nil
}

// The free disk space below which doctor warns, and fails.
const (
	enough    = 1 << 30
	tooLittle = 100 << 20
)

func checkFolder(r *report, folder string) {
	info, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		r.warn("data folder", folder+" is not there yet", "nothing: sede makes it when it first serves")
		return
	}
	if err != nil || !info.IsDir() {
		r.fail("data folder", folder+" can't be used", "choose another folder with --data, or correct this one")
		return
	}
	probe, err := os.CreateTemp(folder, ".doctor-*")
	if err != nil {
		r.fail("data folder", err.Error(), "let the user that runs sede write to it: chown or chmod")
		return
	}
	_ = errors.Join(probe.Close(), os.Remove(probe.Name()))
	r.ok("data folder", folder+" can be written")
	free, err := freeSpace(folder)
	if err != nil {
		r.warn("disk", err.Error(), "look at the free space yourself")
		return
	}
	detail := fmt.Sprintf("%.1f GiB free", float64(free)/(1<<30))
	switch {
	case free < tooLittle:
		r.fail("disk", detail, "make room: writes are about to fail")
	case free < enough:
		r.warn("disk", detail, "make room: without it, writes fail")
	default:
		r.ok("disk", detail)
	}
}

func (s *settings) checkKey(r *report) {
	if s.SecretKey != "" {
		if _, err := s.secretKeys(); err != nil {
			r.fail("secret key", err.Error(), "correct --secret-key or --secret-key-previous")
			return
		}
		r.ok("secret key", "from the settings")
		return
	}
	file := filepath.Join(s.Data, "secret.key")
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.mustHaveKey():
		r.fail("secret key", "none is set", "set SEDE_SECRET_KEY, the same for every sede on the database; make one with: openssl rand -hex 32")
	case errors.Is(err, fs.ErrNotExist):
		r.warn("secret key", file+" is not there yet", "nothing: sede makes it; keep it with your backups, apart from the database")
	case err != nil:
		r.fail("secret key", err.Error(), "let the user that runs sede read it")
	case info.Mode().Perm()&0o077 != 0:
		r.warn("secret key", file+" can be read by others", "chmod 600 "+file)
	default:
		r.ok("secret key", file)
	}
}

// checkDatabase looks at the database without making or changing it.
func (s *settings) checkDatabase(ctx context.Context, r *report) {
	if s.Database == "" {
		if _, err := os.Stat(filepath.Join(s.Data, "sede.db")); errors.Is(err, fs.ErrNotExist) {
			r.warn("database", "SQLite, not there yet", "nothing: sede makes it when it first serves")
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	database, err := db.Open(ctx, db.Config{URL: s.Database, Dir: s.Data, Log: s.logger()})
	if err != nil {
		r.fail("database", err.Error(), "correct --database or --data, and see that the server runs")
		return
	}
	defer database.Close()
	status, err := database.Status(ctx)
	if err != nil {
		r.fail("database", err.Error(), "see that the file or server is whole; restore a backup if it is not")
		return
	}
	r.ok("database", fmt.Sprintf("%s %s, %.1f MiB", status.Engine, status.Version, float64(status.Bytes)/(1<<20)))
	switch {
	case status.Schema > status.Latest:
		r.fail("schema", fmt.Sprintf("version %d is newer than this sede, which knows %d", status.Schema, status.Latest), "use the newer sede")
	case len(status.Pending) > 0:
		r.warn("schema", fmt.Sprintf("version %d of %d", status.Schema, status.Latest), "sede migrate, or just serve: it migrates first")
	default:
		r.ok("schema", fmt.Sprintf("version %d, up to date", status.Schema))
	}
	if status.Engine == db.PostgreSQL && !status.RowSecurity {
		r.warn("row security", "the database role passes by it", "use a role that is no superuser and has no BYPASSRLS")
	}
}

// checkMail connects to the server for mail and signs in; no mail is sent.
func (s *settings) checkMail(ctx context.Context, r *report) {
	server, err := s.mailServer()
	switch {
	case err != nil:
		return // said with the configuration
	case server == nil:
		r.warn("mail", "none leaves this machine; it lies at /dev/mailbox", "set --smtp and --mail-from to send it")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := server.Check(ctx); err != nil {
		r.fail("mail", server.String()+": "+err.Error(), "correct --smtp, --smtp-user or --smtp-password, and see that the server runs; mail waits meanwhile")
		return
	}
	r.ok("mail", server.String()+" takes mail from "+server.From.Email)
}

// checkBlobs writes, reads and removes a file where files are kept. A folder that
// is not there yet is left so.
func (s *settings) checkBlobs(ctx context.Context, r *report) {
	config := app.Config{Dir: s.Data, Blobs: s.Blobs}
	files, err := blob.Open(config.BlobStore())
	if err != nil {
		r.fail("files", err.Error(), "correct --blobs")
		return
	}
	if _, err := os.Stat(config.BlobStore()); errors.Is(err, fs.ErrNotExist) && !strings.HasPrefix(config.BlobStore(), "s3://") {
		r.warn("files", files.String()+" is not there yet", "nothing: sede makes it when it first keeps a file")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := files.Check(ctx); err != nil {
		r.fail("files", err.Error(), "correct --blobs, and let the user that runs sede write there")
		return
	}
	r.ok("files", files.String()+" can be written")
}

// built is before every moment at which this program can run.
var built = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func checkClock(r *report) {
	now := time.Now().UTC()
	if now.Before(built) || now.Year() > built.Year()+30 {
		r.fail("clock", now.Format(time.RFC3339), "set the clock; tokens and dates are wrong otherwise")
		return
	}
	r.ok("clock", now.Format(time.RFC3339))
}
