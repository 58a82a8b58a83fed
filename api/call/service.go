package call

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
)

// Config of a Service.
type Config struct {
	// Node is the edge's name: it makes its calls, and nobody else ends them.
	Node string
	// Ring is how long each phone may ring. Default 45s; 0 is the default.
	Ring time.Duration
	// Keep is how long calls are kept. Default 720h; 0 is the default.
	Keep time.Duration
	// Queue is how much news of calls waits for the store at most; beyond it no call
	// begins. Default 10,000; 0 is the default.
	Queue int
}

func (c Config) withDefaults() Config {
	c.Ring = cmp.Or(c.Ring, 45*time.Second)
	c.Keep = cmp.Or(c.Keep, 720*time.Hour)
	c.Queue = cmp.Or(c.Queue, 10_000)
	return c
}

// Store keeps calls.
type Store interface {
	Commit(ctx context.Context, w *numberdb.Writes) (numberdb.Position, error)
	Attempted(ctx context.Context, a *numberdb.Attempt, now time.Time) (numberdb.ID, bool, error)
	numberdb.CallStore
}

// Sessions finds sessions. An error that is no *problem.Error is the store's.
type Sessions interface {
	// Get returns a tenant's session, ended or not; numberdb.AnyTenant is anybody's.
	Get(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, error)
}

// Guard judges who may be called, beside the session. Its errors are *problem.Error,
// or the store's.
type Guard interface {
	Calls(ctx context.Context, tenant string, parties ...e164.Number) error
}

// Maker makes calls.
type Maker interface {
	// Verdict says whether a side could be called now.
	Verdict(s *Side) routing.Verdict
	// Make begins a call. What becomes of it is told to Making.Tell, from any
	// goroutine and perhaps before Make returns.
	Make(m *Making) (running uint64, err error)
	// Release ends a call; where there is none any more, nothing happens.
	Release(running uint64)
}

// Side is how a person is found: by the way that the other one's call would take.
type Side struct {
	Origin *routing.Origin
	From   e164.Number // the other one
	To     e164.Number // the mask that the other one dials
}

// Making is a call to be made. The way to First is no contact of its own.
type Making struct {
	ID            string
	First, Second Side
	Ring          time.Duration
	Tell          func(News)
}

// News is what has become of a call; its outcome and reason come with the end.
type News struct {
	State   numberdb.CallState
	Outcome numberdb.CallOutcome
	Leg     numberdb.CallLeg
	Reason  string
	At      time.Time
	Talked  time.Duration
}

// ErrBusy says that the edge can take no call now.
var ErrBusy = errors.New("the edge can take no call now")

// Service makes calls. It may be used by many goroutines while Run runs.
type Service struct {
	cfg      Config
	store    Store
	sessions Sessions
	guard    Guard
	maker    Maker
	told     func(tenant string) // of new events
	now      func() time.Time
	since    time.Time // it makes calls
	ids      numberdb.IDs
	log      *zap.Logger
	metrics  *metrics

	mu    sync.Mutex
	live  map[numberdb.ID]*live
	queue []entry
	wake  chan struct{}
}

// live is a call of which the store does not know the end yet.
type live struct {
	call     numberdb.Call
	running  uint64 // 0: not begun yet
	released bool   // it is to end as soon as it has begun
}

// New makes a service and registers its metrics. told hears whose events were
// written.
func New(cfg Config, store Store, sessions Sessions, guard Guard, maker Maker, told func(tenant string), now func() time.Time, log *zap.Logger, reg prometheus.Registerer) (*Service, error) {
	s := &Service{
		cfg: cfg.withDefaults(), store: store, sessions: sessions, guard: guard, maker: maker, told: told, log: log,
		now:  func() time.Time { return now().UTC().Truncate(time.Microsecond) }, // as stores keep it
		live: map[numberdb.ID]*live{}, wake: make(chan struct{}, 1),
	}
	s.since = s.now()
	var err error
	s.metrics, err = newMetrics(reg, func() float64 { return float64(s.running()) }, func() float64 { return float64(s.waiting()) })
	return s, err
}

