package call

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"maskline/numberdb"
)

const (
	writeAtOnce  = 200
	commitWithin = 5 * time.Second
	writeAgain   = 500 * time.Millisecond // after a fault
	lookEvery    = 10 * time.Second       // for what is left, and what is old
	leftAfter    = time.Minute            // a call that this edge does not know is left
	mostLeft     = 1000
	purgeAtOnce  = 1000
	lastWrite    = 5 * time.Second
)

// entry is a step of a call on its way to the store, with the event that tells it.
type entry struct {
	report numberdb.CallReport
	event  *numberdb.Event
}

func (s *Service) enter(c *numberdb.Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[c.ID] = &live{call: *c}
}

func (s *Service) leave(id numberdb.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, id)
}

// here is a call as this edge knows it, who makes it.
func (s *Service) here(id numberdb.ID) (numberdb.Call, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.live[id]; l != nil {
		return l.call, true
	}
	return numberdb.Call{}, false
}

func (s *Service) running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)
}

func (s *Service) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// news takes in a step of a call. It never waits.
func (s *Service) news(id numberdb.ID, n News) {
	n.At = n.At.UTC().Truncate(time.Microsecond)
	s.mu.Lock()
	l := s.live[id]
	if l == nil || l.call.State >= n.State {
		s.mu.Unlock()
		return
	}
	apply(&l.call, &n)
	s.put(&l.call, &n)
	s.mu.Unlock()
	if n.State == numberdb.CallEnded {
		s.metrics.ended(n.Outcome)
	}
	s.rouse()
}

func (s *Service) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// apply moves a call on.
func apply(c *numberdb.Call, n *News) {
	c.State = n.State
	switch n.State {
	case numberdb.CallConnecting:
		c.Answered = n.At
	case numberdb.CallConnected:
		c.Connected = n.At
	case numberdb.CallEnded:
		c.Ended, c.Outcome, c.Leg, c.Reason = n.At, n.Outcome, n.Leg, n.Reason
	default:
	}
}

// put queues what the store is to know, and what is told. It is called with mu held.
func (s *Service) put(c *numberdb.Call, n *News) {
	s.queue = append(s.queue, entry{
		report: numberdb.CallReport{ID: c.ID, State: n.State, At: n.At, Outcome: n.Outcome, Leg: n.Leg, Reason: n.Reason},
		event:  s.event(c, n),
	})
}

