package sessions

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// doubt is a new session of which it is unknown whether it was written. Its
// caller was told so.
type doubt struct {
	session  numberdb.ID
	decision *allocator.Decision
	since    time.Time
}

// doubts are few: beyond the bound masks stay with their parties until the
// session's time is over, which wastes them and harms nobody.
type doubts struct {
	mu   sync.Mutex
	list []doubt
}

const mostDoubts = 10_000

func (d *doubts) add(x doubt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.list) < mostDoubts {
		d.list = append(d.list, x)
	}
}

// settled is the time after which what was handed in to a store is there or will
// never be.
func (o *Owner) settled() time.Duration { return 3 * o.cfg.Commit }

// settleDoubts looks up what is old enough: what was written is ended, what was
// not gives its masks back.
func (o *Owner) settleDoubts(ctx context.Context) {
	now := o.now()
	o.doubtful.mu.Lock()
	var due, later []doubt
	for _, d := range o.doubtful.list {
		if now.Sub(d.since) >= o.settled() {
			due = append(due, d)
		} else {
			later = append(later, d)
		}
	}
	o.doubtful.list = later
	o.doubtful.mu.Unlock()
	for _, d := range due {
		found, err := o.store.Sessions(ctx, numberdb.SessionQuery{ID: d.session, Limit: 1})
		switch {
		case err != nil:
			o.doubtful.add(d)
		case len(found) == 0:
			o.engine.Undo(d.decision, now)
			o.uses.remove(d.session)
		default:
			if _, err := o.End(ctx, AnyTenant, d.session, numberdb.Released); err != nil {
				o.doubtful.add(d)
				continue
			}
			o.log.Info("ended a session whose creation had been answered with doubt", zap.String("session", d.session.Text(numberdb.SessionPrefix)))
		}
	}
}
