//go:build peers

package postgres

import (
	"errors"
	"testing"
	"time"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

// What is over is met by a group that hoped for nothing in its way: it is written
// all the same, and those after it do not hope for a while.
func TestClaimsThatHopeInVain(t *testing.T) {
	store, _ := newStore(t, nil)
	follower := storetest.Follow(t, store)
	w := groupOf(0)
	over := numberdb.Change{Binding: w.Claims[3]}
	over.Binding.Session, over.Binding.Expires, over.Binding.Keep = 9, store.clock().Add(-time.Hour).Truncate(time.Microsecond), time.Time{}
	storetest.Apply(t, store, over)
	if storetest.Commit(t, store, w); store.anyhow.Load() != hopeless {
		t.Errorf("%d groups are not to hope", store.anyhow.Load())
	}
	if rows := storetest.Rows(t, store); rows[storetest.Key{w.Claims[3].Mask, w.Claims[3].Party}].Session != w.Claims[3].Session || len(rows) != len(w.Claims) {
		t.Error("what is over stands, or not all was written")
	}
	next := groupOf(1)
	follower.WaitFor(t, storetest.Commit(t, store, next))
	follower.WaitEqual(t, store)
	if left := store.anyhow.Load(); left != hopeless-1 {
		t.Errorf("%d groups are not to hope", left)
	}
}

// A group that is refused leaves its connection fit for the next.
func TestARefusedGroupKeepsItsConnection(t *testing.T) {
	store, _ := newStore(t, nil)
	w := groupOf(0)
	storetest.Commit(t, store, w)
	before := store.pool.Stat().NewConnsCount()
	for i, hopes := range []int64{0, 0, hopeless, hopeless, 0} {
		store.anyhow.Store(hopes)
		again := groupOf(1 + i)
		again.Claims[2] = w.Claims[2]
		var conflict *numberdb.Conflict
		if _, err := store.Commit(t.Context(), &again); !errors.As(err, &conflict) || len(conflict.Keys) != 1 {
			t.Fatal(err)
		}
		storetest.Commit(t, store, groupOf(100+i))
	}
	if made := store.pool.Stat().NewConnsCount() - before; made > 1 { // one that conflict asks by
		t.Errorf("%d connections were made", made)
	}
}

// The position of a commit is told with it, by either feed, and holds its rows.
func TestPositionsOfCommits(t *testing.T) {
	for name, change := range map[string]func(*Config){"changelog": polling, "logical": replicating} {
		t.Run(name, func(t *testing.T) {
			store, _ := newStore(t, change)
			before := storetest.Commit(t, store, groupOf(0)) // no feed is open yet
			follower := storetest.Follow(t, store)
			for n := 1; n < 30; n++ {
				w := groupOf(n)
				position := storetest.Commit(t, store, w)
				if position <= before || position == never {
					t.Fatalf("position %d after %d", position, before)
				}
				before = position
				follower.WaitFor(t, position)
			}
			follower.WaitEqual(t, store)
		})
	}
}

// A statement writes a line for each 256 of its keys, and lines of before are read.
func TestLinesOfTheChangelog(t *testing.T) {
	store, name := newStore(t, polling)
	follower := storetest.Follow(t, store)
	conn := connect(t, name)
	var changes []numberdb.Change
	for i := range 600 {
		changes = append(changes, storetest.Put(i, 1, 2))
	}
	follower.WaitFor(t, storetest.Apply(t, store, changes...))
	if lines := countChangelog(t, conn); lines != 3 {
		t.Errorf("%d lines for 600 keys", lines)
	}
	exec(t, conn, `ALTER TABLE maskline.bindings DISABLE TRIGGER log_delete`)
	exec(t, conn, `WITH gone AS (DELETE FROM maskline.bindings WHERE mask = $1 RETURNING mask, party)
		INSERT INTO maskline.changelog (mask, party) SELECT mask, party FROM gone`, int64(storetest.Mask(7)))
	follower.WaitEqual(t, store)
	exec(t, conn, `DELETE FROM maskline.changelog; UPDATE maskline.bindings SET keep = keep WHERE false`)
	if lines := countChangelog(t, conn); lines != 0 || follower.Loads() != 1 {
		t.Errorf("%d lines for nothing, %d loads", lines, follower.Loads())
	}
	follower.WaitEqual(t, store)
}