// Between is a call from one participant of a session to the other.
type Between struct {
	Tenant  string // whose session exists for the caller; "*" everybody's
	Session numberdb.ID
	First   e164.Number   // who is called first; none: the session's first participant
	Ring    time.Duration // 0: Config.Ring
	Attempt *numberdb.Attempt
}

// Call begins a call. replayed says that the same request has begun it before. Any
// error is a *problem.Error, and then nobody is called.
func (s *Service) Call(ctx context.Context, b *Between) (c numberdb.Call, replayed bool, err error) {
	if c, replayed, err = s.replayed(ctx, b.Attempt); replayed || err != nil {
		return c, replayed, err
	}
	session, err := s.session(ctx, b.Tenant, b.Session)
	if err != nil {
		return c, false, err
	}
	first, second, err := s.people(&session, b.First)
	if err != nil {
		return c, false, err
	}
	origin := &routing.Origin{Tenant: session.Tenant, Writes: routing.WritesFor}
	m := &Making{
		First: Side{origin, second.Number, second.Dial}, Second: Side{origin, first.Number, first.Dial}, Ring: cmp.Or(b.Ring, s.cfg.Ring),
	}
	if err := s.permitted(ctx, &session, m); err != nil {
		return c, false, err
	}
	c, err = s.begin(ctx, &session, m, b.Attempt)
	return c, false, err
}

// people are the two of a session, who is called first at the front.
func (s *Service) people(session *numberdb.Session, first e164.Number) (a, b *numberdb.Participant, err error) {
	p := session.Participants
	switch {
	case !session.Live(s.now()):
		return nil, nil, problem.New(problem.SessionClosed)
	case session.Shape == numberdb.Open || session.Shape == numberdb.Lease || len(p) != 2 || p[0].Number == 0 || p[1].Number == 0:
		return nil, nil, refused("shape", "Calls can be made through sessions of two participants with a number each.")
	case !session.Services.Has(numberdb.Voice):
		return nil, nil, refused("service", "The session carries no calls.")
	case first == 0 || p[0].Number.Canonical() == first.Canonical():
		return &p[0], &p[1], nil
	case p[1].Number.Canonical() == first.Canonical():
		return &p[1], &p[0], nil
	default:
		return nil, nil, problem.Invalid("body.first", "expected the number of a participant")
	}
}

// permitted asks all who may object before anybody's phone rings.
func (s *Service) permitted(ctx context.Context, session *numberdb.Session, m *Making) error {
	if err := s.guard.Calls(ctx, session.Tenant, m.Second.From, m.First.From); err != nil {
		return s.problem(err)
	}
	for _, side := range []*Side{&m.First, &m.Second} {
		if p := refusal(s.maker.Verdict(side)); p != nil {
			s.metrics.refused.Inc()
			return p
		}
	}
	if s.waiting() >= s.cfg.Queue {
		return problem.Unavailable()
	}
	open, err := s.store.Calls(ctx, numberdb.CallQuery{Tenant: numberdb.AnyTenant, Session: session.ID, Open: true, Limit: 1})
	switch {
	case err != nil:
		return s.problem(err)
	case len(open) > 0 && !s.left(&open[0], nil):
		return refused("call_in_progress", "The session has a call under way that was made like this.")
	}
	return nil
}

// begin makes the call durable, and then has it made.
func (s *Service) begin(ctx context.Context, session *numberdb.Session, m *Making, attempt *numberdb.Attempt) (numberdb.Call, error) {
	now := s.now()
	c := numberdb.Call{
		ID: s.ids.Next(now), Tenant: session.Tenant, Session: session.ID, Node: s.cfg.Node, Created: now, Until: now.Add(s.cfg.Keep),
	}
	writes := numberdb.Writes{Calls: []numberdb.Call{c}}
	if attempt != nil {
		attempt.Response = c.ID
		writes.Attempts = []numberdb.Attempt{*attempt}
	}
	s.enter(&c)
	if _, err := s.store.Commit(ctx, &writes); err != nil {
		s.leave(c.ID)
		return numberdb.Call{}, s.problem(err)
	}
	id := c.ID // c is what has become of it below
	m.ID = id.Text(numberdb.CallPrefix)
	m.Tell = func(n News) { s.news(id, n) }
	running, err := s.maker.Make(m)
	if err != nil {
		s.takeBack(context.WithoutCancel(ctx), &c, attempt)
		s.leave(c.ID)
		return numberdb.Call{}, &problem.Error{Code: problem.CarrierUnavailable, RetryAfter: retryBusy}
	}
	s.mu.Lock()
	l, released := s.live[c.ID], false
	if l != nil { // else it has ended, and the store knows
		l.running, released = running, l.released
		c = l.call
	}
	s.mu.Unlock()
	if released {
		s.maker.Release(running)
	}
	return c, nil
}

