package webhook

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"maskline/numberdb"
)

// The kinds of what is asked of the store. Of each one is under way at a time.
const (
	asksHold = iota
	asksWaiting
	asksRead
	asksSettle
	asksPurge
	asks
)

const (
	storePause = 500 * time.Millisecond
	doneEvery  = 10 * time.Second // where there is nothing else to write
	askTime    = 30 * time.Second
)

// keeper asks the store for the engine. What it answers runs in the engine's own
// goroutine.
type keeper struct {
	e       *Engine
	bounded func() (context.Context, context.CancelFunc) // of one call
	ended   func() bool
	answers chan func()
	running sync.WaitGroup
	busy    [asks]bool
	failing bool

	holdAgain    bool
	held, purged time.Time
	toLoad       []*endpoint // whose waiting deliveries are to be read
	items        []*item     // whose events are to be read
	itemsOf      []*endpoint
	readable     bool // something may be read now
	pending      []numberdb.Settlement
	tryAgain     time.Time
}

func newKeeper(e *Engine) keeper { return keeper{e: e, answers: make(chan func(), asks)} }

func (k *keeper) start(ctx context.Context) {
	k.bounded = func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, askTime) }
	k.ended = func() bool { return ctx.Err() != nil }
}

func (k *keeper) wait() { k.running.Wait() }

// ask runs a call beside the engine; false: one of its kind is under way.
func (k *keeper) ask(kind int, call func(ctx context.Context) (answer func(), err error), failed func()) bool {
	if k.busy[kind] {
		return false
	}
	k.busy[kind] = true
	k.running.Go(func() {
		ctx, cancel := k.bounded()
		defer cancel()
		answer, err := call(ctx)
		k.answers <- func() { // there is a place for each kind
			k.busy[kind] = false
			k.judge(err)
			if err != nil {
				failed()
				return
			}
			answer()
		}
	})
	return true
}

// judge counts faults of the store and logs the first of some.
func (k *keeper) judge(err error) {
	if err != nil {
		k.e.metrics.storeErrors.Inc()
		if !k.failing && !k.ended() {
			k.e.log.Warn("the store of webhooks is away; what is told waits there", zap.Error(err))
		}
	}
	k.failing = err != nil
}

// renew is how often a lease is renewed. It outlives two renewals that fail, and a
// post that was begun before.
func (k *keeper) renew() time.Duration { return max(k.e.cfg.Renew, k.e.cfg.Poll) }

func (k *keeper) lease() time.Duration { return k.e.cfg.Timeout + 3*k.renew() }

// tick does what is to be done now and then.
func (k *keeper) tick() {
	now := k.e.now()
	if now.Sub(k.held) >= k.renew() {
		k.hold()
	}
	k.readable = true
	if now.Sub(k.purged) >= purgeEvery {
		k.purge(now)
	}
	waiting := 0
	for _, p := range k.e.endpoints {
		waiting += len(p.waiting)
		if p.partly && len(p.waiting) < numberdb.MostWaiting {
			p.loaded, p.partly = false, false
			k.toLoad = append(k.toLoad, p)
		}
	}
	k.loadWaiting()
	k.e.metrics.waiting.Set(float64(waiting))
	k.e.metrics.endpoints.Set(float64(len(k.e.endpoints)))
}

// hold renews the leases and learns what has changed of endpoints.
func (k *keeper) hold() {
	began := k.e.now()
	k.holdAgain = !k.ask(asksHold, func(ctx context.Context) (func(), error) {
		held, err := k.e.store.HoldEndpoints(ctx, k.e.cfg.Holder, k.lease())
		return func() {
			k.e.adopt(held, began.Add(k.lease()))
			k.loadWaiting()
			if k.holdAgain {
				k.hold()
			}
		}, err
	}, func() {})
	k.held = began
}

// adopt takes in what this edge holds.
func (e *Engine) adopt(held []numberdb.HeldEndpoint, leased time.Time) {
	mine := make(map[numberdb.ID]bool, len(held))
	for i := range held {
		h := &held[i]
		mine[h.ID] = true
		p := e.endpoints[h.ID]
		if p != nil && p.Epoch != h.Epoch {
			e.drop(p)
			p = nil
		}
		if p == nil {
			p = newEndpoint(h, &e.noted)
			e.endpoints[h.ID] = p
			e.keeper.toLoad = append(e.keeper.toLoad, p)
		} else if p.Replay != h.Replay {
			e.keeper.toLoad = append(e.keeper.toLoad, p)
		}
		p.WebhookEndpoint, p.Replay, p.leased = h.WebhookEndpoint, h.Replay, leased
		e.offer(p)
	}
	for id, p := range e.endpoints {
		if !mine[id] {
			e.drop(p)
		}
	}
}

