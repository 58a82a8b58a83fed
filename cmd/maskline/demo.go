package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"maskline/testbench/leak"
)

type demoCommand struct {
	Once      bool   `help:"Run one fixed scenario, print what happened, and exit 0 only if everything arrived masked."`
	APIListen string `name:"api-listen" help:"Address of health and metrics; port 0 lets the kernel choose. Default 127.0.0.1:8080, with --once 127.0.0.1:0." placeholder:"ADDR"`
}

const (
	onceTimeout = time.Minute
	startWithin = 10 * time.Second
)

// Run starts the world, plays scenes in it and tells what was seen.
func (cmd *demoCommand) Run(ctx context.Context, c console) error {
	listen := cmd.APIListen
	if listen == "" {
		listen = "127.0.0.1:8080"
		if cmd.Once {
			listen = "127.0.0.1:0"
		}
	}
	if cmd.Once {
		limited, cancel := context.WithTimeout(ctx, onceTimeout)
		defer cancel()
		ctx = limited
	}
	w, err := startWorld(ctx, listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("starting the demo: %w; choose another address with --api-listen", err)
	case err != nil:
		return fmt.Errorf("starting the demo: %w", err)
	}
	defer w.stop()
	fmt.Fprint(c.out, w.introduction())
	if cmd.Once {
		return cmd.once(ctx, c, w)
	}
	return cmd.forEver(ctx, c, w)
}

// once plays every scene and exits non-zero if anything was lost, unmasked or
// not failed over.
func (cmd *demoCommand) once(ctx context.Context, c console, w *world) error {
	report := newReport(c.out)
	for _, s := range scenes() {
		report.add(w.play(ctx, s))
	}
	leaks := w.leaks(ctx)
	report.summary(w, leaks)
	if report.failed > 0 || len(leaks) > 0 {
		return &exitError{1}
	}
	return nil
}

// forEver plays the scenes again and again until it is interrupted.
func (cmd *demoCommand) forEver(ctx context.Context, c console, w *world) error {
	fmt.Fprintf(c.out, "look at  http://%[1]s/readyz  and  http://%[1]s/metrics ; stop with Ctrl-C\n\n", w.edge.api.Addr())
	report := newReport(c.out)
	for ctx.Err() == nil {
		for _, s := range scenes() {
			outcome := w.play(ctx, s)
			if ctx.Err() != nil {
				break
			}
			report.add(outcome)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
		if ctx.Err() == nil {
			report.soFar()
			fmt.Fprintln(c.out)
		}
	}
	report.summary(w, w.leaks(context.WithoutCancel(ctx)))
	return nil
}

// logBuffer keeps the edge's log for the leak scan, up to a bound.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const maxLog = 16 << 20

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() < maxLog {
		l.buf.Write(b)
	}
	return len(b), nil
}

func (l *logBuffer) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.buf.Bytes())
}

// leaks searches everything that the edge sent, logged and published for real
// numbers where they must not be.
func (w *world) leaks(ctx context.Context) []string {
	watch := leak.NewWatch(rider, driver, customer, stranger)
	var all []string
	note := func(where string, found []leak.Finding) {
		for _, f := range found {
			all = append(all, where+": "+f.String())
		}
	}
	for _, carrier := range w.carriers() {
		for _, frame := range carrier.smsc.Tap.Frames() {
			note("SMPP to "+carrier.name, watch.SMPP(frame))
		}
		for _, message := range carrier.exchange.Tap.Frames() {
			note("SIP to "+carrier.name, watch.SIP(message))
		}
	}
	for _, frame := range w.shop.Tap.Frames() {
		note("SMPP to shop", watch.SMPP(frame, customer)) // whom it writes to by its number
	}
	note("the log", watch.Text(w.log.bytes()))
	metrics, err := w.scrape(ctx)
	if err != nil {
		all = append(all, "the metrics could not be read: "+err.Error())
	}
	note("the metrics", watch.Text(metrics))
	return all
}

var errTimeout = errors.New("nothing arrived in time")