// callTold is the data of an event.
type callTold struct {
	Call    string  `json:"call_id"`
	Leg     string  `json:"leg,omitempty"`
	Outcome string  `json:"outcome,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
}

// event tells a step: call.ringing and call.answered of each leg, then call.ended or,
// where the two have not talked, call.missed.
func (s *Service) event(c *numberdb.Call, n *News) *numberdb.Event {
	told := callTold{Call: c.ID.Text(numberdb.CallPrefix)}
	var kind string
	switch n.State {
	case numberdb.CallRinging:
		kind, told.Leg = "call.ringing", numberdb.FirstLeg.String()
	case numberdb.CallConnecting:
		kind, told.Leg = "call.answered", numberdb.FirstLeg.String()
	case numberdb.CallConnected:
		kind, told.Leg = "call.answered", numberdb.SecondLeg.String()
	case numberdb.CallEnded:
		kind, told.Outcome = "call.missed", n.Outcome.String()
		if n.Outcome == numberdb.CallCompleted {
			kind, told.Seconds = "call.ended", seconds(n.Talked)
		} else {
			told.Leg = n.Leg.String()
		}
	default:
		return nil
	}
	data, err := json.Marshal(told)
	if err != nil {
		return nil // not with a struct of words
	}
	return &numberdb.Event{ID: s.ids.Next(n.At), Tenant: c.Tenant, Type: kind, Session: c.Session, At: n.At, Data: data}
}

func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*10) / 10 }

// Run writes what becomes of calls until ctx ends, and then what is left. It has to
// outlive the one who makes them.
func (s *Service) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { s.write(ctx) })
	running.Go(func() { s.look(ctx) })
	running.Wait()
	return nil
}

func (s *Service) write(ctx context.Context) {
	again := time.NewTimer(writeAgain)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
			defer cancel()
			if !s.flush(last) {
				s.log.Warn("what became of calls was not written; it will be told as unknown", zap.Int("waiting", s.waiting()))
			}
			return
		case <-s.wake:
		case <-again.C:
		}
		if !s.flush(context.WithoutCancel(ctx)) {
			again.Reset(writeAgain)
		}
	}
}

// flush writes what waits, in its order; false after a fault, and then it waits on.
func (s *Service) flush(ctx context.Context) bool {
	for {
		s.mu.Lock()
		batch := s.queue[:min(len(s.queue), writeAtOnce):min(len(s.queue), writeAtOnce)]
		s.mu.Unlock()
		if len(batch) == 0 {
			return true
		}
		if err := s.commit(ctx, batch); err != nil {
			s.log.Warn("what became of calls cannot be written to the store; trying on", zap.Int("waiting", s.waiting()), zap.Error(err))
			return false
		}
		s.mu.Lock()
		s.queue = append([]entry(nil), s.queue[len(batch):]...)
		for i := range batch {
			if r := &batch[i].report; r.State == numberdb.CallEnded {
				delete(s.live, r.ID)
			}
		}
		s.mu.Unlock()
		told := map[string]bool{}
		for i := range batch {
			if e := batch[i].event; e != nil && !told[e.Tenant] {
				told[e.Tenant] = true
				s.told(e.Tenant)
			}
		}
	}
}

func (s *Service) commit(ctx context.Context, batch []entry) error {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	var w numberdb.Writes
	for i := range batch {
		w.CallReports = append(w.CallReports, batch[i].report)
		if batch[i].event != nil {
			w.Outbox = append(w.Outbox, *batch[i].event)
		}
	}
	_, err := s.store.Commit(ctx, &w)
	return err
}

// look tells calls as unknown that this edge has left behind, and deletes old ones.
func (s *Service) look(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		s.tellLeft(ctx)
		if _, err := s.store.PurgeCalls(ctx, s.now(), purgeAtOnce); err != nil && ctx.Err() == nil {
			s.log.Warn("old calls could not be deleted", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tellLeft ends what an edge of this name has left open: before it started, or where
// the store did not say what became of a commit.
func (s *Service) tellLeft(ctx context.Context) {
	s.mu.Lock()
	before := make(map[numberdb.ID]bool, len(s.live)) // one that ends meanwhile is not left
	for id := range s.live {
		before[id] = true
	}
	s.mu.Unlock()
	left, err := s.store.Calls(ctx, numberdb.CallQuery{Tenant: numberdb.AnyTenant, Node: s.cfg.Node, Open: true, Limit: mostLeft})
	if err != nil {
		return // the next look finds them
	}
	for i := range left {
		if s.left(&left[i], before) {
			c := &left[i]
			s.mu.Lock()
			s.put(c, &News{State: numberdb.CallEnded, Outcome: numberdb.CallLost, Leg: c.Leg, Reason: "edge_ended", At: s.now()})
			s.mu.Unlock()
			s.metrics.ended(numberdb.CallLost)
		}
	}
	s.rouse()
}

// left reports whether nobody makes a call any more that the store has as open.
func (s *Service) left(c *numberdb.Call, before map[numberdb.ID]bool) bool {
	if _, is := s.here(c.ID); is || before[c.ID] || s.queued(c.ID) {
		return false
	}
	return c.Created.Before(s.since) || s.now().Sub(c.Created) > leftAfter
}

// queued reports whether the end of a call waits for the store.
func (s *Service) queued(id numberdb.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.queue, func(e entry) bool { return e.report.ID == id })
}
