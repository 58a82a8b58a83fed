package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"maskline/e164"
	"maskline/smpp/pdu"
	"maskline/testbench/smppsim"
)

// account is a tenant's application that binds again whenever its bind ends,
// and now and then lets it go by itself.
type account struct {
	w    *world
	name string
	stop context.CancelFunc
	work sync.WaitGroup

	mu   sync.Mutex
	esme *smppsim.ESME // nil while not bound
}

const (
	rebind     = 100 * time.Millisecond
	collect    = 50 * time.Millisecond
	bindWithin = 5 * time.Second
	restEvery  = 45 * time.Second
	rest       = 2 * time.Second
)

func newAccount(w *world, name string) *account {
	ctx, stop := context.WithCancel(context.Background())
	a := &account{w: w, name: name, stop: stop}
	a.work.Go(func() { a.run(ctx) })
	return a
}

func (a *account) close() {
	a.stop()
	a.work.Wait()
}

func (a *account) run(ctx context.Context) {
	for ctx.Err() == nil {
		if esme := a.bind(ctx); esme != nil {
			a.serve(ctx, esme)
		}
		pause(ctx, rebind)
	}
}

func (a *account) bind(ctx context.Context) *smppsim.ESME {
	ctx, cancel := context.WithTimeout(ctx, bindWithin)
	defer cancel()
	esme, err := smppsim.BindESME(ctx, a.w.smppAddr(), a.name, "soak")
	if err != nil {
		return nil // the edge is away
	}
	return esme
}

// serve collects what arrives until the bind ends or takes a rest.
func (a *account) serve(ctx context.Context, esme *smppsim.ESME) {
	a.set(esme)
	tick := time.NewTicker(collect)
	defer tick.Stop()
	tired := time.After(restEvery + time.Duration(a.w.chance(int(restEvery))))
	for over := false; !over; {
		select {
		case <-tick.C:
		case <-esme.Done():
			over = true
		case <-tired:
			a.set(nil)
			pause(ctx, collect) // what was being submitted is answered
			esme.Close()
			defer pause(ctx, rest)
			over = true
		case <-ctx.Done():
			over = true
		}
		if over {
			a.set(nil)
			esme.Close()
		}
		a.take(esme)
	}
	for _, frame := range esme.Tap.Take() {
		a.w.leaks.account(frame)
	}
}

// take counts what arrived.
func (a *account) take(esme *smppsim.ESME) {
	messages, receipts := esme.Take()
	for _, m := range messages {
		a.w.arrived(m)
	}
	for _, r := range receipts {
		a.w.tally.receipt(a.name, r.MessageID)
	}
}

func (a *account) set(esme *smppsim.ESME) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.esme = esme
}

func (a *account) bound() *smppsim.ESME {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.esme
}

// submit sends one message and tells the tally.
func (a *account) submit(ctx context.Context, token string, d direction, from, to e164.Number) {
	esme := a.bound()
	if esme == nil {
		return // nobody to send it
	}
	a.w.tally.sent(token, d, time.Now())
	ids, status, err := esme.Submit(ctx, digits(from), digits(to), textOf(token))
	o, id := outcomeOf(status, err), ""
	if o == accepted {
		id = ids[0]
	}
	a.w.tally.answered(token, o, a.name, id, time.Now())
}

// outcomeOf reads an answer. A connection that ended is none.
func outcomeOf(status pdu.Status, err error) outcome {
	switch {
	case err != nil:
		return unknown
	case status == pdu.ROK:
		return accepted
	case status == pdu.RxTAppn, status == pdu.RSysErr, status == pdu.RThrottled:
		return temporary
	default:
		return refused
	}
}

const opening = "soak message "

func textOf(token string) string { return opening + token }

// arrived counts a message by the token in its text.
func (w *world) arrived(m smppsim.Message) {
	if token, found := strings.CutPrefix(m.Text, opening); found {
		w.tally.arrived(token)
	} else if code, found := strings.CutPrefix(m.Text, codeText); found {
		w.user.code(m.Destination, code)
	} else {
		w.fault("a text was altered")
	}
}

func digits(n e164.Number) string { return string(n.AppendDigits(nil)) }

// pause waits, or less where ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// isNotBound tells a message that never went out from one without an answer.
func isNotBound(err error) bool { return errors.Is(err, smppsim.ErrNotBound) }
