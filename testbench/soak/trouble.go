package main

import (
	"context"
	"fmt"
	"time"

	"maskline/testbench/exchange"
	"maskline/testbench/smppsim"
)

const (
	drainWithin  = 20 * time.Second
	troubleEvery = 15 * time.Second // on average, with some carrier
	troubleFor   = 6 * time.Second  // at most
	churnEvery   = time.Second
	receiptsKept = 3 * time.Second        // before a kill
	answersKept  = 300 * time.Millisecond // before a kill
)

// edgeTrouble kills the edge, drains it or takes its store away, again and again
// until ctx ends.
func (w *world) edgeTrouble(ctx context.Context) error {
	for {
		pause(ctx, w.nextFault())
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the time is over
		}
		var err error
		switch w.chance(4) {
		case 0:
			err = w.drain(context.WithoutCancel(ctx))
		case 1:
			err = w.outage(context.WithoutCancel(ctx))
		default:
			err = w.restart(context.WithoutCancel(ctx))
		}
		if err != nil {
			return err
		}
	}
}

// restart kills the edge and starts it again after a moment. It does so with
// much in flight: for a while before, carriers keep their receipts, and at the
// end their answers too.
func (w *world) restart(ctx context.Context) error {
	for _, c := range w.carriers() {
		c.smsc.HoldReceipts(true)
		defer c.smsc.HoldReceipts(false)
	}
	pause(ctx, receiptsKept)
	for _, c := range w.carriers() {
		c.smsc.SetMode(smppsim.Late)
		defer c.smsc.SetMode(smppsim.Accept)
	}
	pause(ctx, answersKept)
	w.calls.wentAway(time.Now())
	w.tally.killed(time.Now())
	if err := w.current().Kill(); err != nil {
		return err
	}
	pause(ctx, time.Duration(w.chance(int(time.Second))))
	return w.again(ctx)
}

// drain ends the edge as an operator does.
func (w *world) drain(ctx context.Context) error {
	w.calls.wentAway(time.Now())
	if err := w.current().Stop(drainWithin); err != nil {
		w.fault("a drain: %v", err)
		if err := w.current().Kill(); err != nil {
			return err
		}
	}
	return w.again(ctx)
}

func (w *world) again(ctx context.Context) error {
	e, err := w.current().Again(ctx)
	if err != nil {
		return fmt.Errorf("starting again: %w", err)
	}
	w.mu.Lock()
	w.edge = e
	w.mu.Unlock()
	w.calls.wentAway(time.Now())
	return nil
}

// outage takes the store away for some seconds. Traffic must not notice.
func (w *world) outage(ctx context.Context) error {
	w.trouble.Lock()
	defer w.trouble.Unlock()
	if err := w.store.Kill(); err != nil {
		return err
	}
	pause(ctx, time.Duration(w.chance(int(10*time.Second))))
	return w.store.Restart(ctx)
}

// carrierTrouble lets one carrier after another fail in some way for some time.
func (w *world) carrierTrouble(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, time.Duration(w.chance(int(2*troubleEvery))))
		c := w.carriers()[w.chance(2)]
		if w.chance(2) == 0 {
			c.smsc.SetMode([]smppsim.Mode{smppsim.Throttle, smppsim.Silent, smppsim.Gone}[w.chance(3)])
		} else {
			w.calls.wentAway(time.Now())
			c.exchange.SetMode([]exchange.Mode{exchange.Busy, exchange.Unavailable, exchange.Silent}[w.chance(3)])
		}
		pause(ctx, time.Duration(w.chance(int(troubleFor))))
		c.accept()
	}
}

// accept ends a carrier's trouble.
func (c *carrier) accept() {
	c.smsc.SetMode(smppsim.Accept)
	c.exchange.SetMode(exchange.Answer)
}

// bindingChurn changes rows in the database, so that the edge has something to
// follow.
func (w *world) bindingChurn(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, churnEvery)
		sql := fmt.Sprintf("UPDATE maskline.bindings SET keep = keep + 1 WHERE mask = %d", uint64(w.people.riderDials[w.chance(sessions)].Canonical()))
		w.trouble.Lock()
		err := w.store.Exec(ctx, database, sql)
		w.trouble.Unlock()
		if err != nil && ctx.Err() == nil {
			w.fault("changing a row: %v", err)
		}
	}
}

// nextFault is the time to the next fault: half to one and a half of the average.
func (w *world) nextFault() time.Duration {
	return w.config.fault/2 + time.Duration(w.chance(int(w.config.fault)))
}
