package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"sede/internal/app"
	"sede/internal/web"
)

type serveCommand struct{}

// Run serves until ctx ends, then answers the requests in flight, finishes what
// was committed, and returns.
func (serveCommand) Run(ctx context.Context, s *settings) error {
	config, err := s.config()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer listener.Close()
	config.LocalURL = "http://" + reachable(listener.Addr())
	lock, err := s.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	a, err := app.New(ctx, config)
	if err != nil {
		return err
	}
	if err := a.Check(ctx); err != nil {
		return errors.Join(fmt.Errorf("tokens can't be signed: %w\nPut the right secret key back; when it is lost for good: sede keys replace", err), a.Close())
	}
	url := cmp.Or(config.BaseURL, config.LocalURL) + config.Prefix
	fmt.Fprintf(os.Stdout, "sede %s\n  API            %s/\n  documentation  %s/docs\n", config.Version, url, url)
	if config.Mail != nil {
		fmt.Fprintf(os.Stdout, "  mail           through %s\n", config.Mail)
	} else {
		fmt.Fprintf(os.Stdout, "  mail           %s/dev/mailbox\n", config.LocalURL+config.Prefix)
	}
	if s.Demo {
		if err := printDemo(ctx, a, url); err != nil {
			return errors.Join(err, a.Close())
		}
	}
	a.Start()
	socket := os.Getenv("NOTIFY_SOCKET")
	notify(socket, "READY=1")
	context.AfterFunc(ctx, func() {
		notify(socket, "STOPPING=1")
		config.Log.Info("stopping: requests in flight are finished; a second signal ends at once")
	})
	err = web.Server{Listener: listener, Handler: a.Handler(), Log: config.Log}.Serve(ctx)
	return errors.Join(err, a.Close())
}

// lock keeps a second process from serving the same SQLite file. The system gives
// it back when the process dies.
func (s *settings) lock() (io.Closer, error) {
	lock := flock.New(filepath.Join(s.Data, "serve.lock"))
	if s.Database != "" {
		return lock, nil
	}
	held, err := lock.TryLock()
	if err == nil && !held {
		err = errors.New("another sede serves from this folder; for several at once, give them a PostgreSQL database with --database")
	}
	if err != nil {
		return nil, fmt.Errorf("--data %s: %w", s.Data, err)
	}
	return lock, nil
}

// reachable is an address as a browser on this machine spells it.
func reachable(address net.Addr) string {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return address.String()
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() || tcp.IP.IsLoopback() {
		host = "localhost"
	}
	return net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}

// printDemo makes the demo and says how to sign in.
func printDemo(ctx context.Context, a *app.App, url string) error {
	demo, err := a.Demo(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "  demo accounts  %s\n", strings.Join(demo.Usernames, "\n                 "))
	if !demo.Created {
		fmt.Fprintln(os.Stdout, "  password       as chosen or printed when the demo was made")
		return nil
	}
	shown := demo.Password
	if shown == "" { // who chose it knows it, and output is kept in logs
		demo.Password, shown = "PASSWORD", "as you chose it"
	}
	fmt.Fprintf(os.Stdout, "  API key        %s\n  password       %s\n", demo.APIKey, shown)
	fmt.Fprintf(os.Stdout, "\nSign in:\n  curl -s %s/login -H 'Content-Type: application/json' \\\n    -d '{\"username\":\"owner@demo.example\",\"password\":\"%s\"}'\n",
		url, demo.Password)
	return nil
}
