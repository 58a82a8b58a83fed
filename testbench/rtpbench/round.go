package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maskline/testbench/rtpload"
)

const (
	warmUp = time.Second
	window = 4 * time.Second
)

// sample is one window of a number of calls that talk.
type sample struct {
	calls   int
	cost    used
	seconds float64
	report  rtpload.Report
	connect time.Duration // of a call, on average
	setUp   float64       // CPU ms of the relay for it
	memory  int64         // octets of a call, beside the idle process
}

// packets that were relayed, in millions.
func (s *sample) packets() float64 { return float64(s.report.Received) / 1e6 }

// contender is one of those that are measured in turn.
type contender struct {
	name    string
	loads   []int // calls, rising
	threads int   // of the generator
	cores   []int // that it has
	start   func(context.Context) (*subject, error)
	runs    map[int][]sample // by calls
}

func direct(context.Context) (*subject, error) {
	return &subject{relay: rtpload.Direct{}, close: func() error { return nil }}, nil
}

// round measures a fresh process at rising loads.
func (r *rig) round(ctx context.Context, c *contender) (err error) {
	if err := pin(c.cores...); err != nil {
		return err
	}
	s, err := c.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	l, err := rtpload.New(rtpload.Config{Relay: s.relay, A: partyA, B: partyB, Threads: c.threads})
	if err != nil {
		return err
	}
	defer l.Close()
	idle, err := s.memory()
	if err != nil {
		return err
	}
	had := 0
	for _, calls := range c.loads {
		one, err := r.step(ctx, s, l, (calls-had)*r.share/100)
		if err != nil {
			return fmt.Errorf("%d calls: %w", calls, err)
		}
		one.calls, had = calls, calls
		one.memory = (one.memory - idle) / int64(max(1, one.report.Calls))
		c.runs[calls] = append(c.runs[calls], one)
	}
	last := &c.runs[had][len(c.runs[had])-1]
	before := l.Report().Lost
	last.report.Lost += l.Stop(ctx).Lost - before // the last ones too
	return nil
}

// step adds calls and measures all that talk then.
func (r *rig) step(ctx context.Context, s *subject, l *rtpload.Load, more int) (one sample, err error) {
	idle, err := s.used()
	if err != nil {
		return one, err
	}
	start := l.Report()
	if one.connect, err = l.Connect(ctx, start.Calls+more); err != nil {
		return one, err
	}
	connected, err := s.used()
	if err != nil {
		return one, err
	}
	if start.Calls == 0 { // nothing else was to be done
		one.setUp = float64(connected.since(idle).relay.Microseconds()) / 1000 / float64(more)
	}
	l.Talk()
	if err := sleep(ctx, r.during(warmUp)); err != nil {
		return one, err
	}
	report := l.Report()
	before, err := s.used()
	if err != nil {
		return one, err
	}
	began := time.Now()
	if err := sleep(ctx, r.during(window)); err != nil {
		return one, err
	}
	after, err := s.used()
	if err != nil {
		return one, err
	}
	one.seconds = time.Since(began).Seconds()
	one.report, one.cost = l.Report().Since(report), after.since(before)
	one.report.Lost = l.Report().Lost - start.Lost // those of the warming up too
	one.memory, err = s.memory()
	return one, err
}

// memory is resident, octets.
func (s *subject) memory() (int64, error) {
	if s.child == nil {
		return 0, nil
	}
	u, err := s.child.Usage()
	return u.RSS, err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