// retryBusy is when to try again after the edge could take no call.
const retryBusy = 5 * time.Second

// takeBack leaves nothing of a call that did not begin, so that its idempotency key
// can be used again. Where the store does not answer it is told as unknown later.
func (s *Service) takeBack(ctx context.Context, c *numberdb.Call, attempt *numberdb.Attempt) {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	gone := numberdb.Gone{Calls: []numberdb.ID{c.ID}}
	if attempt != nil {
		gone.Attempts = []numberdb.AttemptKey{{Tenant: attempt.Tenant, Key: attempt.Key}}
	}
	if _, err := s.store.Commit(ctx, &numberdb.Writes{Gone: gone}); err != nil {
		s.log.Warn("a call that did not begin could not be taken back; it will be told as unknown", zap.Error(err))
	}
}

// replayed is the call that a request with this idempotency key has begun; ok is false
// where there was none.
func (s *Service) replayed(ctx context.Context, attempt *numberdb.Attempt) (c numberdb.Call, ok bool, err error) {
	if attempt == nil {
		return c, false, nil
	}
	id, ok, err := s.store.Attempted(ctx, attempt, s.now())
	switch {
	case errors.Is(err, numberdb.ErrOtherRequest):
		return c, false, problem.New(problem.IdempotencyMismatch)
	case err != nil:
		return c, false, s.problem(err)
	case !ok:
		return c, false, nil
	}
	c, err = s.Get(ctx, numberdb.AnyTenant, id)
	return c, err == nil, err
}

func (s *Service) session(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, error) {
	session, err := s.sessions.Get(ctx, tenant, id)
	if err != nil {
		return session, s.problem(err)
	}
	return session, nil
}

// Get returns a tenant's call; numberdb.AnyTenant is anybody's.
func (s *Service) Get(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Call, error) {
	if c, is := s.here(id); is && (tenant == numberdb.AnyTenant || c.Tenant == tenant) {
		return c, nil
	}
	found, err := s.store.Calls(ctx, numberdb.CallQuery{ID: id, Tenant: tenant, Limit: 1})
	switch {
	case err != nil:
		return numberdb.Call{}, s.problem(err)
	case len(found) == 0:
		return numberdb.Call{}, problem.New(problem.NotFound)
	}
	return found[0], nil
}

// List returns calls in the order of their IDs.
func (s *Service) List(ctx context.Context, tenant string, q numberdb.CallQuery) ([]numberdb.Call, error) {
	q.Tenant = tenant
	found, err := s.store.Calls(ctx, q)
	if err != nil {
		return nil, s.problem(err)
	}
	for i := range found {
		if c, is := s.here(found[i].ID); is {
			found[i] = c
		}
	}
	return found, nil
}

// End ends a call, whatever its state; one that has ended stays as it is.
func (s *Service) End(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Call, error) {
	c, err := s.Get(ctx, tenant, id)
	if err != nil || c.State == numberdb.CallEnded {
		return c, err
	}
	s.mu.Lock()
	l := s.live[id]
	var running uint64
	if l != nil {
		running, l.released = l.running, true
	}
	s.mu.Unlock()
	if l == nil {
		return c, refused("other_edge", "Another edge makes the call; ask that one.")
	}
	if running != 0 {
		s.maker.Release(running)
	}
	return s.Get(ctx, tenant, id)
}

// problem is what an error of the store, or a problem, is for the client.
func (s *Service) problem(err error) error {
	var p *problem.Error
	var conflict *numberdb.Conflict
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &conflict) && len(conflict.Attempts) > 0: // two edges meet in one key
		return &problem.Error{Code: problem.IdempotencyConflict, RetryAfter: time.Second}
	}
	s.log.Warn("the store did not take or give a call", zap.Error(err))
	return problem.Unavailable()
}
