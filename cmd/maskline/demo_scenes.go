package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"maskline/e164"
	"maskline/smpp/pdu"
	"maskline/testbench/exchange"
	"maskline/testbench/smppsim"
)

// scene is one message or call with what must come of it.
type scene struct {
	what    string
	from    e164.Number
	dialled e164.Number
	via     string // the carrier that brings it; "shop": the aggregator submits it

	text string // of a message; empty: a call

	trouble func(w *world) // what goes wrong with alfa first
	mended  func(w *world)

	to      e164.Number // the real endpoint; 0: the shop's account, or nobody where refused
	seen    e164.Number // what the endpoint sees as the sender or caller
	carrier string      // that carries it; "shop": the account
	refused int         // command_status or SIP code instead of delivery
}

const long = "The gate code has changed, so please do not come to the main entrance today. Walk around the building to the left, " +
	"past the bicycle stands, and ring at the second door. I will come down as soon as I see you. If nobody opens within five minutes, " +
	"just call me through this number; I keep my phone at hand. The lift is out of order, so leave the heavy boxes downstairs. " +
	"Thank you, and see you in a moment at the side door of the house."

func scenes() []scene {
	smscMode := func(m smppsim.Mode) func(*world) { return func(w *world) { w.alfa.smsc.SetMode(m) } }
	callMode := func(m exchange.Mode) func(*world) { return func(w *world) { w.alfa.exchange.SetMode(m) } }
	both := func(m exchange.Mode) func(*world) {
		return func(w *world) { w.alfa.exchange.SetMode(m); w.bravo.exchange.SetMode(m) }
	}
	return []scene{
		{what: "SMS", from: rider, dialled: riderDials, via: "alfa", text: "I am at the north gate", to: driver, seen: driverDials, carrier: "alfa"},
		{what: "SMS, the answer", from: driver, dialled: driverDials, via: "bravo", text: "Bin gleich da, zwei Minuten… ✓", to: rider, seen: riderDials, carrier: "alfa"},
		{what: "SMS of three parts", from: rider, dialled: riderDials, via: "alfa", text: long, to: driver, seen: driverDials, carrier: "alfa"},
		{what: "SMS to the shop", from: customer, dialled: shopNumber, via: "bravo", text: "Are you open today?", seen: shopNumber, carrier: "shop"},
		{what: "SMS from the shop", from: shopNumber, dialled: customer, via: "shop", text: "Yes, until eight", to: customer, seen: shopNumber, carrier: "alfa"},
		{what: "SMS, alfa throttles", from: rider, dialled: riderDials, via: "alfa", text: "Second try", trouble: smscMode(smppsim.Throttle), mended: smscMode(smppsim.Accept), to: driver, seen: driverDials, carrier: "bravo"},
		{what: "SMS, alfa is gone", from: rider, dialled: riderDials, via: "bravo", text: "Third try", trouble: smscMode(smppsim.Gone), mended: smscMode(smppsim.Accept), to: driver, seen: driverDials, carrier: "bravo"},
		{what: "SMS of a stranger", from: stranger, dialled: riderDials, via: "alfa", text: "Who is this?", refused: int(pdu.RxPAppn)},
		{what: "call", from: rider, dialled: riderDials, via: "alfa", to: driver, seen: driverDials, carrier: "alfa"},
		{what: "call back", from: driver, dialled: driverDials, via: "bravo", to: rider, seen: riderDials, carrier: "alfa"},
		{what: "call, alfa answers 503", from: rider, dialled: riderDials, via: "bravo", trouble: callMode(exchange.Unavailable), mended: callMode(exchange.Answer), to: driver, seen: driverDials, carrier: "bravo"},
		{what: "call, alfa is silent", from: rider, dialled: riderDials, via: "bravo", trouble: callMode(exchange.Silent), mended: callMode(exchange.Answer), to: driver, seen: driverDials, carrier: "bravo"},
		{what: "call, driver is busy", from: rider, dialled: riderDials, via: "alfa", trouble: both(exchange.Busy), mended: both(exchange.Answer), refused: 486},
		{what: "call of a stranger", from: stranger, dialled: riderDials, via: "bravo", refused: 404},
	}
}

// outcome is what became of a scene.
type outcome struct {
	scene    scene
	carrier  string      // that really carried it
	arrived  e164.Number // where
	seen     string      // as the endpoint saw it
	detail   string
	problem  error
	duration time.Duration
}

// play lets a scene happen and compares what came of it.
func (w *world) play(ctx context.Context, s scene) outcome {
	if s.trouble != nil {
		s.trouble(w)
		defer func() { _ = w.await(ctx, "alfa", w.linked) }()
		defer s.mended(w)
	}
	started := time.Now()
	var o outcome
	if s.text != "" {
		o = w.playMessage(ctx, s)
	} else {
		o = w.playCall(ctx, s)
	}
	o.scene, o.duration = s, time.Since(started)
	if o.problem == nil && s.refused == 0 && (o.carrier != s.carrier || o.arrived != s.to || o.seen != digits(s.seen)) {
		o.problem = fmt.Errorf("expected by way of %s, seen as %s", s.carrier, s.seen.Reveal())
	}
	return o
}

