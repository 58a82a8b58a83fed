package sessions

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// doubt is an operation of which it is unknown whether it was written. Its caller
// was told so.
type doubt struct {
	session  numberdb.ID
	decision *allocator.Decision // nil: it ended the session
	stood    *numberdb.Session   // as it was before; nil: it was new
	masks    []numberdb.Mask     // those whose state it changed, as they were before
	findable bool                // by an idempotency key: what was written may be in use
	since    time.Time

	// Of reply slots that the table did not have when the session was changed. Stood
	// is the session before a rotation then, else nil.
	unseen []numberdb.BindingKey
	slot   *slotDoubt
}

// doubts are few: beyond the bound masks stay with their parties until the
// session's time is over, which wastes them and harms nobody.
type doubts struct {
	mu   sync.Mutex
	list []doubt
}

const mostDoubts = 10_000

func (d *doubts) add(list ...doubt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, list[:min(len(list), mostDoubts-len(d.list))]...)
}

// due takes out what is older than age.
func (d *doubts) due(now time.Time, age time.Duration) (due []doubt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var later []doubt
	for _, x := range d.list {
		if now.Sub(x.since) >= age {
			due = append(due, x)
		} else {
			later = append(later, x)
		}
	}
	d.list = later
	return due
}

// decided takes a decision back that was not written, and reports whether it
// was.
func (o *Owner) decided(d *doubt, err error) (written bool) {
	var conflict *numberdb.Conflict
	switch {
	case err == nil, errors.Is(err, numberdb.ErrNotYetRouted):
		return true
	case errors.Is(err, numberdb.ErrOutcomeUnknown):
		o.doubtful.add(*d)
	case errors.As(err, &conflict):
		o.undo(d, d.since, conflict.Keys...)
	default:
		o.undo(d, d.since)
	}
	return false
}

func (o *Owner) undo(d *doubt, now time.Time, taken ...numberdb.BindingKey) {
	o.engine.Undo(d.decision, now, taken...)
	for _, key := range taken { // the feed may have told of it while the decision stood in its place
		if b, found := o.bound(key); found { // a slot may be of the same session, opened by another edge
			o.engine.Learn(&b, now)
		}
	}
	o.keepStock(d.masks)
	if d.stood == nil {
		o.forget(d.session)
	}
}

// bound is what the table has for a key, live or not.
func (o *Owner) bound(key numberdb.BindingKey) (numberdb.Binding, bool) {
	b, status := o.table.Lookup(key.Mask, key.Party, time.Unix(0, 0)) // before all expiries
	return b, status.Found() && b.Party == key.Party
}

// settled is the time after which what was handed in to a store is there or will
// never be.
func (o *Owner) settled() time.Duration { return 3 * o.cfg.Commit }

// settleDoubts looks up what is old enough. While the store is away all of it
// waits.
func (o *Owner) settleDoubts(ctx context.Context) {
	now := o.now()
	due := o.doubtful.due(now, o.settled())
	for i := range due {
		if err := o.settle(ctx, &due[i], now); err != nil {
			o.doubtful.add(due[i:]...)
			return
		}
	}
}

func (o *Owner) settle(ctx context.Context, d *doubt, now time.Time) error {
	switch {
	case d.unseen != nil:
		return o.settleUnseen(ctx, d)
	case d.slot != nil:
		return o.settleSlot(ctx, d, now)
	case d.stood != nil:
		return o.settleChange(ctx, d, now)
	}
	_, err := o.Get(ctx, numberdb.AnyTenant, d.session)
	switch {
	case errors.Is(err, ErrNoSession):
		o.undo(d, now)
		return nil
	case err != nil || d.findable:
		return err
	}
	if _, err := o.End(ctx, numberdb.AnyTenant, d.session, numberdb.Released); err != nil && !errors.Is(err, numberdb.ErrNotYetRouted) {
		return err
	}
	o.log.Info("ended a session whose creation had been answered with doubt", zap.String("session", d.session.Text(numberdb.SessionPrefix)))
	return nil
}

// settleChange takes a change back if the session is as it was before.
func (o *Owner) settleChange(ctx context.Context, d *doubt, now time.Time) error {
	done, err := o.alone(ctx, d.session)
	if err != nil {
		return err
	}
	defer done()
	s, err := o.Get(ctx, numberdb.AnyTenant, d.session)
	switch {
	case errors.Is(err, ErrNoSession):
		return nil // it is over, and so are its masks
	case err != nil:
		return err
	case d.decision == nil:
		o.release(&s, now)
	case s.Ended == d.stood.Ended && s.Expires.Equal(d.stood.Expires) && reflect.DeepEqual(s.Participants, d.stood.Participants):
		o.undo(d, now)
	}
	return nil
}
