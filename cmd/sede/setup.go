package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"sede/internal/app"
	"sede/internal/db"
)

// with opens sede, does the work and closes it again.
func (s *settings) with(ctx context.Context, work func(*app.App) error) error {
	config, err := s.config()
	if err != nil {
		return err
	}
	a, err := app.New(ctx, config)
	if err != nil {
		return err
	}
	return errors.Join(work(a), a.Close())
}

type migrateCommand struct{}

// Run brings the schema up to date.
func (migrateCommand) Run(ctx context.Context, s *settings) error {
	config, err := s.config()
	if err != nil {
		return err
	}
	database, err := db.Open(ctx, db.Config{URL: config.Database, Dir: config.Dir, Log: config.Log})
	if err != nil {
		return err
	}
	applied, err := database.Migrate(ctx)
	for _, name := range applied {
		fmt.Println("applied", name)
	}
	if err == nil && len(applied) == 0 {
		fmt.Println("The schema is up to date.")
	}
	return errors.Join(err, database.Close())
}

type userCommand struct {
	Username string `arg:"" help:"E-mail address to sign in with."`
	Name     string `help:"What people call them."`
	Operator bool   `help:"May run the instance: sees all organizations, sets their status, keeps languages, products, coupons and issuers, records payments."`
	Password string `help:"Password; asked for, or read from standard input, when it is not given." env:"SEDE_USER_PASSWORD" placeholder:"PASSWORD"`
}

// Run makes an account.
func (c userCommand) Run(ctx context.Context, s *settings) error {
	if c.Password == "" {
		password, err := readPassword()
		if err != nil {
			return err
		}
		c.Password = password
	}
	return s.with(ctx, func(a *app.App) error {
		id, err := a.CreateUser(ctx, app.NewUser{Username: c.Username, Name: c.Name, Password: c.Password, Operator: c.Operator})
		if err == nil {
			fmt.Printf("created user %s with id %s\n", c.Username, id)
		}
		return err
	})
}

// readPassword asks for a password without showing it, or takes the first line
// of standard input when nobody sits there.
func readPassword() (string, error) {
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) {
		fmt.Fprint(os.Stderr, "Password: ")
		password, err := term.ReadPassword(in)
		fmt.Fprintln(os.Stderr)
		return string(password), err
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.Join(errors.New("a password is needed: give it on standard input"), err)
	}
	return line, nil
}

type orgCommand struct {
	Name  string `arg:"" help:"What people call the organization."`
	Owner string `help:"Username of the account that it belongs to." required:""`
	Slug  string `help:"Short unique name. Empty: derived from the name."`
}

// Run makes an organization.
func (c orgCommand) Run(ctx context.Context, s *settings) error {
	return s.with(ctx, func(a *app.App) error {
		id, slug, err := a.CreateOrganization(ctx, c.Name, c.Slug, c.Owner)
		if err == nil {
			fmt.Printf("created organization %s with id %s\n", slug, id)
		}
		return err
	})
}

type keysCommand struct{}

// Run replaces the signing keys.
func (keysCommand) Run(ctx context.Context, s *settings) error {
	return s.with(ctx, func(a *app.App) error {
		err := a.ReplaceKeys(ctx)
		if err == nil {
			fmt.Println("All signing keys are replaced. Tokens in use are worthless; refresh tokens bring new ones.")
		}
		return err
	})
}