func (w *world) playMessage(ctx context.Context, s scene) outcome {
	before := w.inboxes()
	status, receipts, err := w.send(ctx, s)
	if err != nil {
		return outcome{problem: err}
	}
	if s.refused != 0 || status != pdu.ROK {
		o := outcome{detail: fmt.Sprintf("refused with 0x%02X", uint32(status))}
		if int(status) != s.refused {
			o.problem = fmt.Errorf("expected 0x%02X", s.refused)
		}
		return o
	}
	var o outcome
	var text string
	if err := w.await(ctx, "the message", func() bool {
		o, text = w.arrived(before)
		return len(text) >= len(s.text)
	}); err != nil {
		return outcome{problem: err}
	}
	if text != s.text {
		o.problem = fmt.Errorf("the text was altered")
		return o
	}
	if receipts > 0 {
		if err := w.await(ctx, "the receipt", func() bool { return len(w.shop.Receipts()) >= receipts }); err != nil {
			o.problem = err
			return o
		}
		r := w.shop.Receipts()[receipts-1]
		o.detail = "receipt " + r.State.String()
		if r.State != pdu.Delivered || r.Source != digits(s.dialled) || r.Destination != digits(s.from) {
			o.problem = fmt.Errorf("the receipt is not about this message")
		}
	}
	return o
}

// send hands the message to the edge and returns how many receipts the shop
// will have.
func (w *world) send(ctx context.Context, s scene) (pdu.Status, int, error) {
	if s.via == "shop" {
		want := len(w.shop.Receipts())
		ids, status, err := w.shop.Submit(ctx, digits(s.from), digits(s.dialled), s.text)
		return status, want + len(ids), err
	}
	// An SMSC keeps what it was told to be temporary and tries again.
	for try := 0; ; try++ {
		status, err := w.carrier(s.via).smsc.Deliver(ctx, digits(s.from), digits(s.dialled), s.text)
		if err != nil || status != pdu.RxTAppn || try == retries {
			return status, 0, err
		}
		select {
		case <-ctx.Done():
			return status, 0, ctx.Err()
		case <-time.After(retryAfter):
		}
	}
}

const (
	retries    = 10
	retryAfter = 100 * time.Millisecond
)

// inboxes counts what has arrived at each place.
func (w *world) inboxes() map[string]int {
	counts := map[string]int{"shop": len(w.shop.Delivered())}
	for _, c := range w.carriers() {
		counts[c.name] = len(c.smsc.Submitted())
	}
	return counts
}

// arrived joins what is new since before.
func (w *world) arrived(before map[string]int) (outcome, string) {
	var o outcome
	var text strings.Builder
	take := func(place string, all []smppsim.Message) {
		for _, m := range all[before[place]:] {
			o.carrier, o.seen = place, m.Source
			if place != "shop" {
				o.arrived, _ = e164.Parse(m.Destination)
			}
			text.WriteString(m.Text)
		}
	}
	take("shop", w.shop.Delivered())
	for _, c := range w.carriers() {
		take(c.name, c.smsc.Submitted())
	}
	return o, text.String()
}

const talk = 500 * time.Millisecond

func (w *world) playCall(ctx context.Context, s scene) outcome {
	before := map[string]int{}
	for _, c := range w.carriers() {
		before[c.name] = len(c.exchange.Answered())
	}
	call, err := w.carrier(s.via).exchange.Call(ctx, w.sipAddr, s.from.Reveal(), s.dialled.Reveal(), talk)
	if err != nil {
		return outcome{problem: err}
	}
	if s.refused != 0 || !call.Answered {
		o := outcome{detail: fmt.Sprint("refused with ", call.Code)}
		if call.Code != s.refused {
			o.problem = fmt.Errorf("expected %d", s.refused)
		}
		return o
	}
	var o outcome
	var callee exchange.Call
	if err := w.await(ctx, "the callee to hang up", func() bool {
		for _, c := range w.carriers() {
			if all := c.exchange.Answered(); len(all) > before[c.name] {
				callee = all[len(all)-1]
				o.carrier, o.seen = c.name, strings.TrimPrefix(callee.Peer, "+")
				o.arrived, _ = e164.Parse(callee.Dialled)
			}
		}
		return callee.Sent > 0
	}); err != nil {
		return outcome{problem: err}
	}
	o.detail = fmt.Sprintf("heard %d and %d ms", callee.Received*20, call.Received*20)
	if call.Received == 0 || callee.Received == 0 {
		o.problem = fmt.Errorf("a side heard nothing")
	}
	return o
}

func (w *world) carrier(name string) *demoCarrier {
	if name == "alfa" {
		return w.alfa
	}
	return w.bravo
}

func digits(n e164.Number) string { return string(n.AppendDigits(nil)) }
