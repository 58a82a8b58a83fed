package storetest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"maskline/e164"
	"maskline/numberdb"
)

// readInventory reads what a query wants.
func readInventory(t *testing.T, r numberdb.Registry, query numberdb.InventoryQuery) (map[e164.Number]numberdb.Mask, numberdb.InventoryRead) {
	t.Helper()
	pools, masks := 0, map[e164.Number]numberdb.Mask{}
	read, err := r.Inventory(t.Context(), query, func(numberdb.Pool) { pools++ }, func(m numberdb.Mask) {
		if _, twice := masks[m.Number]; twice {
			t.Error("a mask is told twice")
		}
		masks[m.Number] = m
	})
	if err != nil || read.Refused != 0 || pools != len(samplePools()) {
		t.Fatalf("%d pools, %d refused, %v", pools, read.Refused, err)
	}
	return masks, read
}

// inventorySince: a reading is of the masks that were written since another one, and of
// those that are asked for.
func inventorySince(t *testing.T, db Database) {
	r := openRegistry(t, db)
	all := sampleMasks()
	Commit(t, r, numberdb.Writes{Pools: samplePools(), Masks: all})
	_, first := readInventory(t, r, numberdb.InventoryQuery{})
	moved, shelved := all[1], all[3]
	moved.State, shelved.Region = numberdb.Held, "elsewhere"
	Commit(t, r, numberdb.Writes{Masks: []numberdb.Mask{moved}})
	_, second := readInventory(t, r, numberdb.InventoryQuery{After: first.Version})
	Commit(t, r, numberdb.Writes{Shelved: []numberdb.Mask{shelved}})
	Commit(t, r, numberdb.Writes{Pools: samplePools(), Sessions: []numberdb.Session{Session(1)}})
	_, last := readInventory(t, r, numberdb.InventoryQuery{})
	whole := []numberdb.Mask{all[0], moved, all[2], shelved}
	for _, c := range []struct {
		name    string
		query   numberdb.InventoryQuery
		want    []numberdb.Mask
		isWhole bool
	}{
		{"all", numberdb.InventoryQuery{}, whole, true},
		{"since the first", numberdb.InventoryQuery{After: first.Version}, []numberdb.Mask{moved, shelved}, false},
		{"since the second", numberdb.InventoryQuery{After: second.Version}, []numberdb.Mask{shelved}, false},
		{"since the last", numberdb.InventoryQuery{After: last.Version}, nil, false},
		{"and others", numberdb.InventoryQuery{After: second.Version, Masks: []e164.Number{all[0].Number, shelved.Number, Mask(99)}}, []numberdb.Mask{all[0], shelved}, false},
		{"of a store that is set back", numberdb.InventoryQuery{After: last.Version + 100, Masks: []e164.Number{all[0].Number}}, whole, true},
	} {
		want := map[e164.Number]numberdb.Mask{}
		for _, m := range c.want {
			want[m.Number] = m
		}
		got, read := readInventory(t, r, c.query)
		if diff := cmp.Diff(want, got); diff != "" || read.Whole != c.isWhole || read.Version != last.Version {
			t.Errorf("%s: whole %v, version %d of %d %s", c.name, read.Whole, read.Version, last.Version, diff)
		}
	}
}

// inventoryFollowed: who reads what was written since, again and again, has in the end
// what is there, whoever wrote meanwhile.
func inventoryFollowed(t *testing.T, db Database) {
	const writers, rounds, masks = 4, 15, 10
	r := openRegistry(t, db)
	Commit(t, r, numberdb.Writes{Pools: samplePools(), Masks: sampleMasks()})
	var writing sync.WaitGroup
	for writer := range writers {
		writing.Go(func() {
			for i := range rounds {
				m := numberdb.Mask{Number: Mask(100 + (writer*3+i)%masks), Services: numberdb.SMS, Region: fmt.Sprint(writer, "/", i), Since: moment(i)}
				if err := commitUnder(t.Context(), r, &numberdb.Writes{Masks: []numberdb.Mask{m}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		writing.Wait()
		close(done)
	}()
	known, read := readInventory(t, r, numberdb.InventoryQuery{})
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		var since map[e164.Number]numberdb.Mask
		since, read = readInventory(t, r, numberdb.InventoryQuery{After: read.Version})
		maps.Copy(known, since)
	}
	want, _ := readInventory(t, r, numberdb.InventoryQuery{})
	if diff := cmp.Diff(want, known); diff != "" || len(want) != len(sampleMasks())+masks {
		t.Errorf("%d masks: %s", len(want), diff)
	}
}

// MasksChangedByHand changes masks by SQL, in the table with that prefix: who reads
// what was written since learns it, and reads all where some have gone. A store that
// one process has to itself may tell of the second alone.
func MasksChangedByHand(t *testing.T, r numberdb.Registry, sql func(text string), prefix string, changes bool) {
	t.Helper()
	all := sampleMasks()
	Commit(t, r, numberdb.Writes{Pools: samplePools(), Masks: all})
	_, first := readInventory(t, r, numberdb.InventoryQuery{})
	number := fmt.Sprint(int64(all[0].Number.Canonical()))
	if changes {
		sql(`UPDATE ` + prefix + `masks SET region = 'by hand' WHERE number = ` + number)
		got, read := readInventory(t, r, numberdb.InventoryQuery{After: first.Version})
		if len(got) != 1 || got[all[0].Number].Region != "by hand" || read.Whole || read.Version <= first.Version {
			t.Errorf("after a change by hand: %v, %+v after %+v", slices.Collect(maps.Keys(got)), read, first)
		}
	}
	sql(`DELETE FROM ` + prefix + `masks WHERE number = ` + number)
	got, read := readInventory(t, r, numberdb.InventoryQuery{After: first.Version})
	if len(got) != len(all)-1 || !read.Whole || read.Version <= first.Version {
		t.Errorf("after a mask has gone: %d masks, %+v after %+v", len(got), read, first)
	}
	if _, again := readInventory(t, r, numberdb.InventoryQuery{After: read.Version}); again.Whole {
		t.Error("it is read as a whole again")
	}
}
