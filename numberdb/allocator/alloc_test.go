//go:build !race

package allocator

import (
	"sync/atomic"
	"testing"

	"maskline/e164"
	"maskline/numberdb"
)

func TestADecisionAllocatesNothing(t *testing.T) {
	e := filled(1_000, numberdb.PoolPolicy{})
	parties := make([]e164.Number, 1_000)
	for i := range parties {
		parties[i] = partyNumber(i)
	}
	var next atomic.Uint64
	work := newTraffic(e, 5_000, parties, &next, 1)
	for range 20_000 {
		work.session(start)
	}
	if n := testing.AllocsPerRun(2_000, func() { work.session(start) }); n >= 1 {
		t.Errorf("%.1f allocations", n)
	}
}
