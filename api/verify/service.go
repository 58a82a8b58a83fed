package verify

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api/message"
	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
)

// Config of a Service.
type Config struct {
	// PerNumber is how many verifications one tenant begins for one number within an
	// hour at most. Default 5; 0 is the default.
	PerNumber int
	// Spacing is the time before the second code of a verification; it doubles with
	// each further one. Default 30s; 0 is the default.
	Spacing time.Duration
	// Keep is how long verifications are kept. Default 720h; 0 is the default.
	Keep time.Duration
	// Breaker stops codes to prefixes where nobody types them in.
	Breaker BreakerConfig
	// Told is called after events of a tenant were written, and must not wait. Nil: no
	// events are written.
	Told func(tenant string)
}

// BreakerConfig says when codes to a prefix are pumped.
type BreakerConfig struct {
	// Window that is looked at. Default 1h; 0 is the default.
	Window time.Duration
	// Settle is how long a code is not counted, since it may yet be typed in. Default
	// 2m; 0 is the default.
	Settle time.Duration
	// Least codes of a tenant to a prefix before it is judged. Default 50; 0 is the
	// default.
	Least int
	// Ratio of verified ones below which the prefix is stopped. Default 0.1; 0 is the
	// default, negative never stops one.
	Ratio float64
}

func (c Config) withDefaults() Config {
	c.PerNumber = cmp.Or(c.PerNumber, 5)
	c.Spacing = cmp.Or(c.Spacing, 30*time.Second)
	c.Keep = cmp.Or(c.Keep, 720*time.Hour)
	c.Breaker.Window = cmp.Or(c.Breaker.Window, time.Hour)
	c.Breaker.Settle = cmp.Or(c.Breaker.Settle, 2*time.Minute)
	c.Breaker.Least = cmp.Or(c.Breaker.Least, 50)
	c.Breaker.Ratio = cmp.Or(c.Breaker.Ratio, 0.1)
	return c
}

// Store keeps verifications and finds those of an idempotency key.
type Store interface {
	numberdb.VerificationStore
	numberdb.WorkflowStore
	numberdb.AttemptStore
	Commit(ctx context.Context, w *numberdb.Writes) (numberdb.Position, error)
}

// Messages sends the codes. *message.Service does.
type Messages interface {
	Deliver(ctx context.Context, out *message.Outgoing) (numberdb.Message, error)
	List(ctx context.Context, tenant string, q numberdb.MessageQuery) ([]numberdb.Message, error)
}

// Numbers knows the masks, and what is no number of a person.
type Numbers interface {
	// Senders are the masks that may write messages of a tenant: the one that is named,
	// or those of a pool that is the tenant's or everybody's.
	Senders(tenant string, mask e164.Number, pool string) []e164.Number
	// Emergency reports whether a text is an emergency number.
	Emergency(text string) bool
	// Refuse says why who asks may not send to a number, such as a mask or one of a
	// denied range; nil: it may be. The error may be a *problem.Error.
	Refuse(ctx context.Context, tenant string, to e164.Number) error
	// Bound reports whether a mask stands for somebody else towards the party.
	Bound(mask, party e164.Number) bool
}

// Alphabet knows what fits into one short message.
type Alphabet interface{ OneSegment(text string) bool }

// Service verifies numbers. It may be used by many goroutines while Run runs.
type Service struct {
	cfg      Config
	store    Store
	messages Messages
	numbers  Numbers
	alphabet Alphabet
	now      func() time.Time
	ids      numberdb.IDs
	log      *zap.Logger
	metrics  *metrics
	breaker  breaker
	senders  senders
}

// New makes a service and registers its metrics.
func New(cfg Config, store Store, messages Messages, numbers Numbers, alphabet Alphabet, now func() time.Time, log *zap.Logger, reg prometheus.Registerer) (*Service, error) {
	s := &Service{
		cfg: cfg.withDefaults(), store: store, messages: messages, numbers: numbers, alphabet: alphabet, log: log,
		now: func() time.Time { return now().UTC().Truncate(time.Microsecond) }, // as stores keep it
	}
	var err error
	s.metrics, err = newMetrics(reg, func() float64 { return float64(s.breaker.length()) })
	return s, err
}

// fault is an error of the store as a problem.
func (s *Service) fault(err error) error {
	var p *problem.Error
	var conflict *numberdb.Conflict
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, numberdb.ErrNoVerification), errors.Is(err, numberdb.ErrNoWorkflow):
		return problem.New(problem.NotFound)
	case errors.As(err, &conflict):
		return &problem.Error{Code: problem.IdempotencyConflict, RetryAfter: time.Second}
	case errors.Is(err, numberdb.ErrWorkflowName):
		return problem.Invalid("body.name", "expected a name that no other workflow has")
	}
	s.log.Warn("the store did not take or give a verification", zap.Error(err))
	return problem.Unavailable()
}

// replayed is what a request with this idempotency key has made.
func (s *Service) replayed(ctx context.Context, attempt *numberdb.Attempt) (id numberdb.ID, ok bool, err error) {
	if attempt == nil {
		return 0, false, nil
	}
	id, ok, err = s.store.Attempted(ctx, attempt, s.now())
	if errors.Is(err, numberdb.ErrOtherRequest) {
		return 0, false, problem.New(problem.IdempotencyMismatch)
	}
	if err != nil {
		return 0, false, s.fault(err)
	}
	return id, ok, nil
}

// Get returns a tenant's verification; tenant "*" is anybody's.
func (s *Service) Get(ctx context.Context, tenant string, id numberdb.ID) (v numberdb.Verification, err error) {
	found, err := s.store.Verifications(ctx, numberdb.VerificationQuery{ID: id, Tenant: tenant, Limit: 1})
	switch {
	case err != nil:
		return v, s.fault(err)
	case len(found) == 0:
		return v, problem.New(problem.NotFound)
	}
	return found[0], nil
}
