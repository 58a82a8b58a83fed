package smppload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Bench is one run.
type Bench struct {
	cfg         Config
	in          *side // nil where it is absent
	outs        []*side
	tagger      *tagger
	book        *book
	schedule    *schedule
	clock       time.Time
	generations atomic.Uint64

	refusedBinds atomic.Int64

	ctx  context.Context // ends everything
	stop context.CancelFunc
	work sync.WaitGroup

	binding sync.Once

	mu      sync.Mutex
	total   counters
	answers histogram
	transit histogram
	begun   int64
}

const (
	pollEvery   = 5 * time.Millisecond
	lingerFor   = 250 * time.Millisecond // for what comes twice
	unbindGrace = 200 * time.Millisecond
)

// ErrNotBound says that the binds did not stand in time.
var ErrNotBound = errors.New("the binds did not stand in time")

// New checks the configuration and opens the listeners.
func New(ctx context.Context, cfg Config) (*Bench, error) {
	cfg.fill()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("starting the load tool: %w", err)
	}
	b := &Bench{cfg: cfg, book: &book{}, schedule: newSchedule(&cfg), clock: time.Now()}
	b.tagger = newTagger(rand.Uint32(), cfg.Text)
	b.ctx, b.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := b.open(ctx); err != nil {
		b.Close()
		return nil, fmt.Errorf("starting the load tool: %w", err)
	}
	return b, nil
}

func (b *Bench) open(ctx context.Context) (err error) {
	if b.cfg.In.Role != Absent {
		if b.in, err = b.newSide(ctx, b.cfg.In, 0, true); err != nil {
			return err
		}
	}
	for i, cfg := range b.cfg.Outs {
		s, err := b.newSide(ctx, cfg, i, false)
		if err != nil {
			return err
		}
		b.outs = append(b.outs, s)
		b.SetFaults(i, b.cfg.Faults)
	}
	return nil
}

// Addrs are the addresses of the ends: where the peer binds to an SMSC.
func (b *Bench) Addrs() (in netip.AddrPort, outs []netip.AddrPort) {
	for _, s := range b.outs {
		outs = append(outs, s.addr())
	}
	if b.in != nil {
		in = b.in.addr()
	}
	return in, outs
}

func (s *side) addr() netip.AddrPort {
	if s.listener != nil {
		return netip.MustParseAddrPort(s.listener.Addr().String())
	}
	return netip.MustParseAddrPort(s.cfg.Addr)
}

// SetFaults changes what a receiving end does from now on.
func (b *Bench) SetFaults(out int, f Faults) {
	if f == (Faults{}) {
		b.outs[out].faults.Store(nil)
		return
	}
	b.outs[out].faults.Store(&f)
}

// Cut resets the connections of a receiving end.
func (b *Bench) Cut(out int) {
	b.outs[out].each(func(l *link) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.reset()
		_ = l.conn.Close()
	})
}

// Run binds, sends, waits for what is under way and reports. A context that ends
// ends the sending. It is called once.
func (b *Bench) Run(ctx context.Context) (*Report, error) {
	defer b.Close()
	b.Bind()
	if err := b.await(ctx, b.cfg.BindWait, b.isBound); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w (%d were refused)", ErrNotBound, b.refusedBinds.Load())
	}
	b.work.Go(b.watch)
	b.begin()
	b.send(ctx)
	b.schedule.stop()
	_ = b.await(context.WithoutCancel(ctx), b.cfg.Settle, b.isSettled) // what is not settled is counted
	b.pause(lingerFor)
	b.unbind()
	b.Close()
	b.book.settle(b.sentSegments(), true, b.judging())
	return b.report(), nil
}

// Bind begins to bind, or to be bound to. Run does it where nobody did.
func (b *Bench) Bind() {
	b.binding.Do(func() {
		for _, s := range b.sides() {
			s.start()
		}
	})
}

// Close ends all connections and waits. It may be called again.
func (b *Bench) Close() {
	b.stop()
	for _, s := range b.sides() {
		if s.listener != nil {
			_ = s.listener.Close()
		}
	}
	b.work.Wait()
}

func (b *Bench) sides() []*side {
	if b.in == nil {
		return b.outs
	}
	return append([]*side{b.in}, b.outs...)
}

func (b *Bench) now() int64 { return int64(time.Since(b.clock)) }

func (b *Bench) isDone() bool { return b.ctx.Err() != nil }

// pause waits, or less where the run ends.
func (b *Bench) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.ctx.Done():
	}
}

func (b *Bench) await(ctx context.Context, within time.Duration, ok func() bool) error {
	for end := b.now() + int64(within); !ok(); b.pause(pollEvery) {
		if ctx.Err() != nil || b.isDone() || b.now() > end {
			return context.DeadlineExceeded
		}
	}
	return nil
}

func (b *Bench) isBound() bool {
	for _, s := range b.sides() {
		if !s.isBound() {
			return false
		}
	}
	return true
}

// begin lets the first messages go.
func (b *Bench) begin() {
	b.mu.Lock()
	b.begun = b.now()
	b.mu.Unlock()
	b.schedule.start(b.begun)
	b.schedule.advance(b.begun)
	b.poke()
}

// isSettled reports whether everything that was sent has ended well.
func (b *Bench) isSettled() bool {
	if b.in == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t := &b.total
	return t.open() == 0 && (len(b.outs) == 0 || t.taken >= t.accepted) && (!b.cfg.Receipts || t.receipts >= t.accepted)
}

func (b *Bench) unbind() {
	for _, s := range b.sides() {
		if s.cfg.Role == ESME {
			s.each((*link).unbind)
		}
	}
	b.pause(unbindGrace)
}

func (b *Bench) sentSegments() uint32 { return uint32(b.schedule.next.Load() * uint64(b.cfg.Parts)) }

func (b *Bench) judging() judging {
	return judging{arrivals: len(b.outs) > 0, receipts: b.cfg.Receipts}
}

// add tells the counts of a batch.
func (b *Bench) add(c *counters) {
	if *c == (counters{}) {
		return
	}
	b.mu.Lock()
	b.total.add(c)
	b.mu.Unlock()
	*c = counters{}
}

// merge keeps what a link has measured when it ends.
func (b *Bench) merge(l *link) {
	b.add(&l.count)
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.answers != nil {
		b.answers.merge(l.answers)
	}
	if l.transit != nil {
		b.transit.merge(l.transit)
	}
}
