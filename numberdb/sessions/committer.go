package sessions

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
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
	writes   numberdb.Writes
	routed   bool              // it is answered when the table has it
	written  atomic.Bool       // it is durable
	position numberdb.Position // of what is
	done     chan error        // of one place
}

// committer makes the works of many callers durable, group by group: what waits
// while groups are written is the next. Groups that are written at once touch no
// row in common, so they never meet one another in the store.
type committer struct {
	store   Committed
	table   Routed
	routing time.Duration // bounds the wait for the table
	atOnce  int           // groups that are written at a time
	beside  int           // works of a group that is worth a commit beside another
	queue   chan *work
	ended   chan struct{} // closed when run has ended

	auditing *numberdb.Auditing // nil: nothing is audited
	now      func() time.Time
}

func newCommitter(store Committed, table Routed, routing time.Duration, atOnce int) *committer {
	return &committer{
		store: store, table: table, routing: routing, atOnce: atOnce, beside: besideWorks,
		queue: make(chan *work, queued), ended: make(chan struct{}),
	}
}

// do hands in writes and waits for their commit. Where ctx ends before, the
// outcome is unknown.
func (c *committer) do(ctx context.Context, writes numberdb.Writes) error {
	return c.hand(ctx, &work{writes: writes, done: make(chan error, 1)})
}

// doRouted also waits until the table has them; numberdb.ErrNotYetRouted where
// only that has failed, or ctx ends meanwhile.
func (c *committer) doRouted(ctx context.Context, writes numberdb.Writes) error {
	return c.hand(ctx, &work{writes: writes, routed: true, done: make(chan error, 1)})
}

func (c *committer) hand(ctx context.Context, w *work) error {
	if c.auditing != nil {
		w.writes.Audit = append(w.writes.Audit, c.auditing.Lines(numberdb.ActorOf(ctx), c.now(), &w.writes)...)
	}
	if err := ctx.Err(); err != nil {
		return err // nobody waits for it any more
	}
	select {
	case c.queue <- w:
	case <-c.ended:
		return numberdb.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-w.done:
		return err
	case <-c.ended:
		select {
		case err := <-w.done:
			return err
		default:
			return numberdb.ErrClosed // it was never taken
		}
	case <-ctx.Done():
		if w.written.Load() {
			return fmt.Errorf("%w: %w", numberdb.ErrNotYetRouted, ctx.Err())
		}
		return errors.Join(numberdb.ErrOutcomeUnknown, ctx.Err())
	}
}

// write commits a group. Works that the store's state contradicts, or that make no
// sense, are answered so, and the others are written without them. What has still to
// reach the table is returned.
func (c *committer) write(ctx context.Context, group []*work) (routing []*work) {
	for len(group) > 0 {
		all := merged(group)
		position, err := c.store.Commit(ctx, &all)
		var conflict *numberdb.Conflict
		switch {
		case err == nil:
			return written(group, position)
		case errors.As(err, &conflict):
			rest := refused(group, conflict)
			if len(rest) == len(group) {
				answer(group, err) // it names nothing of these
				return nil
			}
			group = rest
		case len(group) > 1 && inventoryFault(err):
			for _, w := range group {
				routing = append(routing, c.write(ctx, []*work{w})...)
			}
			return routing
		default:
			rest := sound(group)
			if len(rest) == len(group) {
				answer(group, err)
				return nil
			}
			group = rest
		}
	}
	return nil
}

// written answers the works that need not wait for the table, and returns the
// others.
func written(group []*work, position numberdb.Position) (routing []*work) {
	for _, w := range group {
		if !w.routed {
			w.done <- nil
			continue
		}
		w.position = position
		w.written.Store(true)
		routing = append(routing, w)
	}
	return routing
}

// route answers works when the table has them.
func (c *committer) route(ctx context.Context, group []*work) {
	if len(group) == 0 {
		return
	}
	var position numberdb.Position
	for _, w := range group {
		position = max(position, w.position)
	}
	ctx, cancel := context.WithTimeout(ctx, c.routing)
	defer cancel()
	err := c.table.WaitFor(ctx, position)
	if err != nil {
		err = fmt.Errorf("%w: %w", numberdb.ErrNotYetRouted, err)
	}
	answer(group, err)
}

// sound answers the works that no store may hold, and returns the others. The store
// checks what it is given, so this is looked for only when a group has failed.
func sound(group []*work) (rest []*work) {
	for _, w := range group {
		if err := w.writes.Check(); err != nil {
			w.done <- err
			continue
		}
		rest = append(rest, w)
	}
	return rest
}

// inventoryFault: one work of the group is at fault, and the store does not say
// which.
func inventoryFault(err error) bool {
	return errors.Is(err, numberdb.ErrPoolInUse) || errors.Is(err, numberdb.ErrNoPool)
}

func answer(group []*work, err error) {
	for _, w := range group {
		w.done <- err
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
		w.done <- own
	}
	return rest
}

func merged(group []*work) numberdb.Writes {
	if len(group) == 1 {
		return group[0].writes
	}
	var all numberdb.Writes
	claims, sessions, made := 0, 0, 0
	for _, w := range group {
		claims, sessions, made = claims+len(w.writes.Claims), sessions+len(w.writes.Sessions), made+len(w.writes.New)
	}
	all.Claims, all.Sessions, all.New = make([]numberdb.Binding, 0, claims), make([]numberdb.Session, 0, sessions), make([]numberdb.ID, 0, made)
	for _, w := range group {
		all.Messages = append(all.Messages, w.writes.Messages...)
		all.Reports = append(all.Reports, w.writes.Reports...)
		all.Calls = append(all.Calls, w.writes.Calls...)
		all.CallReports = append(all.CallReports, w.writes.CallReports...)
		all.Bindings = append(all.Bindings, w.writes.Bindings...)
		all.Claims = append(all.Claims, w.writes.Claims...)
		all.Replaced = append(all.Replaced, w.writes.Replaced...)
		all.Sessions = append(all.Sessions, w.writes.Sessions...)
		all.New = append(all.New, w.writes.New...)
		all.Attempts = append(all.Attempts, w.writes.Attempts...)
		all.Tenants = append(all.Tenants, w.writes.Tenants...)
		all.Pools = append(all.Pools, w.writes.Pools...)
		all.Masks = append(all.Masks, w.writes.Masks...)
		all.Shelved = append(all.Shelved, w.writes.Shelved...)
		all.Events = append(all.Events, w.writes.Events...)
		all.Outbox = append(all.Outbox, w.writes.Outbox...)
		all.Expired = append(all.Expired, w.writes.Expired...)
		all.Consents = append(all.Consents, w.writes.Consents...)
		all.Audit = append(all.Audit, w.writes.Audit...)
		all.Gone.Sessions = append(all.Gone.Sessions, w.writes.Gone.Sessions...)
		all.Gone.Pools = append(all.Gone.Pools, w.writes.Gone.Pools...)
		all.Gone.Messages = append(all.Gone.Messages, w.writes.Gone.Messages...)
		all.Gone.Calls = append(all.Gone.Calls, w.writes.Gone.Calls...)
		all.Gone.Attempts = append(all.Gone.Attempts, w.writes.Gone.Attempts...)
		all.Gone.Verifications = append(all.Gone.Verifications, w.writes.Gone.Verifications...)
	}
	return all
}
