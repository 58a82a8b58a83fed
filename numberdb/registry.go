package numberdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maskline/e164"
)

// Registry keeps masks, pools and sessions beside the bindings. Its methods may
// be called beside one another.
type Registry interface {
	// Commit makes all of the writes durable in one transaction, or nothing of it,
	// and returns the position whose batch in the feed holds its bindings. A
	// *Conflict names the bindings and attempts that are taken and the sessions that
	// have another version. An error wraps ErrOutcomeUnknown where the commit may have
	// happened.
	Commit(ctx context.Context, writes *Writes) (Position, error)

	// Inventory calls back with every pool and then the masks of the query, of one
	// consistent snapshot. What Check refuses, written by another hand, is left out.
	Inventory(ctx context.Context, query InventoryQuery, pool func(Pool), mask func(Mask)) (InventoryRead, error)

	// Sessions returns sessions in the order of their IDs, at most query.Limit.
	// Rows that do not open are left out, and an error that wraps ErrSealed tells
	// of them beside the others.
	Sessions(ctx context.Context, query SessionQuery) ([]Session, error)

	// History returns what became of a mask, newest first, at most limit
	// (default 100, at most 10,000).
	History(ctx context.Context, mask e164.Number, limit int) ([]MaskEvent, error)
}

// InventoryVersion grows with each change of a pool or mask.
type InventoryVersion uint64

// InventoryQuery selects masks; the zero query all of them.
type InventoryQuery struct {
	After InventoryVersion // written since this one was read; 0: all
	Masks []e164.Number    // and these
}

// InventoryRead is what Inventory tells of what it has read.
type InventoryRead struct {
	Version InventoryVersion
	Whole   bool // it was every mask: all were asked for, or some have gone since
	Refused int  // pools and masks left out
}

// WholeInventory tells whether a query is answered by every mask: where the store is
// at version, and who has read less than whole does not know what has gone.
func (q *InventoryQuery) WholeInventory(version, whole InventoryVersion) bool {
	return q.After == 0 || q.After < whole || q.After > version // another store, or one set back
}

// InventoryWatch lets every edge notice what another has changed.
type InventoryWatch interface {
	// InventoryVersion is that of the last commit.
	InventoryVersion(ctx context.Context) (InventoryVersion, error)
}

// Writes is what one transaction changes. Of several sessions with one ID,
// pools with one name or masks with one number the last stands.
type Writes struct {
	Messages []Message // new ones
	Reports  []MessageReport

	Calls       []Call       // new ones
	CallReports []CallReport // those of one call in their order

	Bindings []Change    // upserts and deletions
	Claims   []Binding   // new bindings whose keys must be free: no row, or one that is Over
	Replaced []Replaced  // what gives way to a claim though it is kept
	Sessions []Session   // new ones, and those that exist as they are now
	New      []ID        // of Sessions, those whose IDs must be free
	Attempts []Attempt   // whose keys must be free
	Tenants  []Tenant    // new ones, and those that exist as they are now; Created stays
	Pools    []Pool      // likewise
	Masks    []Mask      // likewise; a change of state goes to the history
	Shelved  []Mask      // likewise, but State and Since of those that exist stay: a lease may be changing them
	Events   []MaskEvent // further lines of the history, or the why of a change of state
	Outbox   []Event     // what is told of all this; those of one session in their order
	Expired  []Expiry    // sessions whose end by time is told, unless it was
	Consents []Consent   // new ones, and those that exist as they are now; tenant and party stay
	Audit    []AuditLine // who did it; one whose ID is known is there already
	Gone     Gone
}

// Replaced is the binding of an ended session that gives way to a claim of its
// key before its Keep: the two people meet again. Where another session has the
// key, or this one has not ended, the claim meets a Conflict.
type Replaced struct {
	Key     BindingKey
	Session ID
}

// Gone is what the writes delete.
type Gone struct {
	Sessions []ID
	Pools    []string // those without masks
	Messages []ID
	Calls    []ID
	Attempts []AttemptKey // whose keys may be used anew

	Verifications []ID
}

// Conflict says which claims and attempts of the writes are taken already, and
// which sessions were written or deleted since they were read.
type Conflict struct {
	Keys     []BindingKey
	Attempts []AttemptKey
	Sessions []ID
}

// Empty reports whether it names nothing.
func (c *Conflict) Empty() bool { return len(c.Keys)+len(c.Attempts)+len(c.Sessions) == 0 }

// Error tells how many.
func (c *Conflict) Error() string {
	return fmt.Sprintf("%d of the masks are already bound for their parties, %d of the idempotency keys are used, %d of the sessions have changed",
		len(c.Keys), len(c.Attempts), len(c.Sessions))
}

// What Commit reports of an inventory that would not fit together.
var (
	ErrPoolInUse = errors.New("the pool still has masks")
	ErrNoPool    = errors.New("the mask's pool does not exist")
)

// BindingKey is the key of a binding, both in canonical form.
type BindingKey struct{ Mask, Party e164.Number }

// Key is the binding's key.
func (b *Binding) Key() BindingKey { return BindingKey{b.Mask.Canonical(), b.Party.Canonical()} }

// SessionQuery selects sessions; zero fields select all.
type SessionQuery struct {
	ID     ID          // this one
	Tenant string      // of this tenant
	Party  e164.Number // with this participant
	Live   time.Time   // that live at this time
	After  ID          // greater than
	Limit  int         // default 100, at most 10,000
}

// MaskEvent is a line of a mask's history.
type MaskEvent struct {
	Mask  e164.Number
	At    time.Time
	What  MaskState
	Why   string // a word or sentence without numbers
	Actor string // who did it: "edge", or a key's or user's name
}

// EdgeActor is the actor of what the edge does by itself.
const EdgeActor = "edge"

// StateEvent is the line of the history for a mask whose state changed.
func StateEvent(m *Mask) MaskEvent {
	return MaskEvent{Mask: m.Number, At: m.Since, What: m.State, Actor: EdgeActor}
}

// Explained tells of a mask whether the events say why it is in its state, so
// that no other line is needed.
func (w *Writes) Explained() func(*Mask) bool {
	type moved struct {
		mask e164.Number
		to   MaskState
	}
	told := make(map[moved]struct{}, len(w.Events))
	for i := range w.Events {
		told[moved{w.Events[i].Mask.Canonical(), w.Events[i].What}] = struct{}{}
	}
	return func(m *Mask) bool {
		_, ok := told[moved{m.Number.Canonical(), m.State}]
		return ok
	}
}
