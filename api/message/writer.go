package message

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/routing"
)

// news is a report on its way to the store.
type news struct {
	report numberdb.MessageReport
	only   bool // nobody would tell it again
	done   func(error)
}

// writer makes what became of messages durable, many at a time. What nobody would
// tell again is kept until the store has it, as long as there is room.
type writer struct {
	store Store
	limit int
	told  func(tenant string) // nil: there are no events
	ids   numberdb.IDs
	lost  prometheus.Counter
	log   *zap.Logger
	wake  chan struct{}

	mu      sync.Mutex
	queue   []news
	closed  bool
	failing bool // the last commit failed; run's own
}

const (
	writeAtOnce  = 500
	commitWithin = 5 * time.Second
	writeAgain   = 500 * time.Millisecond // after a fault
	lookEvery    = 10 * time.Second       // for what a crash has left open
)

var (
	errFull    = errors.New("too much news of messages waits for the store")
	errStopped = errors.New("the edge is stopping")
)

func newWriter(store Store, cfg *Config, lost prometheus.Counter, log *zap.Logger) *writer {
	return &writer{store: store, limit: cfg.Queue, told: cfg.Told, lost: lost, log: log, wake: make(chan struct{}, 1)}
}

func (w *writer) length() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// add takes a report in, or says at once that it cannot. One that no store may hold
// would hold up all others.
func (w *writer) add(n news) {
	err := n.report.Check()
	w.mu.Lock()
	switch {
	case err != nil:
	case w.closed:
		err = errStopped
	case len(w.queue) >= w.limit:
		err = errFull
	default:
		w.queue = append(w.queue, n)
	}
	w.mu.Unlock()
	if err != nil {
		w.gaveUp(&n, err)
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// gaveUp says that a report is not in the store, and counts what nobody tells again.
func (w *writer) gaveUp(n *news, err error) {
	if n.only {
		w.lost.Inc()
	}
	n.done(err)
}

// take removes the next reports, of each message one.
func (w *writer) take() (batch []news) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := make(map[numberdb.ID]struct{}, min(len(w.queue), writeAtOnce))
	rest := w.queue[:0:0]
	for i, n := range w.queue {
		if _, again := seen[n.report.ID]; again {
			rest = append(rest, n)
			continue
		}
		if len(batch) == writeAtOnce {
			rest = append(rest, w.queue[i:]...)
			break
		}
		seen[n.report.ID] = struct{}{}
		batch = append(batch, n)
	}
	w.queue = rest
	return batch
}

// run writes until ctx ends; what waits by then is written once more.
func (w *writer) run(ctx context.Context) {
	defer w.finish(context.WithoutCancel(ctx))
	rest := time.NewTimer(writeAgain)
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		for !w.write(context.WithoutCancel(ctx)) {
			rest.Reset(writeAgain)
			select {
			case <-ctx.Done():
				return
			case <-rest.C:
			}
		}
	}
}

// write writes batch after batch; false after a fault.
func (w *writer) write(ctx context.Context) bool {
	for {
		batch := w.take()
		if len(batch) == 0 {
			return true
		}
		err := w.commit(ctx, batch)
		if err != nil && !w.failing {
			w.log.Warn("what became of messages cannot be written to the store; trying on", zap.Int("messages", len(batch)), zap.Error(err))
		}
		if w.failing = err != nil; w.failing {
			w.giveBack(batch, err)
			return false
		}
		for i := range batch {
			batch[i].done(nil)
		}
	}
}

func (w *writer) commit(ctx context.Context, batch []news) error {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	writes := numberdb.Writes{Reports: make([]numberdb.MessageReport, len(batch))}
	for i := range batch {
		writes.Reports[i] = batch[i].report
	}
	if err := w.events(ctx, &writes); err != nil {
		return err
	}
	if _, err := w.store.Commit(ctx, &writes); err != nil {
		return err
	}
	for i := range writes.Outbox {
		w.told(writes.Outbox[i].Tenant)
	}
	return nil
}

// giveBack lets all who can tell it again know, and keeps the rest. Those who come
// after the batch are not asked to wait for a commit each: a carrier wants its answer.
func (w *writer) giveBack(batch []news, err error) {
	w.mu.Lock()
	all := slices.Concat(batch, w.queue)
	var kept, told []news
	for i := range all {
		if all[i].only {
			kept = append(kept, all[i])
		} else {
			told = append(told, all[i])
		}
	}
	w.queue = kept
	w.mu.Unlock()
	for i := range told {
		told[i].done(err)
	}
}

// finish takes nothing more in and writes what is there, if the store lets it.
func (w *writer) finish(ctx context.Context) {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.write(ctx)
	w.mu.Lock()
	left := w.queue
	w.queue = nil
	w.mu.Unlock()
	for i := range left {
		w.gaveUp(&left[i], errStopped)
	}
}

// Run writes what became of messages until ctx ends. It has to outlive the one who
// sends.
func (s *Service) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { s.writer.run(ctx) })
	running.Go(func() { s.lookForLeft(ctx) })
	running.Wait()
	return nil
}

// lookForLeft tells messages as unknown that an edge has left behind when it
// crashed: a carrier may have them or not.
func (s *Service) lookForLeft(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		s.tellLeft(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Service) tellLeft(ctx context.Context) {
	before := (&numberdb.IDs{}).Next(s.now().Add(-leftAfter - s.cfg.Answer))
	left, err := s.store.Messages(ctx, numberdb.MessageQuery{Tenant: numberdb.AnyTenant, Open: true, Before: before, Limit: writeAtOnce})
	if err != nil {
		return // the store's own health tells of it; the next look finds them
	}
	for i := range left {
		s.metrics.left.Inc()
		s.writer.add(news{
			report: numberdb.MessageReport{ID: left[i].ID, State: numberdb.MessageUncertain, At: s.now()}, done: func(error) {},
		})
	}
}

// leftAfter is how long beyond its deadline a message may be without an answer.
const leftAfter = 30 * time.Second

// Report takes in what a network says of a message.
func (s *Service) Report(r routing.Report, done func(error)) {
	s.metrics.reports[r.State].Inc()
	report := numberdb.MessageReport{
		ID: numberdb.ID(r.ID), State: stateOf(r.State), At: r.At.UTC().Truncate(time.Microsecond), Carrier: r.Carrier, Code: int(r.Code),
	}
	s.writer.add(news{report: report, only: r.Only, done: done})
}

func stateOf(s routing.ReportState) numberdb.MessageState {
	switch s {
	case routing.ReportSubmitted:
		return numberdb.MessageSubmitted
	case routing.ReportDelivered:
		return numberdb.MessageDelivered
	case routing.ReportUndelivered:
		return numberdb.MessageUndelivered
	case routing.ReportExpired:
		return numberdb.MessageExpired
	case routing.ReportRejected:
		return numberdb.MessageRejected
	default:
		return numberdb.MessageLost
	}
}
