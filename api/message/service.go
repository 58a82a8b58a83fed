package message

import (
	"cmp"
	"context"
	"errors"
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
	// Answer is how long a carrier has, all attempts together. Default 10s; 0 is the
	// default.
	Answer time.Duration
	// Keep is how long messages are kept. Default 720h; 0 is the default.
	Keep time.Duration
	// Queue is how much news of messages waits for the store at most. Default 10,000; 0
	// is the default.
	Queue int
	// Told is called after events of a tenant were written, and must not wait. Nil: no
	// events are written.
	Told func(tenant string)
}

func (c Config) withDefaults() Config {
	c.Answer = cmp.Or(c.Answer, 10*time.Second)
	c.Keep = cmp.Or(c.Keep, 720*time.Hour)
	c.Queue = cmp.Or(c.Queue, 10_000)
	return c
}

// Store keeps messages.
type Store interface {
	Commit(ctx context.Context, w *numberdb.Writes) (numberdb.Position, error)
	Messages(ctx context.Context, q numberdb.MessageQuery) ([]numberdb.Message, error)
	Attempted(ctx context.Context, a *numberdb.Attempt, now time.Time) (numberdb.ID, bool, error)
}

// Sessions finds sessions. An error that is no *problem.Error is the store's.
type Sessions interface {
	// Get returns a tenant's session, ended or not; tenant "*" is anybody's.
	Get(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, error)
}

// Service sends messages. It may be used by many goroutines while Run runs.
type Service struct {
	cfg      Config
	store    Store
	sessions Sessions
	sender   routing.Originator
	now      func() time.Time
	ids      numberdb.IDs
	log      *zap.Logger
	metrics  *metrics
	writer   *writer
}

var _ routing.Reports = (*Service)(nil)

// New makes a service and registers its metrics. sender is not called before the
// first message, since it needs the service's reports.
func New(cfg Config, store Store, sessions Sessions, sender routing.Originator, now func() time.Time, log *zap.Logger, reg prometheus.Registerer) (*Service, error) {
	cfg = cfg.withDefaults()
	s := &Service{
		cfg: cfg, store: store, sessions: sessions, sender: sender, log: log,
		now: func() time.Time { return now().UTC().Truncate(time.Microsecond) }, // as stores keep it
	}
	var err error
	if s.metrics, err = newMetrics(reg, func() float64 { return float64(s.writer.length()) }); err != nil {
		return nil, err
	}
	s.writer = newWriter(store, &cfg, s.metrics.lost, log)
	return s, nil
}

// Outgoing is a message to be sent.
type Outgoing struct {
	Origin       *routing.Origin
	From, To     e164.Number
	Text         []byte
	Session      numberdb.ID
	Verification numberdb.ID
	// Attempt remembers the request under a client's idempotency key; nil: there is
	// none.
	Attempt *numberdb.Attempt
}

// Deliver sends a message and returns it once a carrier, or the account or peer that
// is its end, has it; in state unknown where nobody has answered in time. Any error
// is a *problem.Error, and then nothing is left of the message, unless the store
// could not be told.
func (s *Service) Deliver(ctx context.Context, out *Outgoing) (numberdb.Message, error) {
	now := s.now()
	m := numberdb.Message{
		ID: s.ids.Next(now), Tenant: out.Origin.Tenant, Session: out.Session, Verification: out.Verification,
		Created: now, Until: now.Add(s.cfg.Keep),
	}
	writes := numberdb.Writes{Messages: []numberdb.Message{m}}
	if out.Attempt != nil {
		out.Attempt.Response = m.ID
		writes.Attempts = []numberdb.Attempt{*out.Attempt}
	}
	if _, err := s.store.Commit(ctx, &writes); err != nil {
		return numberdb.Message{}, s.storeFault(err)
	}
	done := make(chan routing.Originated, 1)
	s.sender.Originate(&routing.Origination{
		ID: uint64(m.ID), Origin: out.Origin, From: out.From, To: out.To, Text: out.Text, AnswerBy: now.Add(s.cfg.Answer),
	}, func(o routing.Originated) { done <- o })
	o := s.await(done)
	s.metrics.originated(&o)
	if p := Refusal(&o); p != nil {
		s.takeBack(context.WithoutCancel(ctx), &m, out.Attempt)
		return numberdb.Message{}, p
	}
	report := reportOf(&o)
	report.ID, report.At = m.ID, s.now()
	m.State, m.Segments, m.Carrier, m.Tries = report.State, report.Segments, report.Carrier, report.Tries
	if m.State == numberdb.MessageSubmitted || m.State == numberdb.MessageDelivered {
		m.Submitted = report.At
	}
	if m.State.Final() {
		m.Ended = report.At
	}
	s.told(&report)
	return m, nil
}

