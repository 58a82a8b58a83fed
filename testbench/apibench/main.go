package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"maskline/testbench/figures"
)

// config is what the command line says.
type config struct {
	connections int
	rounds      int
	scale       int      // per cent of the times of a full run
	only        []string // measurements; none: all
	embedded    bool
	file        string // the document
}

// atMost ends what hangs.
const atMost = 15 * time.Minute

// measurement is a section of the document. It takes under four minutes.
type measurement struct {
	name, title string
	run         func(ctx context.Context, c config) (string, error)
}

var measurements = []measurement{
	{"sessions", "Sessions by the API", measureSessions},
	{"tenants", "A tenant beside a flood of another", measureTenants},
	{"relay", "Messages beside the API", measureRelay},
}

func main() {
	var c config
	var only string
	flag.IntVar(&c.connections, "connections", 64, "connections at a time")
	flag.IntVar(&c.rounds, "rounds", 5, "runs of each row, in turn")
	flag.IntVar(&c.scale, "scale", 100, "per cent of the times of a full run")
	flag.StringVar(&only, "only", "", "measurements, by name, with commas between; empty: all")
	flag.BoolVar(&c.embedded, "sqlite", false, "the embedded store instead of Postgres")
	flag.StringVar(&c.file, "write", "", "document whose sections are written anew; empty: standard output alone")
	flag.Parse()
	if only != "" {
		c.only = strings.Split(only, ",")
	}
	figures.Main("apibench", atMost, func(ctx context.Context) error { return runAll(ctx, c) })
}

func (c config) during(full time.Duration) time.Duration { return full * time.Duration(c.scale) / 100 }

func (c config) store() string {
	if c.embedded {
		return "SQLite"
	}
	return "Postgres, durable"
}

func runAll(ctx context.Context, c config) error {
	if c.scale < 1 || c.rounds < 1 || c.connections < 1 {
		return fmt.Errorf("-scale, -rounds and -connections are 1 at least")
	}
	for _, m := range measurements {
		if len(c.only) > 0 && !slices.Contains(c.only, m.name) {
			continue
		}
		command := "make bench-api ONLY=" + m.name
		if c.scale != 100 {
			command += fmt.Sprintf(" SCALE=%d", c.scale)
		}
		// Before it begins, since it tells of the load that was there.
		text := figures.Head(m.title, command)
		body, err := m.run(ctx, c)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", m.name, err)
		}
		if err := figures.Publish(c.file, "api-"+m.name, text+body); err != nil {
			return err
		}
	}
	return nil
}
