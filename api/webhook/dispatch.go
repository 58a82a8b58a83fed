package webhook

import (
	"time"

	"go.uber.org/zap"

	"maskline/numberdb"
)

// slowly is when an answer makes its endpoint a slow one.
const slowly = time.Second

// offer lets an endpoint take its turn.
func (e *Engine) offer(p *endpoint) {
	if !p.inRing && !p.dropped {
		p.inRing = true
		e.ring = append(e.ring, p)
	}
}

// dispatch begins posts, one of each endpoint in turn.
func (e *Engine) dispatch() {
	now := e.now()
	var held []*endpoint // slow ones that have to wait for others
	for len(e.ring) > 0 && e.inFlight < e.cfg.Concurrency && !e.stopping {
		p := e.ring[0]
		e.ring = e.ring[1:]
		if p.slow && !e.roomForSlow(p.Tenant) {
			held = append(held, p)
			continue
		}
		p.inRing = false
		if e.postNext(p, now) {
			e.offer(p)
		}
	}
	e.ring = append(e.ring, held...)
}

// roomForSlow reports whether one post more may go to a slow endpoint of a tenant:
// all of them have half of all posts, and a quarter of that is for tenants with few.
func (e *Engine) roomForSlow(tenant string) bool {
	most := max(1, e.cfg.Concurrency/2)
	share := most / 4
	return e.slow < most-share || e.slow < most && e.slowOf[tenant] < share
}

// postNext begins a post if the endpoint may have one more; false: not now.
func (e *Engine) postNext(p *endpoint, now time.Time) bool {
	if p.dropped || p.gone || p.inFlight >= p.limit {
		return false // the end of a post offers it again
	}
	if now.Before(p.paused) {
		if !p.told.Equal(p.paused) {
			p.told = p.paused
			e.alarms.set(p.paused, p, nil)
		}
		return false
	}
	if now.Add(e.cfg.Timeout).After(p.leased) {
		return false // until the lease is renewed
	}
	for len(p.ready) > 0 {
		l := p.ready[0]
		p.ready = p.ready[1:]
		l.ready = false
		if len(l.items) == 0 || l.items[0].posting {
			continue
		}
		x := l.items[0]
		switch {
		case now.Before(x.Next):
			e.alarms.set(x.Next, p, l)
		case x.event == nil:
			e.keeper.load(p, x)
		default:
			e.begin(p, x)
			return true
		}
	}
	return false
}

func (e *Engine) begin(p *endpoint, x *item) {
	x.posting = true
	p.inFlight++
	e.inFlight++
	if p.slow {
		e.slow++
		e.slowOf[p.Tenant]++
	}
	e.metrics.inFlight.Inc()
	e.jobs <- &job{of: p, to: p.WebhookEndpoint, item: x, event: x.event, slow: p.slow} // there is a place for each worker
}

// result takes in how a post went.
func (e *Engine) result(j *job) {
	p, x, r := j.of, j.item, &j.result
	x.posting = false
	p.inFlight--
	e.inFlight--
	if j.slow {
		e.slow--
		if e.slowOf[p.Tenant]--; e.slowOf[p.Tenant] == 0 {
			delete(e.slowOf, p.Tenant)
		}
	}
	e.metrics.inFlight.Dec()
	e.metrics.posted(r)
	defer e.offer(p)
	if p.dropped || r.Outcome == OutcomeCancelled {
		return
	}
	p.slow = !r.OK() || r.Took > slowly
	x.Attempts++
	x.At, x.Took, x.Status, x.Outcome = r.At.Truncate(time.Microsecond), r.Took, r.Status, r.Outcome
	if r.OK() {
		e.taken(p, x)
		return
	}
	e.failed(p, x, r)
}

func (e *Engine) taken(p *endpoint, x *item) {
	x.State, x.Next = numberdb.Delivered, time.Time{}
	p.limit = min(p.limit+1, mostEach, max(1, e.cfg.Concurrency/8))
	l := x.lane
	p.note(x)
	p.remove(x)
	p.offer(l)
	if p.failures >= comeBack {
		e.hasten(p)
	}
	p.failures = 0
}

// comeBack is how many failures in a row make an endpoint one that was away.
const comeBack = 3

// hasten tries what waits again soon, since its endpoint has come back.
func (e *Engine) hasten(p *endpoint) {
	now := e.now()
	for _, l := range p.lanes {
		x := l.items[0]
		if by := now.Add(time.Duration(float64(soon) * e.random())); !x.posting && x.Next.After(by) {
			x.Next = by
			e.alarms.set(by, p, l)
		}
	}
}

func (e *Engine) failed(p *endpoint, x *item, r *Result) {
	now := e.now()
	p.failures++
	p.limit = max(1, p.limit/2)
	l := x.lane
	switch {
	case r.Outcome == OutcomeGone:
		e.switchedOff(p, x)
		return
	case x.Attempts >= len(e.cfg.Schedule):
		e.metrics.givenUp.Inc()
		x.State, x.Next = numberdb.GivenUp, time.Time{}
		p.note(x)
		p.remove(x)
		p.offer(l)
		return
	}
	x.State, x.Next = numberdb.Waiting, now.Add(jittered(e.cfg.Schedule[x.Attempts], e.random)).Truncate(time.Microsecond)
	if r.Outcome == OutcomeThrottled {
		p.paused = now.Add(pauseOf(r))
		if x.Next.Before(p.paused) {
			x.Next = p.paused.Truncate(time.Microsecond)
		}
	}
	p.park(x)
	e.alarms.set(x.Next, p, l)
}

// switchedOff is for an endpoint that wants no more.
func (e *Engine) switchedOff(p *endpoint, x *item) {
	p.gone = true
	x.State, x.Next = numberdb.GivenUp, time.Time{}
	p.note(x)
	e.log.Info("a webhook endpoint has answered 410 and is switched off", zap.String("endpoint", p.ID.Text(numberdb.EndpointPrefix)))
}

// goneEvent tells of it.
func (e *Engine) goneEvent(p *endpoint) *numberdb.Event {
	now := e.now()
	return &numberdb.Event{
		ID: e.ids.Next(now), Tenant: p.Tenant, Type: numberdb.WebhookDisabled, At: now.Truncate(time.Microsecond),
		Data: []byte(`{"webhook_endpoint_id":"` + p.ID.Text(numberdb.EndpointPrefix) + `","reason":"gone"}`),
	}
}
