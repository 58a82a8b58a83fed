package main

import (
	"context"
	"crypto/rand"
	"sync"
	"time"
)

const answerWithin = 15 * time.Second // for the edge, which promises 5 s

// load sends messages and calls at steady rates until ctx ends, and waits for
// what is under way.
func (w *world) load(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	messages := time.NewTicker(time.Second / time.Duration(w.sms))
	defer messages.Stop()
	calls := time.NewTicker(time.Second / time.Duration(w.config.calls))
	defer calls.Stop()
	steps := time.NewTicker(time.Second / time.Duration(w.api))
	defer steps.Stop()
	collector := time.NewTicker(collect)
	defer collector.Stop()
	// What has begun is finished when the load ends.
	under := context.WithoutCancel(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-messages.C:
			d, i := direction(w.chance(int(byAPI))), w.chance(sessions)
			work.Go(func() { w.message(under, d, i) })
		case <-calls.C:
			i, back := w.chance(sessions), w.chance(2) == 0
			work.Go(func() { w.call(under, i, back) })
		case <-steps.C:
			work.Go(func() { w.user.step(under) })
		case <-collector.C:
			w.collect()
		}
	}
}

// collect counts what reached the carriers.
func (w *world) collect() {
	for _, c := range w.carriers() {
		for _, m := range c.smsc.TakeSubmitted() {
			w.arrived(m)
		}
		w.calls.callees(c.exchange.TakeAnswered())
	}
}

// message sends one message in a direction.
func (w *world) message(ctx context.Context, d direction, i int) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	token, p := rand.Text(), w.people
	switch d {
	case carrierToCarrier:
		if i%2 == 0 {
			w.deliver(ctx, w.alfa, token, d, digits(p.riders[i]), digits(p.riderDials[i]))
		} else {
			w.deliver(ctx, w.bravo, token, d, digits(p.drivers[i]), digits(p.driverDials[i]))
		}
	case carrierToAccount:
		w.deliver(ctx, w.carriers()[i%2], token, d, digits(p.customers[i%customers]), digits(p.shop))
	case accountToCarrier:
		w.shop.submit(ctx, token, d, p.shop, p.customers[i%customers])
	default:
		w.outlet.submit(ctx, token, d, p.outlet, p.shop)
	}
}

// deliver sends a message of a carrier's subscriber and tells the tally.
func (w *world) deliver(ctx context.Context, c *carrier, token string, d direction, from, to string) {
	if c.smsc.Bound() == 0 {
		return // nobody to send it to
	}
	w.tally.sent(token, d, time.Now())
	status, err := c.smsc.Deliver(ctx, from, to, textOf(token))
	o := outcomeOf(status, err)
	if isNotBound(err) {
		o = temporary // the bind ended just now: it never went out
	}
	w.tally.answered(token, o, "", "", time.Now())
}
