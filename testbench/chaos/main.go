package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// config is what the command line says.
type config struct {
	duration time.Duration
	kill     time.Duration // between two kills of the edge, on average
	trouble  time.Duration // between two troubles of a carrier, on average
	rate     int           // messages per second of each load
	seed     uint64        // 0: by the clock
}

func main() {
	var c config
	flag.DurationVar(&c.duration, "for", 4*time.Minute, "how long the load lasts")
	flag.DurationVar(&c.kill, "kill", 15*time.Second, "time between two kills of the edge, on average")
	flag.DurationVar(&c.trouble, "trouble", time.Second, "time between two troubles of some carrier, on average")
	flag.IntVar(&c.rate, "rate", 2000, "messages per second of each of the two loads")
	flag.Uint64Var(&c.seed, "seed", 0, "seed of what is left to chance; 0: by the clock")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	faults, err := chaos(ctx, c, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(2)
	}
	for _, f := range faults {
		fmt.Println("FAULT:", f)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
	fmt.Println("Everything that was acknowledged had been accepted by a carrier, once.")
}

// chaos runs the whole of it and lists what must not have happened.
func chaos(ctx context.Context, c config, out io.Writer) ([]string, error) {
	if c.rate < 1 || c.duration <= 0 || c.kill <= 0 || c.trouble <= 0 {
		return nil, fmt.Errorf("rate and times are above 0")
	}
	if c.seed == 0 {
		c.seed = uint64(time.Now().UnixNano())
	}
	w, err := newWorld(ctx, c)
	if err != nil {
		return nil, err
	}
	defer w.close()
	fmt.Fprintf(out, "chaos for %v, seed %d, log in %s\n", c.duration, c.seed, w.dir)
	faults, err := w.run(ctx, out)
	w.keep = err != nil || len(faults) > 0
	return faults, err
}