func (e *Engine) drop(p *endpoint) {
	p.dropped = true
	delete(e.endpoints, p.ID)
}

// loadWaiting reads what waits at endpoints that are new here, one after the other.
func (k *keeper) loadWaiting() {
	for len(k.toLoad) > 0 && !k.busy[asksWaiting] {
		p := k.toLoad[0]
		k.toLoad = k.toLoad[1:]
		if p.dropped {
			continue
		}
		id := p.ID // p itself may change while this is asked
		k.ask(asksWaiting, func(ctx context.Context) (func(), error) {
			waiting, err := k.e.store.WaitingDeliveries(ctx, id)
			return func() {
				k.e.waits(p, waiting)
				k.loadWaiting()
			}, err
		}, func() { k.toLoad = append(k.toLoad, p) })
	}
}

// waits takes in deliveries that wait in the store.
func (e *Engine) waits(p *endpoint, waiting []numberdb.Delivery) {
	if p.dropped {
		return
	}
	known := map[numberdb.ID]bool{} // what memory knows better
	for _, x := range p.window {
		known[x.Event] = true
	}
	for i := range p.unwritten {
		known[p.unwritten[i].Event] = true
	}
	for i := range e.keeper.pending {
		if s := &e.keeper.pending[i]; s.Endpoint == p.ID {
			for k := range s.Deliveries {
				known[s.Deliveries[k].Event] = true
			}
		}
	}
	for i := range waiting {
		d := &waiting[i]
		if p.read.Before(d.Position) {
			p.past[d.Event] = true
		}
		x := p.waiting[d.Event]
		switch {
		case d.State != numberdb.Waiting:
			continue
		case x != nil && d.Attempts == 0 && x.Attempts > 0 && !x.posting: // it is to be posted again
			x.Delivery = *d
		case x == nil && !known[d.Event]:
			x = &item{Delivery: *d, logged: true}
			p.waiting[d.Event] = x
			p.add(x)
		default:
			continue
		}
		e.alarms.set(x.Next, p, x.lane)
	}
	p.loaded, p.more, p.partly = true, true, len(waiting) >= 2*numberdb.MostWaiting
	e.keeper.readable = true
}

// load has an item's event read again.
func (k *keeper) load(p *endpoint, x *item) {
	if !x.loading {
		x.loading = true
		k.items, k.itemsOf = append(k.items, x), append(k.itemsOf, p)
		k.readable = true
	}
}

// read asks for events of endpoints that have room for them.
func (e *Engine) read() {
	k := &e.keeper
	if e.readAll || len(e.seen) > 0 {
		for _, p := range e.endpoints {
			if e.readAll || e.seen[p.Tenant] {
				p.more, k.readable = true, true
			}
		}
		e.readAll = false
		clear(e.seen)
	}
	if !k.readable || k.busy[asksRead] {
		return
	}
	k.readable = false
	var wanted []numberdb.Wanted
	var pages []*endpoint
	for _, p := range e.endpoints {
		if room := p.room(); p.more && room > 0 {
			p.more = false
			pages = append(pages, p)
			wanted = append(wanted, numberdb.Wanted{Tenant: p.Tenant, After: p.read, Limit: room})
		}
	}
	items, of := k.items, k.itemsOf
	k.items, k.itemsOf = nil, nil
	for i, x := range items {
		wanted = append(wanted, numberdb.Wanted{
			Tenant: of[i].Tenant, After: numberdb.EventPosition{Transaction: x.Position.Transaction, Line: x.Position.Line - 1}, Limit: 1,
		})
	}
	if len(wanted) == 0 {
		return
	}
	k.ask(asksRead, func(ctx context.Context) (func(), error) {
		events, err := e.store.NextEvents(ctx, wanted)
		return func() {
			for i, p := range pages {
				e.page(p, events[i], wanted[i].Limit)
			}
			for i, x := range items {
				e.loaded(of[i], x, events[len(pages)+i])
			}
		}, err
	}, func() {
		for _, p := range pages {
			p.more = true
		}
		for i, x := range items {
			x.loading, x.Next = false, e.now().Add(storePause)
			e.alarms.set(x.Next, of[i], x.lane)
		}
	})
}

