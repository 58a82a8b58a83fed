package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"maskline/testbench/figures"
)

// config is what the command line says.
type config struct {
	peers    bool   // side by side, instead of the edge alone
	bindings int    // in the edge's store
	rounds   int    // of each
	scale    int    // per cent of the times of a full run
	file     string // the document
}

// atMost ends what hangs.
const atMost = 25 * time.Minute

func main() {
	var c config
	flag.BoolVar(&c.peers, "peers", false, "measure Kamailio beside the edge")
	flag.IntVar(&c.bindings, "bindings", 100_000, "bindings in the edge's store")
	flag.IntVar(&c.rounds, "rounds", 0, "rounds; 0: 3, with -peers 5")
	flag.IntVar(&c.scale, "scale", 100, "per cent of the times of a full run")
	flag.StringVar(&c.file, "write", "", "document whose section is written anew; empty: standard output alone")
	flag.Parse()
	figures.Main("sipbench", atMost, func(ctx context.Context) error { return run(ctx, c) })
}

func run(ctx context.Context, c config) error {
	if c.bindings < callers || c.scale < 1 || c.rounds < 0 {
		return fmt.Errorf("-bindings is %d at least, -scale 1, -rounds is not negative", callers)
	}
	if c.rounds == 0 {
		c.rounds = 3
		if c.peers {
			c.rounds = 5
		}
	}
	r, err := newRig(ctx, c)
	if err != nil {
		return err
	}
	measure, name := r.solo, "sip"
	if c.peers {
		measure, name = r.sideBySide, "sip-peers"
	}
	text, err := measure(ctx)
	if err := errors.Join(err, r.close()); err != nil {
		return err
	}
	return figures.Publish(c.file, name, text)
}
