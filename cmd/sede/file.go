package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	kongyaml "github.com/alecthomas/kong-yaml"
	"gopkg.in/yaml.v3"
)

// BeforeResolve reads the file that --config or SEDE_CONFIG names, if one does.
// kong calls it after the flags and before it looks for the other settings.
func (*commands) BeforeResolve(ctx *kong.Context) error {
	for _, flag := range ctx.Model.Flags {
		if path, _ := ctx.FlagValue(flag).(string); flag.Name == "config" && path != "" {
			file, err := openFile(path, settingNames(ctx))
			if err != nil {
				return fmt.Errorf("--config: %w", err)
			}
			ctx.AddResolver(file)
		}
	}
	return nil
}

// fileResolver finds settings in a YAML file. A setting that the environment has
// is not looked up, so that the environment counts before the file.
type fileResolver struct{ kong.Resolver }

// Resolve returns the flag's value in the file, nil when there is none.
func (f fileResolver) Resolve(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	if len(flag.Envs) == 0 || flag.Name == "config" {
		return nil, nil // what has no variable is no setting
	}
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	return f.Resolver.Resolve(ctx, parent, flag)
}

// openFile reads a file and refuses keys that are no setting, which would
// otherwise be typing errors without effect.
func openFile(path string, known []string) (kong.Resolver, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var keys map[string]yaml.Node
	if err := yaml.Unmarshal(content, &keys); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s is no YAML mapping: %w", path, err)
	}
	for key := range keys {
		if !slices.Contains(known, key) {
			return nil, fmt.Errorf("%s has the unknown setting %q; known are %s", path, key, strings.Join(known, ", "))
		}
	}
	file, err := kongyaml.Loader(bytes.NewReader(content))
	return fileResolver{file}, err
}

// settingNames lists the keys that a file can have.
func settingNames(ctx *kong.Context) []string {
	var names []string
	for _, flag := range ctx.Model.Flags {
		if len(flag.Envs) > 0 && flag.Name != "config" {
			names = append(names, flag.Name)
		}
	}
	return names
}
