package rtpload

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"maskline/testbench/rtp"
)

// Relay is what the calls go through.
type Relay interface {
	// Connect sets up a call between a party at a and one at b.
	Connect(ctx context.Context, a, b netip.AddrPort) (Ends, error)
}

// Ends are the relay's own addresses of RTP: where each party sends to and hears
// from. RTCP has the next port.
type Ends struct{ A, B netip.AddrPort }

// Direct is no relay: each party sends to the other. What is measured is the
// generator's own part in the figures.
type Direct struct{}

// Connect implements [Relay].
func (Direct) Connect(_ context.Context, a, b netip.AddrPort) (Ends, error) {
	return Ends{A: b, B: a}, nil
}

// Config of a load.
type Config struct {
	// Relay is what the calls go through. Required.
	Relay Relay
	// A and B are where the parties of each call are. Zero: 127.0.0.2, 127.0.0.3.
	A, B netip.Addr
	// Interval between two packets of a party. Zero: 20ms.
	Interval time.Duration
	// Threads that make the streams. Zero: 1.
	Threads int
	// Settle is how long the last packets may take. Zero: 1s.
	Settle time.Duration
}

const (
	maxCalls   = 20_000
	maxThreads = 64
)

func (c *Config) fill() error {
	if !c.A.IsValid() {
		c.A = netip.AddrFrom4([4]byte{127, 0, 0, 2})
	}
	if !c.B.IsValid() {
		c.B = netip.AddrFrom4([4]byte{127, 0, 0, 3})
	}
	if c.Interval == 0 {
		c.Interval = 20 * time.Millisecond
	}
	if c.Threads == 0 {
		c.Threads = 1
	}
	if c.Settle == 0 {
		c.Settle = time.Second
	}
	switch {
	case c.Relay == nil:
		return errors.New("a load needs a relay")
	case c.Threads < 1 || c.Threads > maxThreads:
		return fmt.Errorf("a load has 1 to %d threads", maxThreads)
	case c.Settle < 0:
		return errors.New("times are not negative")
	}
	return nil
}

// Load is calls that talk. Its methods may not be called at the same time.
type Load struct {
	cfg        Config
	generators []*rtp.Generator
	calls      []call
}

type call struct {
	a, b *rtp.Stream
	at   Ends
}

// New makes a load without calls.
func New(cfg Config) (*Load, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	l := &Load{cfg: cfg}
	for range cfg.Threads {
		g, err := rtp.New(rtp.Config{Interval: cfg.Interval})
		if err != nil {
			l.Close()
			return nil, err
		}
		l.generators = append(l.generators, g)
	}
	return l, nil
}

// Grow connects more calls until there are so many, and lets them talk. It
// returns what connecting each took on average.
func (l *Load) Grow(ctx context.Context, calls int) (each time.Duration, err error) {
	if each, err = l.Connect(ctx, calls); err != nil {
		return 0, err
	}
	l.Talk()
	return each, nil
}

// Connect sets up calls, one after the other, until there are so many. Their
// parties are silent until Talk.
func (l *Load) Connect(ctx context.Context, calls int) (each time.Duration, err error) {
	if calls > maxCalls || calls < len(l.calls) {
		return 0, fmt.Errorf("%d calls cannot become %d: %d at most", len(l.calls), calls, maxCalls)
	}
	had := len(l.calls)
	start := time.Now()
	for len(l.calls) < calls {
		if err := l.connect(ctx); err != nil {
			return 0, fmt.Errorf("connecting call %d: %w", len(l.calls)+1, err)
		}
	}
	return time.Since(start) / time.Duration(max(1, calls-had)), nil
}

func (l *Load) connect(ctx context.Context) error {
	g := l.generators[len(l.calls)%len(l.generators)]
	a, err := g.Open(l.cfg.A)
	if err != nil {
		return err
	}
	b, err := g.Open(l.cfg.B)
	if err != nil {
		return err
	}
	a.Expect(b)
	b.Expect(a)
	c := call{a: a, b: b}
	if c.at, err = l.cfg.Relay.Connect(ctx, a.Local(), b.Local()); err != nil {
		return err
	}
	c.talk() // to hear from there alone
	c.hush()
	l.calls = append(l.calls, c)
	return nil
}

func (c *call) talk() {
	c.a.Start(c.at.A)
	c.b.Start(c.at.B)
}

func (c *call) hush() {
	c.a.Stop()
	c.b.Stop()
}

// Talk lets all parties speak.
func (l *Load) Talk() {
	for i := range l.calls {
		l.calls[i].talk()
	}
}

// Stop silences all parties and waits until all has arrived, or the time is over
// that the last packets may take. It returns what became of them.
func (l *Load) Stop(ctx context.Context) Report {
	for i := range l.calls {
		l.calls[i].hush()
	}
	for end := time.Now().Add(l.cfg.Settle); time.Now().Before(end); {
		if r := l.Report(); r.Received == r.Sent || wait(ctx, l.cfg.Interval) != nil {
			break
		}
	}
	r := l.Report()
	r.Lost = r.Sent - r.Received // the last ones too
	return r
}

// Close ends all streams.
func (l *Load) Close() {
	for _, g := range l.generators {
		g.Close()
	}
}

// wait returns the context's error where it ends first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
