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
		if gather, yield := r.due(tt.n, now); gather > 0 != tt.gather || yield != tt.yield {
			t.Errorf("%s: gather %v, yield %v; want %v, %v", tt.name, gather, yield, tt.gather, tt.yield)
		}
	}
}

// The more datagrams come, the longer a rest, by what came on average and not by how dense a burst
// is.
func TestRestsAreLongerWhereManyCome(t *testing.T) {
	for _, tt := range []struct {
		name  string
		burst int // every millisecond, one each 10 µs
		want  time.Duration
	}{
		{"100 calls", 10, gatherFor},
		{"500 calls", 50, gatherFor},
		{"740 calls", 74, gatherFor},
		{"760 calls", 76, gatherManyFor},
		{"1,000 calls", 100, gatherManyFor},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, start := rhythm{}, time.Second
			for now := start; now < start+time.Second; now += time.Millisecond {
				for i := range tt.burst {
					gather, _ := r.due(1, now+time.Duration(i)*10*time.Microsecond)
					if late := now > start+100*time.Millisecond; late && i > 0 && gather != tt.want {
						t.Fatalf("after %v it rests for %v, want %v", now-start, gather, tt.want)
					}
				}
			}
		})
	}
}
