package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"

	"sede/internal/bank/sandbox"
	"sede/internal/secret"
	"sede/internal/web"
)

type sandboxCommand struct {
	Address string `help:"Address to listen on." default:"localhost:8090"`
	Key     string `help:"Key that requests must have in X-Api-Key." default:"sandbox"`
}

// Run serves the Sandbox bank until ctx ends. What it knows goes with it.
func (c sandboxCommand) Run(ctx context.Context, s *settings) error {
	listener, err := net.Listen("tcp", c.Address)
	if err != nil {
		return fmt.Errorf("--address: %w", err)
	}
	defer listener.Close()
	master := make([]byte, secret.MinKey)
	if _, err := rand.Read(master); err != nil {
		return err
	}
	box, err := secret.NewBox(nil, master)
	if err != nil {
		return err
	}
	url := "http://" + reachable(listener.Addr())
	bank := sandbox.New(sandbox.Config{Key: c.Key, Pages: url, Secret: box, Random: rand.Reader, Log: s.logger()})
	routes := http.NewServeMux()
	routes.Handle("/v1/", bank.API())
	routes.Handle("/", bank.Pages())
	fmt.Fprintf(os.Stdout, "%s\n  API  %s/v1/\n  key  %s\n", sandbox.Name, url, c.Key)
	return web.Server{Listener: listener, Handler: routes, Log: s.logger()}.Serve(ctx)
}
