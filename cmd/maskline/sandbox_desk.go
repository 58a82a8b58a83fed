package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"maskline/api/problem"
	"maskline/api/sandbox"
	"maskline/e164"
)

// sandboxResource is /v1/sandbox of an edge, which is there in a sandbox alone.
func (e *edge) sandboxResource() *sandbox.Resource {
	if e.inside == nil {
		return &sandbox.Resource{}
	}
	return &sandbox.Resource{Desk: e.inside, Ranges: e.inside.ranges}
}

// Inbound hands a message from a person to the edge through the first carrier.
func (b *sandboxed) Inbound(ctx context.Context, from, to e164.Number, text string) (uint32, error) {
	status, err := b.networks[0].Deliver(ctx, digitsOf(from), digitsOf(to), text)
	if err != nil {
		b.live.log.Debug("a message of a sandbox was not answered", zap.String("sandbox", b.tenant), zap.Error(err))
		return 0, &problem.Error{Code: problem.CarrierUnavailable, RetryAfter: retrySandbox}
	}
	return uint32(status), nil
}

func digitsOf(n e164.Number) string { return strings.TrimPrefix(n.Reveal(), "+") }

// Advance moves the clock on.
func (b *sandboxed) Advance(_ context.Context, by time.Duration) (time.Time, error) {
	if err := b.clock.advance(by); err != nil {
		return time.Time{}, err
	}
	return b.clock.Now(), nil
}

// Now is what the clock says.
func (b *sandboxed) Now() time.Time { return b.clock.Now() }

// Messages are the last ones that were taken.
func (b *sandboxed) Messages() []sandbox.Received { return b.taken.list() }

// mostTaken is how many messages of a sandbox can be read.
const mostTaken = 100

// lately is what carriers have taken of late.
type lately[T any] struct {
	mu  sync.Mutex
	all []T
}

func (l *lately[T]) add(one T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == mostTaken {
		l.all = slices.Delete(l.all, 0, 1)
	}
	l.all = append(l.all, one)
}

func (l *lately[T]) list() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}
