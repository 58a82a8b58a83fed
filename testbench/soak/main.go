package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// config is what the command line says.
type config struct {
	duration time.Duration // of the load, both halves together
	fault    time.Duration // between two faults of the first half, on average
	sms      int           // messages per second
	calls    int           // calls per second
	api      int           // steps of the API's user per second
	seed     uint64        // of everything that is left to chance; 0: by the clock
}

func main() {
	var c config
	flag.DurationVar(&c.duration, "for", 30*time.Minute, "how long the load lasts")
	flag.DurationVar(&c.fault, "fault", 2*time.Minute, "time between two kills or outages in the first half, on average")
	flag.IntVar(&c.sms, "sms", 50, "messages per second, all directions together")
	flag.IntVar(&c.calls, "calls", 2, "calls per second")
	flag.IntVar(&c.api, "api", 5, "requests to the API per second: sessions, leases, messages and verifications in turn")
	flag.Uint64Var(&c.seed, "seed", 0, "seed of what is left to chance; 0: by the clock")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	faults, err := soak(ctx, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(2)
	}
	for _, f := range faults {
		fmt.Println("FAULT:", f)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
	fmt.Println("Nothing that was acknowledged was lost, nothing leaked.")
}

// soak runs the whole of it and lists what must not have happened.
func soak(ctx context.Context, c config) ([]string, error) {
	if c.sms < 1 || c.calls < 1 || c.api < 1 {
		return nil, fmt.Errorf("-sms, -calls and -api are 1 at least")
	}
	if c.seed == 0 {
		c.seed = uint64(time.Now().UnixNano())
	}
	w, err := newWorld(ctx, c)
	if err != nil {
		return nil, err
	}
	defer w.close()
	fmt.Printf("soak for %v, seed %d, log in %s\n", c.duration, c.seed, w.dir)
	r := newReport(w)
	r.head()
	faults, err := w.run(ctx, r)
	if err != nil || len(faults) > 0 {
		w.keep = true
	}
	return faults, err
}
