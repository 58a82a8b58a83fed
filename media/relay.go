package media

import (
	crand "crypto/rand"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const sweepEvery = 500 * time.Millisecond // how late a timeout or the end of a rest may be

// clock is a monotonic time that is never zero.
type clock func() time.Duration

const forever = time.Duration(math.MaxInt64)

func monotonic() clock {
	start := time.Now().Add(-time.Second)
	return func() time.Duration { return time.Since(start) }
}

// Relay owns the ports, the threads and the sessions.
type Relay struct {
	cfg      Config
	log      *zap.Logger
	now      clock
	networks []*network // by address, the first one first
	resting  resting
	total    *counters
	pacer    *pacer
	teller   *teller

	recordings atomic.Int64
	recorders  sync.WaitGroup

	gate   sync.RWMutex // held for reading while ports are bound
	closed bool

	mu       sync.Mutex
	sessions []*Session
	made     uint32

	swept    time.Duration // the sweeper's: when it last was
	overruns overruns

	unregister func()
	quit       chan struct{}
	sweeper    sync.WaitGroup
}

// New opens a relay. It fails where the address is not this host's, the range
// holds no call, or the process may not open enough descriptors for it; the
// error says what is needed.
func New(cfg Config, log *zap.Logger, metrics prometheus.Registerer) (*Relay, error) {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	r, err := open(cfg, log, metrics, monotonic(), rand.NewChaCha8(seed))
	if err != nil {
		return nil, err
	}
	r.sweeper.Go(r.keepSweeping)
	r.sweeper.Go(r.keepPacing)
	r.sweeper.Go(r.keepTelling)
	return r, nil
}

// open makes a relay that is swept by its caller.
func open(cfg Config, log *zap.Logger, metrics prometheus.Registerer, now clock, random rand.Source) (*Relay, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	r := &Relay{
		cfg: cfg, log: log, now: now, total: &counters{},
		quit:  make(chan struct{}),
		pacer: newPacer(cfg.MaxPlaying), teller: newTeller(),
	}
	why, err := r.openNetworks(random)
	if err != nil {
		return nil, err
	}
	if err := r.register(metrics); err != nil {
		r.closeNetworks()
		return nil, fmt.Errorf("registering media metrics: %w", err)
	}
	r.announce(why)
	return r, nil
}

// ssrc draws one for a stream that has to begin anew.
func (r *Relay) ssrc() uint32 { return r.networks[0].ports.ssrc() }

// Options of a session.
type Options struct {
	// ID marks the session's log lines. Never a phone number.
	ID string
	// OnTimeout is called at most once, when the session has been silent for
	// too long. It may block for a moment and may release the session. It may
	// not close the relay. A release at the same time does not hold it back.
	OnTimeout func(Timeout)
	// At says which of the relay's addresses a side gets, as it is advertised. Zero:
	// the first.
	At [2]netip.Addr
	Events
}

// Events are what a session tells its owner beside its timeout. Each may be nil,
// and is called under the rules of Options.OnTimeout, one at a time, in order.
type Events struct {
	// OnPlayed tells that a prompt was played as often as asked.
	OnPlayed func(Side)
	// OnDigit tells of a key: 0-9, *, #, A-D.
	OnDigit func(Side, byte)
	// OnOneWay tells, once for each side, that it was not heard for ten seconds
	// while the other one was sending.
	OnOneWay func(Side)
}

// Allocate makes a session with four ports. It returns ErrPortsExhausted where
// all are taken or resting, ErrBind where the system refuses them, ErrAddress for
// an address that is not the relay's.
func (r *Relay) Allocate(opts Options) (*Session, error) {
	r.gate.RLock()
	defer r.gate.RUnlock()
	if r.closed {
		return nil, ErrClosed
	}
	s := &Session{relay: r, owner: &owner{opts.ID, opts.OnTimeout, opts.Events}}
	for i := range s.sides {
		if err := r.equip(s, Side(i), opts.At[i]); err != nil {
			r.discard(s)
			return nil, err
		}
	}
	r.add(s)
	if err := s.start(); err != nil {
		r.remove(s)
		r.discard(s)
		return nil, err
	}
	return s, nil
}

// start lets the network in. The sweep knows the session already.
func (s *Session) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.sides {
		d := &s.sides[i]
		if err := d.start(d.pair()); err != nil {
			return err
		}
	}
	return nil
}

// equip gives a side its ports.
func (r *Relay) equip(s *Session, which Side, advertised netip.Addr) error {
	n, err := r.networkOf(advertised)
	if err != nil {
		return err
	}
	p, err := r.bindPair(n)
	if err != nil {
		return err
	}
	d := &s.sides[which]
	d.cname = n.ports.cname()
	d.rtp = port{session: s, side: which}
	d.rtcp = port{session: s, side: which, rtcp: true}
	d.use(p)
	return nil
}

// add makes the session known to the sweep.
func (r *Relay) add(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made++
	s.shard = r.made
	s.index = int32(len(r.sessions))
	r.sessions = append(r.sessions, s)
}

// remove hides the session from the sweep.
func (r *Relay) remove(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.sessions) - 1
	r.sessions[s.index] = r.sessions[last]
	r.sessions[s.index].index = s.index
	r.sessions[last] = nil
	r.sessions = trim(r.sessions[:last])
}

// retire lets a released session's ports rest. The session is always in one of
// the two lists, so that Close finds it.
func (r *Relay) retire(s *Session) {
	r.resting.add(rest{session: s, until: r.now() + r.cfg.Drain})
	r.remove(s)
}

// discard closes a session's sockets and returns its ports.
func (r *Relay) discard(s *Session) {
	s.close()
	for i := range s.sides {
		if p := s.sides[i].pair(); p.number != 0 {
			p.giveBack()
		}
	}
}

// live lists the sessions that are not released.
func (r *Relay) live() []*Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*Session(nil), r.sessions...)
}

func (r *Relay) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sessions)
}

func (r *Relay) keepSweeping() {
	tick, stock := time.NewTicker(sweepEvery), time.NewTimer(stockEvery)
	defer tick.Stop()
	defer stock.Stop()
	for {
		select {
		case <-r.quit:
			return
		case <-tick.C:
			r.sweep()
			stock.Reset(stockEvery)
		case <-stock.C:
			if r.stockUp() {
				stock.Reset(stockEvery)
			}
		}
	}
}

// sweep returns rested ports and ends silent sessions.
func (r *Relay) sweep() {
	now := r.now()
	step := now - r.swept
	r.swept = now
	r.endRests(now)
	r.watchPorts()
	r.watchOverruns(now)
	for _, s := range r.live() {
		s.reportIntruder()
		t, ok := s.expire(now, step)
		if !ok {
			continue
		}
		r.total.timeouts[t].Add(1)
		r.log.Info("media timed out", zap.String("session", s.id), zap.Stringer("rule", t))
		if s.onTimeout != nil {
			s.onTimeout(t)
		}
	}
}
