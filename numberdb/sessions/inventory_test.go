package sessions

import (
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

// settleStock waits until the edge has read again what it changed itself.
func settleStock(t *testing.T, w *world, r *running) {
	t.Helper()
	eventually(t, "a stock that is the store's", func() bool {
		w.jump(ownChange)
		r.Owner.stock.Lock()
		defer r.Owner.stock.Unlock()
		return len(r.touched) == 0
	})
}

// elsewhere is the region that another edge gives a mask.
const elsewhere = "elsewhere"

// relocate changes a mask as another edge does.
func relocate(t *testing.T, w *world, r *running, number e164.Number) {
	t.Helper()
	m, known := r.Mask(number)
	if !known {
		t.Fatal("no such mask")
	}
	other := *m
	other.Region = elsewhere
	storetest.Commit(t, w.store.database, numberdb.Writes{Masks: []numberdb.Mask{other}})
}

func isElsewhere(r *running, number e164.Number) bool {
	m, known := r.Mask(number)
	return known && m.Region == elsewhere
}

func TestAnEdgeReadsTheMasksThatHaveChanged(t *testing.T) {
	w, r := start(t, 300)
	settleStock(t, w, r)
	told, whole := w.store.told.Load(), w.store.whole.Load()
	relocate(t, w, r, mask(7))
	w.jump(rereadAfter)
	eventually(t, "what another edge has changed", func() bool { return isElsewhere(r, mask(7)) })
	if n := w.store.told.Load() - told; n != 1 || w.store.whole.Load() != whole {
		t.Errorf("%d masks were read", n)
	}
	q := between(1)
	q.Shape, q.Sides[0].To = numberdb.Lease, numberdb.Endpoint{Kind: numberdb.Tel, Number: party(1)}
	leased := create(t, r, q).Participants[0].Dial
	settleStock(t, w, r)
	if m, known := r.Mask(leased); !known || m.State != numberdb.Held {
		t.Errorf("the leased mask: %v, %v", m, known)
	}
	if n := w.store.told.Load() - told; n > 10 || w.store.whole.Load() != whole {
		t.Errorf("%d masks were read after a lease", n)
	}
}

// What another edge has changed at the same time as this one is not taken in before
// that has settled, and is then.
func TestAMaskThatTwoEdgesChange(t *testing.T) {
	w, r := start(t, 3)
	settleStock(t, w, r)
	own, _ := r.Mask(mask(1))
	mine := *own
	mine.Carrier = "charlie"
	if err := r.PutMasks(t.Context(), []numberdb.Mask{mine}, "moved", "test"); err != nil {
		t.Fatal(err)
	}
	told := w.store.told.Load()
	relocate(t, w, r, mask(1))
	w.jump(rereadAfter)
	eventually(t, "another reading", func() bool { return w.store.told.Load() > told })
	if isElsewhere(r, mask(1)) {
		t.Error("it was taken in at once")
	}
	settleStock(t, w, r)
	if !isElsewhere(r, mask(1)) {
		t.Error("it was not taken in")
	}
}

func TestAMaskThatHasGone(t *testing.T) {
	w, r := start(t, 3)
	settleStock(t, w, r)
	w.store.gone.Store(uint64(mask(2)))
	relocate(t, w, r, mask(1))
	w.jump(rereadAfter)
	eventually(t, "the end of a mask", func() bool {
		_, known := r.Mask(mask(2))
		return !known && isElsewhere(r, mask(1))
	})
	if _, _, masks := r.poolReport("uk"); masks[numberdb.Free] != 2 {
		t.Errorf("masks by state: %v", masks)
	}
}

// A mask that this edge has changed and another one deleted is gone when that has
// settled.
func TestAChangedMaskThatHasGone(t *testing.T) {
	w, r := start(t, 3)
	w.store.gone.Store(uint64(mask(2)))
	w.jump(ownChange + time.Second)
	eventually(t, "the end of a mask", func() bool {
		_, known := r.Mask(mask(2))
		return !known
	})
}
