package main

import (
	"context"
	"fmt"

	"sede/internal/app"
)

type archiveKeyCommand struct{}

// Run prints the public key that this instance's archives are signed with.
func (archiveKeyCommand) Run(ctx context.Context, s *settings) error {
	return s.with(ctx, func(a *app.App) error {
		key, err := a.ArchiveKey(ctx)
		if err == nil {
			fmt.Println(key)
		}
		return err
	})
}
