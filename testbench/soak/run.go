package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	warmUp  = time.Minute
	quiet   = 40 * time.Second // until transactions of calls have run out (RFC 3261 §17: 32 s)
	perLine = time.Minute
)

// run plays both halves and returns what must not have happened.
func (w *world) run(ctx context.Context, r *report) ([]string, error) {
	watching, stopWatching := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { r.run(watching) })
	work.Go(func() { w.carrierTrouble(watching) })
	work.Go(func() { w.bindingChurn(watching) })
	err := w.halves(ctx, r)
	stopWatching()
	work.Wait()
	for _, c := range w.carriers() {
		c.accept()
	}
	if errors.Is(err, context.Canceled) {
		r.line("interrupted")
		err = nil // what was counted counts
	}
	if err == nil {
		err = w.finish(context.WithoutCancel(ctx))
	}
	if err != nil {
		return nil, err
	}
	r.final()
	counts, _ := w.tally.now()
	api := w.user.tally.now()
	return slices.Concat(w.takeFaults(), counts.faults(), w.calls.faults(), api.faults()), nil
}

func (w *world) halves(ctx context.Context, r *report) error {
	half := w.duration / 2
	if err := w.loadFor(ctx, half, w.edgeTrouble); err != nil {
		return err
	}
	if err := w.restart(ctx); err != nil {
		return err
	}
	warm := min(warmUp, half/4)
	if err := w.loadFor(ctx, warm, nil); err != nil {
		return err
	}
	before, err := w.idle(ctx)
	if err != nil {
		return err
	}
	r.line("left alone from here")
	if err := w.loadFor(ctx, half-warm, nil); err != nil {
		return err
	}
	after, err := w.idle(ctx)
	if err != nil {
		return err
	}
	r.growth(before, after)
	for _, f := range after.grown(before) {
		w.fault("%s", f)
	}
	return nil
}

// loadFor sends for a while, with trouble of some kind beside it.
func (w *world) loadFor(ctx context.Context, d time.Duration, trouble func(context.Context) error) error {
	loading, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var work sync.WaitGroup
	var failed error
	if trouble != nil {
		work.Go(func() {
			if failed = trouble(loading); failed != nil {
				cancel()
			}
		})
	}
	w.load(loading)
	work.Wait() // an edge that is away is started again first
	if failed != nil {
		return failed
	}
	return ctx.Err()
}

// idle waits until calls are forgotten, and measures.
func (w *world) idle(ctx context.Context) (usage, error) {
	pause(ctx, quiet)
	w.collect()
	return w.usage(ctx)
}

// finish waits for the last receipts and settles the tally.
func (w *world) finish(ctx context.Context) error {
	deadline := time.Now().Add(grace)
	for time.Now().Before(deadline) && ctx.Err() == nil {
		owed := 0
		for _, c := range w.carriers() {
			owed += c.smsc.ReceiptsOwed()
		}
		if owed == 0 {
			break
		}
		pause(ctx, collect)
	}
	pause(ctx, time.Second) // receipts that the edge held reach their account
	w.collect()
	if err := w.user.finish(ctx); err != nil {
		return err
	}
	for _, a := range []*account{w.shop, w.outlet} {
		a.close()
	}
	if err := w.current().Stop(drainWithin); err != nil {
		return fmt.Errorf("the last drain: %w", err)
	}
	w.collect()
	w.leaks.scan(ctx)
	w.tally.settle(time.Now(), true)
	return ctx.Err()
}

func (w *world) takeFaults() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults
}
