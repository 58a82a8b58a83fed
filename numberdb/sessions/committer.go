package sessions

import (
	"context"
	"errors"

	"maskline/numberdb"
)

// Committed makes writes durable. numberdb's stores are such.
type Committed interface {
	Commit(ctx context.Context, writes *numberdb.Writes) (numberdb.Position, error)
}

// most bounds one group: works, and rows of all of them.
const (
	mostWorks = 256
	mostRows  = 4096
	queued    = 4 * mostWorks
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
// while one group is written is the next. One goroutine writes, so groups never
// meet one another in the store.
type committer struct {
	store Committed
	queue chan *work
	ended chan struct{} // closed when run has ended
	next  *work         // taken from the queue, for the next group
}

func newCommitter(store Committed) *committer {
	return &committer{store: store, queue: make(chan *work, queued), ended: make(chan struct{})}
}

// do hands in writes and waits for their commit. Where ctx ends before, the
// outcome is unknown.
func (c *committer) do(ctx context.Context, writes numberdb.Writes) (numberdb.Position, error) {
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

// run writes until ctx ends and nothing waits; what comes later is refused by do.
// Commits outlive ctx: each has a bound of its own.
func (c *committer) run(ctx context.Context) {
	defer close(c.ended)
	writing := context.WithoutCancel(ctx)
	for group := c.take(ctx); group != nil; group = c.take(ctx) {
		c.write(writing, group)
	}
}

// take waits for works and returns those that can be written together, or nil
// when ctx has ended and none waits.
func (c *committer) take(ctx context.Context) []*work {
	first := c.next
	c.next = nil
	if first == nil {
		select {
		case first = <-c.queue:
		case <-ctx.Done():
			select {
			case first = <-c.queue:
			default:
				return nil
			}
		}
	}
	group, together := []*work{first}, newTogether(&first.writes)
	for len(group) < mostWorks && together.rows < mostRows {
		select {
		case w := <-c.queue:
			if !together.add(&w.writes) {
				c.next = w
				return group
			}
			group = append(group, w)
		default:
			return group
		}
	}
	return group
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

// together knows which rows the works of a group touch: no row is touched twice,
// since the order within a transaction is that of keys.
type together struct {
	rows     int
	bindings map[numberdb.BindingKey]struct{}
	sessions map[numberdb.ID]struct{}
	attempts map[numberdb.AttemptKey]struct{}
	stock    bool // pools, masks or tenants: alone of its kind
}

func newTogether(first *numberdb.Writes) *together {
	t := &together{
		bindings: map[numberdb.BindingKey]struct{}{}, sessions: map[numberdb.ID]struct{}{},
		attempts: map[numberdb.AttemptKey]struct{}{},
	}
	t.put(first)
	return t
}

// add takes the writes in if they touch nothing that the group touches.
func (t *together) add(w *numberdb.Writes) bool {
	if t.stock && stock(w) {
		return false
	}
	for i := range w.Bindings {
		if _, touched := t.bindings[w.Bindings[i].Binding.Key()]; touched {
			return false
		}
	}
	for i := range w.Claims {
		if _, touched := t.bindings[w.Claims[i].Key()]; touched {
			return false
		}
	}
	for i := range w.Sessions {
		if _, touched := t.sessions[w.Sessions[i].ID]; touched {
			return false
		}
	}
	for _, id := range w.Gone.Sessions {
		if _, touched := t.sessions[id]; touched {
			return false
		}
	}
	for i := range w.Attempts {
		if _, touched := t.attempts[numberdb.AttemptKey{Tenant: w.Attempts[i].Tenant, Key: w.Attempts[i].Key}]; touched {
			return false
		}
	}
	t.put(w)
	return true
}

func (t *together) put(w *numberdb.Writes) {
	for i := range w.Bindings {
		t.bindings[w.Bindings[i].Binding.Key()] = struct{}{}
	}
	for i := range w.Claims {
		t.bindings[w.Claims[i].Key()] = struct{}{}
	}
	for i := range w.Sessions {
		t.sessions[w.Sessions[i].ID] = struct{}{}
	}
	for _, id := range w.Gone.Sessions {
		t.sessions[id] = struct{}{}
	}
	for i := range w.Attempts {
		t.attempts[numberdb.AttemptKey{Tenant: w.Attempts[i].Tenant, Key: w.Attempts[i].Key}] = struct{}{}
	}
	t.stock = t.stock || stock(w)
	t.rows += len(w.Bindings) + len(w.Claims) + len(w.Replaced) + len(w.Sessions) + len(w.Attempts) + len(w.Masks) + len(w.Pools)
}

func stock(w *numberdb.Writes) bool {
	return len(w.Pools)+len(w.Masks)+len(w.Tenants)+len(w.Events)+len(w.Gone.Pools) > 0
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
		all.Attempts = append(all.Attempts, w.writes.Attempts...)
		all.Tenants = append(all.Tenants, w.writes.Tenants...)
		all.Pools = append(all.Pools, w.writes.Pools...)
		all.Masks = append(all.Masks, w.writes.Masks...)
		all.Events = append(all.Events, w.writes.Events...)
		all.Gone.Sessions = append(all.Gone.Sessions, w.writes.Gone.Sessions...)
		all.Gone.Pools = append(all.Gone.Pools, w.writes.Gone.Pools...)
	}
	return all
}
