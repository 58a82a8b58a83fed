package main

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"maskline/api/problem"
	"maskline/api/sandbox"
	"maskline/e164"
	"maskline/routing"
	"maskline/sip"
	"maskline/testbench/exchange"
)

// mostCalls is how many calls of a sandbox may be under way at a time.
const mostCalls = 4

// exchange is the voice of one of the simulated carriers.
func (b *sandboxed) exchange(i int) (*exchange.Exchange, error) {
	name := sandboxCarriers[i]
	return exchange.StartWith(exchange.Config{
		Name:   name,
		Decide: func(dialled string) exchange.Mode { return callOutcome(dialled, i == 0) },
		Called: func(c exchange.Call) {
			b.called.add(sandbox.Called{From: c.Peer, To: c.Dialled, Carrier: name, At: b.clock.Now().UTC()})
		},
	})
}

// callOutcome is what a carrier does with a call to a number.
func callOutcome(dialled string, first bool) exchange.Mode {
	n, err := e164.Parse(dialled)
	if err != nil {
		return exchange.Unknown
	}
	switch sandbox.OutcomeOf(n) {
	case sandbox.UnknownUser, sandbox.NobodyThere:
		return exchange.Unknown
	case sandbox.Second:
		if first {
			return exchange.Unavailable
		}
	case sandbox.Silent:
		return exchange.Silent
	case sandbox.NoCarrier:
		return exchange.Unavailable
	case sandbox.Busy:
		return exchange.Busy
	case sandbox.NoAnswer:
		return exchange.NoAnswer
	case sandbox.Declined:
		return exchange.Declined
	default:
	}
	return exchange.Answer
}

// Call lets a person call a mask through the first carrier.
func (b *sandboxed) Call(ctx context.Context, from, to e164.Number, talk time.Duration) (out sandbox.CallAnswer, err error) {
	select {
	case b.calling <- struct{}{}:
		defer func() { <-b.calling }()
	default:
		return out, &problem.Error{Code: problem.RateLimited, RetryAfter: talk, Detail: "There are too many calls of this sandbox at once."}
	}
	addrs := b.edge.sipAddrs()
	if len(addrs) == 0 {
		return out, problem.New(problem.CarrierUnavailable)
	}
	call, err := b.phones[0].Call(ctx, addrs[0], from.Reveal(), to.Reveal(), talk)
	if err != nil {
		b.live.log.Debug("a call of a sandbox has failed", zap.String("sandbox", b.tenant), zap.Bool("late", errors.Is(err, context.DeadlineExceeded)))
		return out, &problem.Error{Code: problem.CarrierUnavailable, RetryAfter: retrySandbox}
	}
	return sandbox.CallAnswer{Answered: call.Answered, Code: call.Code, Heard: call.Received > 0, Seconds: call.Setup.Seconds()}, nil
}

// Calls are the last ones that came to people.
func (b *sandboxed) Calls() []sandbox.Called { return b.called.list() }

// timedVoice is timed for calls.
func (e *edge) timedVoice(r *routing.Router) sip.Router {
	if e.inside == nil {
		return r
	}
	return movedRouter{r, e.inside.clock}
}
