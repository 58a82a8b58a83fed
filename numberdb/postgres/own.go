package postgres

import (
	"sync"

	"maskline/numberdb"
)

const (
	toldCommits = 1 << 10 // that are remembered
	ownCommits  = 1 << 10 // that are waited for
)

// own finds this store's commits in the stream. The server tells where its WAL ends
// after a commit, and that may be beyond what others are just writing: to wait until
// the stream has come so far would be to wait for them too. The stream tells each
// commit with its transaction.
//
// Commits at once are flushed at once, and their WAL ends at one place: each is given
// a position of its own below it, so that the one which is told first does not stand
// for the others. No commit ends between, since places in the WAL are multiples of 8.
type own struct {
	mu    sync.Mutex
	told  [toldCommits]toldCommit        // of late, by anybody; each at its transaction's place
	under map[uint32]numberdb.Position   // committed and not told yet
	given map[numberdb.Position]struct{} // to those and to others; not passed by the stream yet
}

// places is what places in the WAL are multiples of.
const places = 8

type toldCommit struct {
	xid uint32
	end numberdb.Position
}

// committed is the position of a transaction of this store, of which it is known that
// it ended before the position at most. It waits where the stream has not told it yet;
// false: it does not, since too many do, or too many end there.
func (o *own) committed(xid uint32, era, most numberdb.Position) (position numberdb.Position, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t := &o.told[xid%toldCommits]; t.xid == xid && t.end > era && t.end <= most {
		return t.end, true
	}
	if len(o.given) >= ownCommits {
		return most, false
	}
	if o.under == nil {
		o.under, o.given = map[uint32]numberdb.Position{}, map[numberdb.Position]struct{}{}
	}
	for below := most - 1; below > most-places; below-- {
		if _, is := o.given[below]; !is {
			o.under[xid], o.given[below] = below, struct{}{}
			return below, true
		}
	}
	return most, false
}

// tell takes a commit from the stream, and returns the position that committed has
// given it; 0: none.
func (o *own) tell(xid uint32, end numberdb.Position) (given numberdb.Position) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told[xid%toldCommits] = toldCommit{xid, end}
	given = o.under[xid]
	delete(o.under, xid)
	return given
}

// passed is told when the stream has come to a position: what is below it may hold
// nothing that the stream tells.
func (o *own) passed(position numberdb.Position) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for xid, given := range o.under {
		if given <= position {
			delete(o.under, xid)
		}
	}
	for given := range o.given {
		if given <= position {
			delete(o.given, given)
		}
	}
}

// waits reports whether commits are not told yet.
func (o *own) waits() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.under) > 0
}
