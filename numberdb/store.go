package numberdb

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Store keeps the bindings exactly and durably. Its methods may be called
// beside one another. Bindings come out with Mask and Party in canonical form
// and expiries in microseconds.
type Store interface {
	// Load calls put with every binding of one consistent snapshot. put must
	// not block and must not call the store.
	Load(ctx context.Context, put func(Binding)) (Snapshot, error)

	// Feed opens the change feed. held is the position that the table has reached
	// by an earlier feed of this store, 0 where the table is to be loaded.
	Feed(ctx context.Context, held Position) (Feed, error)

	// Apply commits all changes in one durable transaction, or none of them. Of
	// several changes of one key the last wins; deleting what is not there is
	// no fault. It returns the position whose batch in the feed holds them. An
	// error wraps ErrOutcomeUnknown where the commit may have happened.
	Apply(ctx context.Context, changes []Change) (Position, error)

	// Close ends every feed and waits for what is under way.
	Close() error
}

// Position is a point in a store's change feed. Only its order has a meaning:
// what is committed later has a greater one, as long as the database lives.
type Position uint64

// Snapshot is what Load tells of what it has read.
type Snapshot struct {
	Position Position // where it lies in the feed
	Refused  int      // rows left out, since they make no binding
}

// Batch is a part of the change feed. One without changes proves that the store
// is alive; it comes at least every second while nothing happens.
type Batch struct {
	Changes  []Change      // valid during the call only
	Position Position      // everything up to it has been told
	Reached  []Position    // of the store's own commits above it that have been told; valid during the call only
	Delay    time.Duration // age of the oldest commit that the store cannot tell yet
	Refused  int           // rows that make no binding; told as deletions
	Slots    Slots         // of the last look at the server; zero: there was none
}

// What stores report.
var (
	ErrFeedLost       = errors.New("the change feed has lost changes; load again")
	ErrOutcomeUnknown = errors.New("it is unknown whether the changes were committed")
	ErrClosed         = errors.New("the store is closed")
	ErrInUse          = errors.New("another maskline process uses this data_dir; stop it, " +
		"or let the command reach it through the control.sock of the same data_dir")
	ErrSchemaOld = errors.New("the store's schema is older than this version needs; " +
		"run maskline migrate, or set database.migrate to auto")
)

// CheckChanges refuses changes that no store may hold. The error names the
// place in the list and never a value.
func CheckChanges(changes []Change) error {
	for i := range changes {
		b := &changes[i].Binding
		var err error
		switch {
		case !changes[i].Deleted:
			err = b.Check()
		case b.Mask == 0:
			err = ErrNoMask
		}
		if err != nil {
			return fmt.Errorf("change %d of %d: %w", i+1, len(changes), err)
		}
	}
	return nil
}
