package sessions

import (
	"context"
	"errors"
	"time"

	"maskline/numberdb"
)

// Committed makes writes durable. numberdb's stores are such.
type Committed interface {
	Commit(ctx context.Context, writes *numberdb.Writes) (numberdb.Position, error)
}

// Parallel is a Committed that is faster where several commits run at a time.
type Parallel interface {
	Parallel() int // how many
}

// most bounds one group: works, and rows of all of them.
const (
	mostWorks = 256
	mostRows  = 4096
	queued    = 4 * mostWorks
	// A commit costs Postgres itself about as much as so many sessions in it.
	besideWorks = 32
)

// work is what one operation wants to be durable, all or nothing.
type work struct {
	writes numberdb.Writes
	done   chan outcome // of one place
}

type outcome struct {
	position numberdb.Position
	err      error
}

// committer makes the works of many callers durable, group by group: what waits
// while groups are written is the next. Groups that are written at once touch no
// row in common, so they never meet one another in the store.
type committer struct {
	store  Committed
	atOnce int // groups that are written at a time
	beside int // works of a group that is worth a commit beside another
	queue  chan *work
	ended  chan struct{} // closed when run has ended

	auditing *numberdb.Auditing // nil: nothing is audited
	now      func() time.Time
}

func newCommitter(store Committed, atOnce int) *committer {
	return &committer{store: store, atOnce: atOnce, beside: besideWorks, queue: make(chan *work, queued), ended: make(chan struct{})}
}

// do hands in writes and waits for their commit. Where ctx ends before, the
// outcome is unknown.
func (c *committer) do(ctx context.Context, writes numberdb.Writes) (numberdb.Position, error) {
	if c.auditing != nil {
		writes.Audit = append(writes.Audit, c.auditing.Lines(numberdb.ActorOf(ctx), c.now(), &writes)...)
	}
	if err := writes.Check(); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err // nobody waits for it any more
	}
	w := &work{writes: writes, done: make(chan outcome, 1)}
	select {
	case c.queue <- w:
	case <-c.ended:
		return 0, numberdb.ErrClosed
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case o := <-w.done:
		return o.position, o.err
	case <-c.ended:
		select {
		case o := <-w.done:
			return o.position, o.err
		default:
			return 0, numberdb.ErrClosed // it was never taken
		}
	case <-ctx.Done():
		return 0, errors.Join(numberdb.ErrOutcomeUnknown, ctx.Err())
	}
}

// write commits a group. Works that the store's state contradicts are answered
// so, and the others are written without them.
func (c *committer) write(ctx context.Context, group []*work) {
	for len(group) > 0 {
		all := merged(group)
		position, err := c.store.Commit(ctx, &all)
		var conflict *numberdb.Conflict
		switch {
		case errors.As(err, &conflict):
			rest := refused(group, conflict)
			if len(rest) == len(group) {
				answer(group, outcome{err: err}) // it names nothing of these
				return
			}
			group = rest
		case len(group) > 1 && inventoryFault(err):
			for _, w := range group {
				c.write(ctx, []*work{w})
			}
			return
		default:
			answer(group, outcome{position, err})
			return
		}
	}
}

// inventoryFault: one work of the group is at fault, and the store does not say
// which.
func inventoryFault(err error) bool {
	return errors.Is(err, numberdb.ErrPoolInUse) || errors.Is(err, numberdb.ErrNoPool)
}

func answer(group []*work, o outcome) {
	for _, w := range group {
		w.done <- o
	}
}

// refused answers the works with a conflict and returns the others.
func refused(group []*work, conflict *numberdb.Conflict) (rest []*work) {
	taken := make(map[numberdb.BindingKey]bool, len(conflict.Keys))
	for _, k := range conflict.Keys {
		taken[k] = true
	}
	used := make(map[numberdb.AttemptKey]bool, len(conflict.Attempts))
	for _, k := range conflict.Attempts {
		used[k] = true
	}
	changed := make(map[numberdb.ID]bool, len(conflict.Sessions))
	for _, id := range conflict.Sessions {
		changed[id] = true
	}
	for _, w := range group {
		own := &numberdb.Conflict{}
		for i := range w.writes.Claims {
			if k := w.writes.Claims[i].Key(); taken[k] {
				own.Keys = append(own.Keys, k)
			}
		}
		for i := range w.writes.Attempts {
			if k := (numberdb.AttemptKey{Tenant: w.writes.Attempts[i].Tenant, Key: w.writes.Attempts[i].Key}); used[k] {
				own.Attempts = append(own.Attempts, k)
			}
		}
		for i := range w.writes.Sessions {
			if id := w.writes.Sessions[i].ID; changed[id] {
				own.Sessions = append(own.Sessions, id)
			}
		}
		if own.Empty() {
			rest = append(rest, w)
			continue
		}
		w.done <- outcome{err: own}
	}
	return rest
}

func merged(group []*work) numberdb.Writes {
	if len(group) == 1 {
		return group[0].writes
	}
	var all numberdb.Writes
	for _, w := range group {
		all.Bindings = append(all.Bindings, w.writes.Bindings...)
		all.Claims = append(all.Claims, w.writes.Claims...)
		all.Replaced = append(all.Replaced, w.writes.Replaced...)
		all.Sessions = append(all.Sessions, w.writes.Sessions...)
		all.New = append(all.New, w.writes.New...)
		all.Attempts = append(all.Attempts, w.writes.Attempts...)
		all.Tenants = append(all.Tenants, w.writes.Tenants...)
		all.Pools = append(all.Pools, w.writes.Pools...)
		all.Masks = append(all.Masks, w.writes.Masks...)
		all.Events = append(all.Events, w.writes.Events...)
		all.Consents = append(all.Consents, w.writes.Consents...)
		all.Audit = append(all.Audit, w.writes.Audit...)
		all.Gone.Sessions = append(all.Gone.Sessions, w.writes.Gone.Sessions...)
		all.Gone.Pools = append(all.Gone.Pools, w.writes.Gone.Pools...)
	}
	return all
}
