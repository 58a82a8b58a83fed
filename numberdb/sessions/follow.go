package sessions

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"maskline/numberdb"
)

// heard is a part of what the store's feed has told.
type heard struct {
	begin, end bool // of a whole copy
	ok         bool // the copy is whole
	copied     []numberdb.Binding
	changes    []numberdb.Change
	told       chan struct{} // closed when it is taken in, with all before it; nil: nobody waits
}

const (
	heardBatch = 1024
	heardQueue = 64 // batches; beyond it the feed waits
)

// Observer tells an owner what the table learns. Its methods are called by the
// goroutine that writes the table.
type Observer struct {
	owner  *Owner
	copied []numberdb.Binding
}

// Observer is for numberdb.Syncer.Observe, once.
func (o *Owner) Observer() *Observer { return &Observer{owner: o} }

// Begin tells that a whole copy of the store follows.
func (x *Observer) Begin() {
	x.copied = nil
	x.owner.hear(heard{begin: true})
}

// Put is a binding of the copy.
func (x *Observer) Put(b *numberdb.Binding) {
	x.copied = append(x.copied, *b)
	if len(x.copied) == heardBatch {
		x.owner.hear(heard{copied: x.copied})
		x.copied = nil
	}
}

// End tells that the copy is over, and whether it is whole.
func (x *Observer) End(ok bool) {
	x.owner.hear(heard{copied: x.copied, end: true, ok: ok})
	x.copied = nil
}

// Changed is what was committed since.
func (x *Observer) Changed(changes []numberdb.Change) {
	if len(changes) > 0 {
		x.owner.hear(heard{changes: append([]numberdb.Change(nil), changes...)})
	}
}

func (o *Owner) hear(h heard) {
	select {
	case o.feed <- h:
	case <-o.closed:
	}
}

// listen takes in what the feed tells until ctx ends. It waits for nothing else:
// the table waits for it.
func (o *Owner) listen(ctx context.Context) {
	defer close(o.closed)
	for {
		select {
		case <-ctx.Done():
			return
		case h := <-o.feed:
			o.take(&h)
		}
	}
}

// catchUp returns when the table and the engine have learned everything that was
// committed before, by whatever edge.
func (o *Owner) catchUp(ctx context.Context) error {
	if err := o.commit(ctx, numberdb.Writes{}); err != nil {
		return err
	}
	told := make(chan struct{})
	for feed, h := o.feed, (heard{told: told}); ; {
		select {
		case feed <- h:
			feed = nil
		case <-told:
			return nil
		case <-o.closed:
			return numberdb.ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (o *Owner) take(h *heard) {
	now := o.now()
	if h.begin {
		o.engine.Relearn()
		o.early = !o.stocked.Load()
	}
	for i := range h.copied {
		o.learn(&h.copied[i], now)
	}
	for i := range h.changes {
		b := &h.changes[i].Binding
		if h.changes[i].Deleted {
			o.engine.Forget(b.Mask, b.Party, 0)
		} else {
			o.learn(b, now)
		}
	}
	if h.told != nil {
		close(h.told)
	}
	if h.end && h.ok {
		o.engine.Relearned()
		if o.early {
			o.learnByHand(o.isStock) // of masks that were read while the copy passed
		}
		o.copied.Store(true)
		o.readyWithBoth()
	}
}

// readyWithBoth is called when one of both has been read for the first time.
func (o *Owner) readyWithBoth() {
	if o.copied.Load() && o.stocked.Load() {
		o.isReady.Do(func() { close(o.ready) })
	}
}

// learn passes over what no pool is concerned with: bindings by hand of masks
// that no pool shares out may be millions.
func (o *Owner) learn(b *numberdb.Binding, now time.Time) {
	if b.Session != 0 || o.isStock(b.Mask) {
		o.engine.Learn(b, now)
	}
}

// begin does what waits until everything is known for the first time, and reports
// whether it is done.
func (o *Owner) begin(ctx context.Context) bool {
	if orphans := o.engine.Orphans(o.now()); len(orphans) > 0 {
		o.log.Info("masks were held without a lease; they rest now", zap.Int("masks", len(orphans)))
		o.writeStates(ctx, states(orphans))
	}
	err := o.countAgain(ctx)
	if err != nil {
		o.log.Warn("could not read which sessions count their contacts", zap.Error(err))
	}
	return err == nil || errors.Is(err, numberdb.ErrSealed)
}
