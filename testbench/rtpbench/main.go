package main

import (
	"context"
	"errors"
	"flag"
	"time"

	"maskline/testbench/figures"
)

// config is what the command line says.
type config struct {
	rounds int    // of each load
	scale  int    // per cent of the times of a full run
	share  int    // per cent of the calls of a full run
	peers  bool   // rtpengine too
	only   string // what is measured alone: one at the loads beside the generator, or saturation
	file   string // the document
}

// atMost ends what hangs.
const atMost = 25 * time.Minute

func main() {
	var c config
	flag.BoolVar(&c.peers, "peers", true, "measure rtpengine beside the edge")
	flag.StringVar(&c.only, "only", "", "name of the one that is measured, as the table has it, or saturation: what full threads carry; nothing is written")
	flag.IntVar(&c.rounds, "rounds", 3, "rounds")
	flag.IntVar(&c.scale, "scale", 100, "per cent of the times of a full run")
	flag.IntVar(&c.share, "calls", 100, "per cent of the calls of a full run")
	flag.StringVar(&c.file, "write", "", "document whose section is written anew; empty: standard output alone")
	flag.Parse()
	figures.Main("rtpbench", atMost, func(ctx context.Context) error { return run(ctx, c) })
}

func run(ctx context.Context, c config) error {
	if c.scale < 1 || c.rounds < 1 || c.share < 1 || c.share > 100 {
		return errors.New("-scale, -rounds and -calls are 1 at least, -calls 100 at most")
	}
	r, err := newRig(ctx, c)
	if err != nil {
		return err
	}
	text, err := r.measure(ctx)
	if err := errors.Join(err, r.close()); err != nil {
		return err
	}
	if c.only != "" {
		c.file = ""
	}
	return figures.Publish(c.file, "rtp", text)
}
