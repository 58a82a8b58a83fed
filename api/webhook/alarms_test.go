package webhook

import (
	"testing"
	"time"

	"maskline/numberdb"
)

// However often what waits is put off, and endpoints go, alarms that nobody waits for
// do not pile up; those that somebody waits for stay.
func TestAlarmsDoNotPileUp(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var a alarms
	noted := false
	waiting := func() (*endpoint, *item) {
		p := newEndpoint(&numberdb.HeldEndpoint{}, &noted)
		x := &item{Delivery: numberdb.Delivery{Event: 1}}
		p.add(x)
		return p, x
	}
	put := func(p *endpoint, x *item, at time.Time) {
		x.Next = at
		a.set(at, p, x.lane)
	}
	stays, first := waiting()
	put(stays, first, now.Add(time.Hour))
	stays.told = now.Add(time.Minute)
	a.set(stays.told, stays, nil)
	busy, x := waiting()
	for i := range 100_000 {
		put(busy, x, now.Add(24*time.Hour+time.Duration(i)))
		if i%100 == 0 {
			gone, y := waiting()
			put(gone, y, now.Add(24*time.Hour))
			gone.dropped = true
		}
	}
	if n := len(a.list); n > 2*leastSweep {
		t.Errorf("%d alarms for three that are needed", n)
	}
	if ring := a.due(now.Add(time.Minute), nil); len(ring) != 1 || ring[0] != stays || stays.inRing == false || len(stays.ready) != 0 {
		t.Error("the alarm of an endpoint is gone")
	}
	if a.due(now.Add(time.Hour), nil); len(stays.ready) != 1 {
		t.Error("the alarm of what waits is gone")
	}
	if a.due(now.Add(25*time.Hour), nil); len(busy.ready) != 1 {
		t.Error("the last alarm of what was put off is gone")
	}
}
