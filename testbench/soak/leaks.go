package main

import (
	"context"
	"io"
	"os"
	"sync"

	"maskline/testbench/leak"
)

// leaks searches what the edge sends, logs and measures for real numbers.
type leaks struct {
	w     *world
	watch *leak.Watch

	mu     sync.Mutex
	frames int
	logAt  int64 // octets of the log that were searched
}

func newLeaks(w *world) *leaks {
	return &leaks{w: w, watch: leak.NewWatch(w.people.everybody()...)}
}

// note counts a frame and what was found in it.
func (l *leaks) note(where string, found []leak.Finding) {
	l.mu.Lock()
	l.frames++
	l.mu.Unlock()
	for _, f := range found {
		l.w.fault("a leak: %s: %v", where, f)
	}
}

// account judges a frame that an account got; it knows its customers.
func (l *leaks) account(frame []byte) {
	l.note("SMPP to an account", l.watch.SMPP(frame, l.w.people.customers...))
}

// scan judges what came since the last time.
func (l *leaks) scan(ctx context.Context) {
	for _, c := range l.w.carriers() {
		for _, frame := range c.smsc.Tap.Take() {
			l.note("SMPP to "+c.name, l.watch.SMPP(frame))
		}
		for _, message := range c.exchange.Tap.Take() {
			l.note("SIP to "+c.name, l.watch.SIP(message))
		}
		if n := c.smsc.Tap.Missed() + c.exchange.Tap.Missed(); n > 0 {
			l.w.fault("%d frames to %s were not searched", n, c.name)
		}
	}
	for _, a := range []*account{l.w.shop, l.w.outlet} {
		if esme := a.bound(); esme != nil {
			for _, frame := range esme.Tap.Take() {
				l.account(frame)
			}
		}
	}
	if m, err := l.w.current().Metrics(ctx); err == nil { // it may be away
		l.note("the metrics", l.watch.Text(m.Text))
	}
	l.log()
}

// log searches what was logged since the last time, and a bit before.
func (l *leaks) log() {
	const overlap = 64
	file, err := os.Open(l.w.current().LogFile())
	if err != nil {
		l.w.fault("the log: %v", err)
		return
	}
	defer func() { _ = file.Close() }() // only read
	l.mu.Lock()
	at := l.logAt
	l.mu.Unlock()
	text, err := io.ReadAll(io.NewSectionReader(file, max(0, at-overlap), 1<<30))
	if err != nil {
		l.w.fault("the log: %v", err)
		return
	}
	l.note("the log", l.watch.Text(text))
	l.mu.Lock()
	l.logAt = max(0, at-overlap) + int64(len(text))
	l.mu.Unlock()
}

func (l *leaks) searched() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.frames
}
