package numberdb

import "context"

// Feed is a store's change feed, opened once. It is for one caller, who closes
// it.
type Feed interface {
	// About tells what kind of feed it is.
	About() FeedInfo

	// Load calls put with every binding of one snapshot, from whose position
	// Follow continues. put must not block and must not call the store. It is
	// called once, before Follow; not at all where the feed Resumes.
	Load(ctx context.Context, put func(Binding)) (Snapshot, error)

	// Follow calls apply, never twice at once, with what was committed since,
	// until ctx ends, the store is closed or the feed is lost, and returns why.
	// It may repeat what the snapshot already held; of a key's changes the last
	// one told is the one that stands. ErrFeedLost means that changes are
	// missing: load again.
	Follow(ctx context.Context, apply func(Batch)) error

	// Close releases what the feed holds at the store.
	Close() error
}

// FeedKind is a way in which changes reach the table.
type FeedKind uint8

// The kinds of feed.
const (
	Embedded  FeedKind = iota // the store's own commits, in this process
	Logical                   // logical replication
	Changelog                 // a table of changed keys, polled
	feedKinds
)

// String is the kind's name in logs and metrics.
func (k FeedKind) String() string {
	return [feedKinds]string{"embedded", "logical", "changelog"}[k]
}

// FeedInfo describes a feed.
type FeedInfo struct {
	Kind    FeedKind
	Reason  string // why it is not a better kind; empty: it is what was asked for
	Warning string // what the operator should change, else empty
	Durable bool   // the next one can go on where this one ends
	Resumes bool   // it does so from the held position: nothing is to be loaded
}

// Slots is what a server keeps for feeds that are away.
type Slots struct {
	Seen     bool  // the server was asked
	Inactive int   // maskline's slots that nobody reads: they hold WAL until dropped
	Retained int64 // octets of WAL that the one of maskline's slots farthest behind holds
}
