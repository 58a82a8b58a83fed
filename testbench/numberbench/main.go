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
	scale int      // per cent of the times of a full run
	most  int      // bindings of the largest table
	only  []string // measurements; none: all
	file  string   // the document
	cpu   string   // folder for profiles of the making of sessions; empty: none
}

// atMost ends what hangs.
const atMost = 30 * time.Minute

// measurement is a section of the document.
type measurement struct {
	name  string
	title string
	run   func(ctx context.Context, c config) (string, error)
}

var measurements = []measurement{
	{"table", "The table of bindings", measureTable},
	{"allocation", "Sessions made at once", measureAllocation},
}

func main() {
	var c config
	var only, child string
	flag.IntVar(&c.scale, "scale", 100, "per cent of the times of a full run")
	flag.IntVar(&c.most, "bindings", 10_000_000, "bindings of the largest table")
	flag.StringVar(&only, "only", "", "measurements, by name, with commas between; empty: all")
	flag.StringVar(&c.file, "write", "", "document whose sections are written anew; empty: standard output alone")
	flag.StringVar(&c.cpu, "profile", "", "folder for CPU profiles of the making of sessions, this process alone; empty: none")
	flag.StringVar(&child, "child", "", "for this command's own use: measure one table and print it as JSON")
	flag.Parse()
	if only != "" {
		c.only = strings.Split(only, ",")
	}
	figures.Main("numberbench", atMost, func(ctx context.Context) error {
		if child != "" {
			return tableChild(child, c.scale)
		}
		return runAll(ctx, c)
	})
}

// arguments are what make was told beyond its defaults.
func (c config) arguments() (text string) {
	if c.scale != 100 {
		text += fmt.Sprintf(" SCALE=%d", c.scale)
	}
	if c.most != 10_000_000 {
		text += fmt.Sprintf(" BINDINGS=%d", c.most)
	}
	return text
}

func runAll(ctx context.Context, c config) error {
	if c.most < 1000 || c.scale < 1 {
		return fmt.Errorf("-bindings is 1000 at least, -scale 1")
	}
	for _, m := range measurements {
		if len(c.only) > 0 && !slices.Contains(c.only, m.name) {
			continue
		}
		// Before it begins, since it tells of the load that was there.
		text := figures.Head(m.title, "make bench-numberdb"+c.arguments())
		body, err := m.run(ctx, c)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", m.name, err)
		}
		if err := figures.Publish(c.file, "numberdb-"+m.name, text+body); err != nil {
			return err
		}
	}
	return nil
}
