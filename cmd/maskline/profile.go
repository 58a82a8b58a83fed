package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"maskline/configs"
)

type profileCommand struct {
	Kind    string `arg:"" enum:"cpu,heap,goroutine" help:"cpu, heap (what is held after a full collection) or goroutine."`
	Seconds int    `default:"10" help:"How long a CPU profile lasts, 1 to 60."`
	Config  string `required:"" help:"Configuration file of the running edge." type:"path"`
}

// Run writes the profile to standard output.
func (cmd *profileCommand) Run(ctx context.Context, c console) error {
	dir, err := configs.DataDir(cmd.Config, c.env)
	if err != nil {
		fmt.Fprintln(c.err, err)
		return &exitError{1}
	}
	edge := findEdge(ctx, dir)
	if edge == nil {
		return errors.New("no edge runs on the data_dir of this file")
	}
	path := "/profile/" + cmd.Kind
	if cmd.Kind == "cpu" {
		path += fmt.Sprintf("?seconds=%d", cmd.Seconds)
	}
	if err := edge.call(ctx, http.MethodGet, path, nil, c.out); err != nil {
		return fmt.Errorf("taking a profile: %w", err)
	}
	return nil
}