// await waits for what became of a message, whether or not the client does. It comes
// by the deadline; if not, nobody knows.
func (s *Service) await(done <-chan routing.Originated) routing.Originated {
	overdue := time.NewTimer(s.cfg.Answer + overdueAfter)
	defer overdue.Stop()
	select {
	case o := <-done:
		return o
	case <-overdue.C:
		return routing.Originated{Fate: routing.FateUnknown}
	}
}

const overdueAfter = 5 * time.Second

// told waits until the store knows what became of a message, for a while: the
// carrier has it in any case.
func (s *Service) told(report *numberdb.MessageReport) {
	written := make(chan struct{})
	s.writer.add(news{report: *report, only: true, done: func(error) { close(written) }})
	wait := time.NewTimer(toldWithin)
	defer wait.Stop()
	select {
	case <-written:
	case <-wait.C:
	}
}

// toldWithin bounds how long an answer waits for a store that is slow.
const toldWithin = time.Second

// takeBack leaves nothing of a message that nobody has, so that its idempotency key
// can be used again. Where the store does not answer it stays behind, and is told as
// unknown later.
func (s *Service) takeBack(ctx context.Context, m *numberdb.Message, attempt *numberdb.Attempt) {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	gone := numberdb.Gone{Messages: []numberdb.ID{m.ID}}
	if attempt != nil {
		gone.Attempts = []numberdb.AttemptKey{{Tenant: attempt.Tenant, Key: attempt.Key}}
	}
	if _, err := s.store.Commit(ctx, &numberdb.Writes{Gone: gone}); err != nil {
		s.log.Warn("a message that nobody has could not be taken back; it will be told as unknown", zap.Error(err))
	}
}

// Replayed is the message that a request with this idempotency key has sent; ok is
// false where there was none.
func (s *Service) Replayed(ctx context.Context, attempt *numberdb.Attempt) (m numberdb.Message, ok bool, err error) {
	if attempt == nil {
		return m, false, nil
	}
	id, ok, err := s.store.Attempted(ctx, attempt, s.now())
	switch {
	case errors.Is(err, numberdb.ErrOtherRequest):
		return m, false, problem.New(problem.IdempotencyMismatch)
	case err != nil:
		return m, false, s.storeFault(err)
	case !ok:
		return m, false, nil
	}
	found, err := s.store.Messages(ctx, numberdb.MessageQuery{ID: id, Tenant: numberdb.AnyTenant, Limit: 1})
	switch {
	case err != nil:
		return m, false, s.storeFault(err)
	case len(found) == 0: // its time is over before that of the key
		return m, false, problem.New(problem.NotFound)
	}
	return found[0], true, nil
}

// storeFault is what the store said as a problem. Two requests with one key at two
// edges meet in it.
func (s *Service) storeFault(err error) error {
	var conflict *numberdb.Conflict
	if errors.As(err, &conflict) && len(conflict.Attempts) > 0 {
		return &problem.Error{Code: problem.IdempotencyConflict, RetryAfter: time.Second}
	}
	s.log.Warn("the store did not take or give a message", zap.Error(err))
	return problem.Unavailable()
}
