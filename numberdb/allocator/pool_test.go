package allocator

import (
	"errors"
	"testing"
	"time"

	"maskline/numberdb"
)

// A pool that is removed is gone, and one of its name that is made later is the
// only one.
func TestARemovedPool(t *testing.T) {
	e := filled(2, numberdb.PoolPolicy{Parties: 9})
	for i := range 2 {
		e.RemoveMask(maskNumber(i))
	}
	e.RemovePool("main")
	if _, known := e.Policy("main"); known || len(e.Report().Pools) > 0 {
		t.Errorf("it is there: %+v", e.Report().Pools)
	}
	var d Decision
	if err := e.Pick(pair(1, partyNumber(1), partyNumber(2), start.Add(time.Hour)), start, &d); !errors.Is(err, ErrPool) {
		t.Errorf("asked for it: %v", err)
	}
	e.SetPool(numberdb.Pool{Name: "main"})
	for i := range 2 {
		e.SetMask(numberdb.Mask{Number: maskNumber(i), Pool: "main", Services: numberdb.SMS | numberdb.Voice})
	}
	pick(t, e, pair(1, partyNumber(1), partyNumber(2), start.Add(time.Hour)), start)
	if policy, known := e.Policy("main"); !known || policy.Parties != 0 {
		t.Errorf("the old policy holds: %+v", policy)
	}
	if r := e.Report().Pools; len(r) != 1 || r[0].Live != 2 || r[0].Masks[numberdb.Free] != 2 {
		t.Errorf("%+v", r)
	}
}
