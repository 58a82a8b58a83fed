package sessions

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

const (
	expireAtOnce = 10_000 // bindings
	endAtOnce    = 64     // sessions whose ends are one group of the committer
)

// expire ends what time has ended. Routing has ended it already.
func (o *Owner) expire(ctx context.Context, now time.Time) {
	var x allocator.Expired
	for more := true; more && ctx.Err() == nil; more = x.More {
		o.engine.Expire(now, expireAtOnce, &x)
		o.metrics.ended[numberdb.NotEnded].Add(float64(len(x.Sessions)))
		o.expiries.add(x.Sessions)
		for _, id := range x.Sessions {
			o.forget(id)
		}
		o.auditExpired(ctx, x.Sessions, now)
		o.letGo(x.Gone, now)
		o.writeStates(ctx, states(x.States))
	}
	o.endUsed(ctx, o.uses.over(now))
}

// mostUnaudited bounds how many ends wait to be told to the audit while the store is
// away. The end of what is over that stands in the line that made it.
const mostUnaudited = 100_000

// auditExpired tells the audit. What the store does not take is told again.
func (o *Owner) auditExpired(ctx context.Context, ended []numberdb.ID, now time.Time) {
	if o.committer.auditing == nil {
		return
	}
	for _, id := range ended {
		if len(o.unaudited) < mostUnaudited {
			o.unaudited = append(o.unaudited, o.committer.auditing.Expired(id, now))
		}
	}
	for len(o.unaudited) > 0 {
		part := o.unaudited[:min(len(o.unaudited), mostRows)]
		if err := o.committer.do(ctx, numberdb.Writes{Audit: part}); err != nil {
			o.log.Debug("could not tell the audit yet what has ended", zap.Int("sessions", len(o.unaudited)), zap.Error(err))
			return
		}
		o.unaudited = o.unaudited[len(part):]
	}
	o.unaudited = nil
}

// letGo gives masks back whose rows are over: a claim takes the place of such a
// row, whether it was deleted or not. One that lives on was prolonged by another
// edge.
func (o *Owner) letGo(gone []allocator.Gone, now time.Time) {
	for i := range gone {
		key, session := gone[i].Key, gone[i].Session
		if session == 0 {
			continue // bound by hand: as long as the row is there
		}
		o.engine.Forget(key.Mask, key.Party, session)
		if b, found := o.bound(key); found && b.Session == session && b.Live(now) {
			o.engine.Learn(&b, now)
		}
	}
}

// endUsed ends sessions by their contacts, many at once since each waits for its
// commit.
func (o *Owner) endUsed(ctx context.Context, list []over) {
	ctx, cancel := context.WithTimeout(ctx, o.cfg.Commit)
	defer cancel()
	var ending sync.WaitGroup
	turns := make(chan struct{}, endAtOnce)
	for _, over := range list {
		turns <- struct{}{}
		ending.Go(func() {
			defer func() { <-turns }()
			switch _, err := o.End(ctx, numberdb.AnyTenant, over.id, over.why); {
			case errors.Is(err, ErrNoSession): // its row was deleted: another edge has ended it
				o.uses.remove(over.id)
			case err != nil:
				o.uses.tryAgain(over.id)
				o.log.Debug("could not end a session yet", zap.Error(err))
			}
		})
	}
	ending.Wait()
}
