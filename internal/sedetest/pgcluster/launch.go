package pgcluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

var errNoServer = errors.New("pgcluster: no PostgreSQL server binaries found; set SEDE_TEST_POSTGRES to use a running server")

// binaries returns the folder with initdb and postgres.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "postgres")); err == nil {
			return filepath.Dir(path), nil
		}
	}
	var found []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb",
		"/opt/homebrew/opt/postgresql*/bin/initdb", "/usr/local/opt/postgresql*/bin/initdb"} {
		matches, _ := filepath.Glob(pattern)
		found = append(found, matches...)
	}
	if len(found) == 0 {
		return "", errNoServer
	}
	sort.Strings(found)
	return filepath.Dir(found[len(found)-1]), nil
}

// credential returns whom to run the server as: PostgreSQL refuses root.
func credential() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("pgcluster: running as root, and neither user postgres nor nobody exists")
}

// guard runs the server until its standard input closes.
const guard = `"$@" >"$PGDATA/log" 2>&1 </dev/null & server=$!
cat >/dev/null
kill -QUIT $server; wait $server
rm -rf "$PGDATA" "$PGHOST"`

// Start makes a cluster for a program that is no test and returns the address of
// its superuser. It lives as long as the process. Settings such as "fsync=on"
// count before those that tests have.
func Start(settings ...string) (*url.URL, error) { return launch(settings) }

// memory is where Linux keeps files in memory.
const memory = "/dev/shm"

// place returns the folder for the cluster: in memory if there are 2 GiB of it to
// spare, where a database is cloned in a twentieth of the time. Who has settings
// measures, and gets the disk.
func place(settings []string) string {
	var fs syscall.Statfs_t
	if len(settings) > 0 || syscall.Statfs(memory, &fs) != nil || fs.Bavail*uint64(fs.Bsize) < 2<<30 {
		return os.TempDir()
	}
	return memory
}

// launch makes a cluster and starts it. It lives as long as this process.
func launch(settings []string) (*url.URL, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	cred, err := credential()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(place(settings), "sede-pg-")
	if err != nil {
		return nil, err
	}
	if cred != nil {
		if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return nil, err
		}
	}
	attr := &syscall.SysProcAttr{Credential: cred, Setpgid: true}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "admin", "-A", "trust", "-E", "UTF8",
		"--locale=C", "-N", "--no-instructions")
	initdb.Dir, initdb.SysProcAttr = dir, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pgcluster: initdb: %w\n%s", err, bytes.TrimSpace(out))
	}
	if err := serve(bin, dir, data, attr, settings); err != nil {
		return nil, err
	}
	u := &url.URL{Scheme: "postgres", User: url.User("admin"), Path: "/postgres",
		RawQuery: url.Values{"host": {dir}, "port": {"5432"}, "sslmode": {"disable"}}.Encode()}
	return u, await(u, filepath.Join(data, "log"))
}

// serve starts the server below the guard. The writing end of the guard's pipe
// is never closed: that is left to the end of the process.
func serve(bin, dir, data string, attr *syscall.SysProcAttr, settings []string) error {
	args := []string{"-c", guard, "guard", filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-p", "5432"}
	usual := []string{"listen_addresses=", "fsync=off", "full_page_writes=off", "synchronous_commit=off",
		"shared_buffers=32MB", "max_connections=200", "autovacuum=off", "max_wal_senders=0", "wal_level=minimal",
		"log_min_messages=warning", "deadlock_timeout=100ms"}
	for _, setting := range append(usual, settings...) {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command("/bin/sh", args...)
	cmd.Dir, cmd.SysProcAttr = "/", attr
	cmd.Env = append(os.Environ(), "PGDATA="+data, "PGHOST="+dir)
	if _, err := cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	go cmd.Wait()
	return nil
}

// await returns when the server takes connections.
func await(u *url.URL, log string) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		conn, err := pgx.Connect(ctx, u.String())
		if err == nil {
			conn.Close(ctx)
			cancel()
			return nil
		}
		cancel()
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log)
			return fmt.Errorf("pgcluster: the server does not start: %w\n%s", err, text)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
