package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"maskline/testbench/figures"
)

// config is what the command line says.
type config struct {
	peers    bool   // side by side, instead of the edge alone
	bindings int    // in the edge's store
	pairs    int    // runs of each
	scale    int    // per cent of the messages and times of a full run
	file     string // the document
}

// atMost ends what hangs.
const atMost = 15 * time.Minute

func main() {
	var c config
	flag.BoolVar(&c.peers, "peers", false, "measure Kannel beside the edge")
	flag.IntVar(&c.bindings, "bindings", 1_000_000, "bindings in the edge's store")
	flag.IntVar(&c.pairs, "runs", 0, "runs of each kind; 0: 3, with -peers 5")
	flag.IntVar(&c.scale, "scale", 100, "per cent of the messages and times of a full run")
	flag.StringVar(&c.file, "write", "", "document whose section is written anew; empty: standard output alone")
	flag.Parse()
	figures.Main("smppbench", atMost, func(ctx context.Context) error { return run(ctx, c) })
}

func run(ctx context.Context, c config) error {
	if c.bindings < 1 || c.scale < 1 || c.pairs < 0 {
		return fmt.Errorf("-bindings and -scale are 1 at least, -runs is not negative")
	}
	r, err := newRig(ctx, c)
	if err != nil {
		return err
	}
	defer r.close()
	measure, name := r.solo, "smpp"
	if c.peers {
		measure, name = r.sideBySide, "smpp-peers"
	}
	text, err := measure(ctx)
	if err != nil {
		return err
	}
	return figures.Publish(c.file, name, text)
}