// page takes in events that were read.
func (e *Engine) page(p *endpoint, events []numberdb.Event, limit int) {
	if p.dropped {
		return
	}
	for i := range events {
		ev := &events[i]
		p.read = ev.Position
		if past := p.past[ev.ID]; past || !p.Wants(ev.Type) {
			delete(p.past, ev.ID)
			continue
		}
		x := &item{event: ev, Delivery: numberdb.Delivery{Endpoint: p.ID, Event: ev.ID, Type: ev.Type, Session: ev.Session, Position: ev.Position}}
		p.window = append(p.window, x)
		p.add(x)
		if first := x.lane.items[0]; first != x && first.logged {
			p.note(x) // it waits behind one that does
			p.waiting[x.Event], x.event = x, nil
			continue
		}
		p.offer(x.lane)
	}
	e.offer(p)
	if len(events) == limit {
		p.more, e.keeper.readable = true, true
	}
}

// loaded takes in the event of an item that waited.
func (e *Engine) loaded(p *endpoint, x *item, events []numberdb.Event) {
	x.loading = false
	if p.dropped {
		return
	}
	l := x.lane
	if len(events) == 1 && events[0].ID == x.Event {
		x.event = &events[0]
	} else { // it was deleted by its age
		x.State, x.Next, x.Outcome = numberdb.GivenUp, time.Time{}, outcomeDeleted
		p.note(x)
		p.remove(x)
	}
	p.offer(l)
	e.offer(p)
}

const outcomeDeleted = "deleted by age"

// settle writes what was done, or what could not be written before.
func (e *Engine) settle() {
	k := &e.keeper
	if k.busy[asksSettle] || e.now().Before(k.tryAgain) {
		e.noted = true // look again
		return
	}
	if len(k.pending) == 0 {
		k.pending = e.collect(false)
	}
	if len(k.pending) == 0 {
		return
	}
	done := k.pending
	k.ask(asksSettle, func(ctx context.Context) (func(), error) {
		lost, err := e.store.Settle(ctx, done)
		return func() { e.wrote(done, lost) }, err
	}, func() { k.tryAgain = e.now().Add(storePause) })
}

// collect is what was done since the last time.
func (e *Engine) collect(all bool) (done []numberdb.Settlement) {
	now := e.now()
	for _, p := range e.endpoints {
		at := p.settled()
		if len(p.unwritten) == 0 && !p.gone && (at == p.done || !all && now.Sub(p.wrote) < doneEvery) {
			continue
		}
		s := numberdb.Settlement{Endpoint: p.ID, Epoch: p.Epoch, Done: at, Deliveries: newestOf(p.unwritten)}
		if p.gone {
			s.Gone = e.goneEvent(p)
		}
		p.sending, p.unwritten, p.done, p.wrote = len(s.Deliveries), nil, at, now
		done = append(done, s)
	}
	return done
}

// newestOf keeps the last line of each event.
func newestOf(lines []numberdb.Delivery) []numberdb.Delivery {
	at := make(map[numberdb.ID]int, len(lines))
	kept := lines[:0]
	for i := range lines {
		if k, again := at[lines[i].Event]; again {
			kept[k] = lines[i]
			continue
		}
		at[lines[i].Event] = len(kept)
		kept = append(kept, lines[i])
	}
	return kept
}

// wrote takes in that a settlement is in the store.
func (e *Engine) wrote(done []numberdb.Settlement, lost []numberdb.ID) {
	e.keeper.pending = nil
	e.keeper.readable, e.noted = true, true
	for i := range done {
		if p := e.endpoints[done[i].Endpoint]; p != nil && p.Epoch == done[i].Epoch {
			p.sending = 0
			if done[i].Gone != nil {
				e.drop(p)
				e.seen[p.Tenant] = true
			}
		}
	}
	for _, id := range lost {
		if p := e.endpoints[id]; p != nil {
			e.metrics.lost.Inc()
			e.drop(p)
			e.keeper.hold()
		}
	}
}

// purge deletes a part of what is old.
func (k *keeper) purge(now time.Time) {
	before := now.Add(-k.e.cfg.Keep)
	k.ask(asksPurge, func(ctx context.Context) (func(), error) {
		deleted, round, err := k.e.store.PurgeEvents(ctx, before)
		return func() {
			k.e.metrics.purged.Add(float64(deleted))
			if round {
				k.purged = k.e.now()
			}
		}, err
	}, func() { k.purged = k.e.now() })
}
