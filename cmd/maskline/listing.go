package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
)

type listFlags struct {
	JSON   bool   `name:"json" help:"One JSON array instead of a table."`
	Config string `required:"" help:"Configuration file." type:"path"`
}

// listing is a list that the running edge decides by, or that the store holds
// where none runs.
type listing[T any] struct {
	what    string // it lists, for errors
	path    string // on the control socket
	offline func(*offline) []T
	head    string // columns, separated by tabs
	row     func(*T) string
}

func (l *listing[T]) show(ctx context.Context, c console, flags *listFlags) error {
	all, err := l.fetch(ctx, c, flags.Config)
	if err != nil {
		return err
	}
	return printList(c, flags.JSON, all, l.head, l.row)
}

// printList writes a list as JSON, or as a table; columns are separated by tabs.
func printList[T any](c console, asJSON bool, list []T, head string, row func(*T) string) error {
	if asJSON {
		return json.NewEncoder(c.out).Encode(list)
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, head)
	for i := range list {
		fmt.Fprintln(table, row(&list[i]))
	}
	return table.Flush()
}

func (l *listing[T]) fetch(ctx context.Context, c console, config string) ([]T, error) {
	cfg, err := loadConfig(config, c)
	if err != nil {
		return nil, err
	}
	all := []T{}
	if edge := findEdge(ctx, string(cfg.DataDir)); edge != nil {
		err = edge.readJSON(ctx, l.path, &all)
	} else {
		err = withStore(ctx, cfg, c, func(o *offline) error { all = l.offline(o); return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", l.what, err)
	}
	return all, nil
}
