package media

import (
	"testing"
	"time"
)

func TestRhythm(t *testing.T) {
	const us, ms = time.Microsecond, time.Millisecond
	tests := []struct {
		name          string
		since         time.Duration // the last time
		n             int
		gather, yield bool
	}{
		{"a packet now and then", 20 * ms, 1, false, true},
		{"the first of many", 400 * us, 1, false, false},
		{"more right behind it", 10 * us, 1, true, false},
		{"and more", 10 * us, 2, true, false},
		{"as many as at once are enough", 10 * us, gatherBelow, false, false},
		{"what was gathered", 120 * us, 12, false, false},
		{"long without a pause", 5 * ms, 64, false, true},
		{"right afterwards", 10 * us, 64, false, false},
	}
	r, now := rhythm{}, time.Second
	r.due(1, now)
	for _, tt := range tests {
		now += tt.since
		if gather, yield := r.due(tt.n, now); gather != tt.gather || yield != tt.yield {
			t.Errorf("%s: gather %v, yield %v; want %v, %v", tt.name, gather, yield, tt.gather, tt.yield)
		}
	}
}
