// Command sede is the workspace backend: it serves the API, and sets up and
// checks the instance that it serves. Every setting can be given as a flag, an
// environment variable or a line of a YAML file; the first of these that says
// something counts.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"sede/internal/fault"
)

// version is set when a release is built.
var version = ""

// commands is the whole command line.
type commands struct {
	Config string `help:"YAML file with settings: the flags' names without the dashes in front." placeholder:"FILE" env:"SEDE_CONFIG"`
	settings

	Serve   serveCommand   `cmd:"" help:"Serve the API."`
	Migrate migrateCommand `cmd:"" help:"Bring the database's schema up to date, and say what was done."`
	User    struct {
		Create userCommand `cmd:"" help:"Make an account that can sign in."`
	} `cmd:"" help:"Accounts."`
	Org struct {
		Create orgCommand `cmd:"" help:"Make an organization."`
	} `cmd:"" help:"Organizations."`
	Keys struct {
		Replace keysCommand `cmd:"" help:"Throw all signing keys away and make a new one: after the secret key was lost, or a signing key leaked."`
	} `cmd:"" help:"Keys that sign tokens."`
	Secret struct {
		Status secretStatusCommand `cmd:"" help:"Say how many secrets are sealed with which secret key."`
		Rotate secretRotateCommand `cmd:"" help:"Replace the secret key: make a new one in secret.key, and seal everything again with it. Finishes what an earlier rotation left."`
	} `cmd:"" help:"The key that seals secrets at rest."`
	Audit struct {
		Verify auditVerifyCommand `cmd:"" help:"Look for entries of an exported audit log that were changed, removed or moved."`
	} `cmd:"" help:"The audit log."`
	Archive struct {
		Key archiveKeyCommand `cmd:"" help:"Print the key that archives of this instance are signed with, for the trusted-keys of others."`
	} `cmd:"" help:"Archives of organizations."`
	SandboxBank sandboxCommand `cmd:"" name:"sandbox-bank" help:"Serve a bank that is none, which speaks Kontomatik's protocol, for trying things out."`
	Doctor      doctorCommand  `cmd:"" help:"Check configuration, database, disk and clock, and say what to do."`
	Version     versionCommand `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { // a second signal ends at once
		<-ctx.Done()
		stop()
	}()
	os.Exit(run(ctx, os.Args[1:]))
}

// run does what the arguments say and returns the exit code: 0 when it went
// well, 1 when not, 2 when the command line can't be understood.
func run(ctx context.Context, args []string) int {
	var c commands
	parser, err := kong.New(&c,
		kong.Name("sede"),
		kong.Description("The workspace backend: organizations and their people, places and hours, meetings, subscriptions and invoices, bank connections behind one REST API."),
		kong.ShortUsageOnError(),
		kong.Exit(exit),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sede:", err)
		return 1
	}
	selected, err := parser.Parse(args)
	if err != nil {
		parser.FatalIfErrorf(err)
	}
	if err := selected.Run(&c.settings); err != nil {
		fmt.Fprintln(os.Stderr, "sede:", sentence(err))
		return 1
	}
	return 0
}

// exit ends the program when kong does: with 2 for a wrong command line, as programs
// usually do.
func exit(code int) {
	const wrongUsage = 80 // kong's
	if code == wrongUsage {
		code = 2
	}
	os.Exit(code)
}

// sentence is an error as people read it: a broken rule says which field.
func sentence(err error) string {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err.Error()
	}
	var lines []string
	if !e.Text.IsZero() {
		lines = append(lines, fmt.Sprintf(e.Text.Format, e.Text.Args...))
	}
	for _, v := range e.Violations {
		lines = append(lines, v.Path+": "+fmt.Sprintf(v.Text.Format, v.Text.Args...))
	}
	if e.Kind == fault.Internal && e.Err != nil {
		lines = append(lines, e.Err.Error())
	}
	return strings.Join(lines, "\n")
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	fmt.Println("sede", programVersion())
	return nil
}

// programVersion is the release, else the commit the program was built from.
func programVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}
