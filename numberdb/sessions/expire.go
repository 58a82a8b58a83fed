package sessions

import (
	"context"
	"time"

	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

const expireAtOnce = 10_000 // bindings

// expire ends what time has ended. Routing has ended it already.
func (o *Owner) expire(ctx context.Context, now time.Time) {
	var x allocator.Expired
	for more := true; more && ctx.Err() == nil; more = x.More {
		o.engine.Expire(now, expireAtOnce, &x)
		o.metrics.ended[numberdb.NotEnded].Add(float64(len(x.Sessions)))
		for _, id := range x.Sessions {
			o.uses.remove(id)
		}
		o.writeStates(ctx, states(x.States))
	}
	for _, over := range o.uses.over(now) {
		if _, err := o.End(ctx, AnyTenant, over.id, over.why); err != nil {
			o.uses.tryAgain(over.id)
			o.log.Debug("could not end a session yet", zap.Error(err))
		}
	}
}
