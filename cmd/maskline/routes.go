package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"maskline/api"
)

type routesCommand struct {
	Import importCommand `cmd:"" help:"Load bindings from a CSV file: all of it, or nothing if a row has a fault."`
	Export exportCommand `cmd:"" help:"Write all bindings but those of sessions as CSV to standard output."`
}

type importCommand struct {
	File   string `arg:"" help:"CSV file; its header is mask,party,to,present,services,carriers,expires_at and optionally tenant." type:"existingfile"`
	Config string `required:"" help:"Configuration file." type:"path"`
	numberForm
}

// Run hands the file to the running edge, or to the store where none runs.
func (cmd *importCommand) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	if err := cmd.check(); err != nil {
		return err
	}
	return importFile(c, cmd.File, "binding", "bindings", func(csv io.Reader) (rows int, err error) {
		csv = cmd.rewrite(csv)
		if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
			return edge.upload(ctx, "/bindings", csv)
		}
		err = withStore(ctx, cfg, c, func(o *offline) (err error) {
			rows, err = o.bindings.Import(ctx, csv)
			return err
		})
		return rows, err
	})
}

type exportCommand struct {
	Config string `required:"" help:"Configuration file." type:"path"`
}

// Run writes what the running edge routes by, or what the store holds.
func (cmd *exportCommand) Run(ctx context.Context, c console) error {
	cfg, err := loadConfig(cmd.Config, c)
	if err != nil {
		return err
	}
	ofSessions := 0
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		var after http.Header
		if after, err = edge.exchange(ctx, api.AnswerTimeout, http.MethodGet, "/bindings", nil, c.out); err == nil {
			ofSessions, err = strconv.Atoi(after.Get(api.OfSessions))
		}
	} else {
		err = withStore(ctx, cfg, c, func(o *offline) (err error) {
			ofSessions, err = o.bindings.Export(ctx, c.out)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("exporting: %w", err)
	}
	if ofSessions > 0 {
		fmt.Fprintf(c.err, "left out: %d of sessions, which sessions list shows\n", ofSessions)
	}
	return nil
}
