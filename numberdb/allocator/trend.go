package allocator

import (
	"math"
	"time"
)

// sample is how many masks a pool needed at most in one hour.
type sample struct {
	Hour int
	Need float64
}

const trendHours = 14 * 24

// trend is what a pool needed of late.
type trend struct {
	samples   []sample // of past hours, at most trendHours
	now       sample   // of this hour
	reuse     [2]float64
	exhausted counts
}

func (t *trend) note(hour int, need, reuse float64) {
	if hour != t.now.Hour {
		if t.now.Need > 0 {
			if len(t.samples) == trendHours {
				t.samples = append(t.samples[:0], t.samples[1:]...)
			}
			t.samples = append(t.samples, t.now)
		}
		t.reuse[1] = t.reuse[0]
		if hour > t.now.Hour+1 {
			t.reuse[1] = 0
		}
		t.now, t.reuse[0] = sample{Hour: hour}, 0
	}
	t.now.Need = max(t.now.Need, need)
	if reuse > 0 && (t.reuse[0] == 0 || reuse < t.reuse[0]) {
		t.reuse[0] = reuse
	}
}

// distance is the shortest reuse distance of this hour and the one before.
func (t *trend) distance() time.Duration {
	d := t.reuse[0]
	if d == 0 || t.reuse[1] > 0 && t.reuse[1] < d {
		d = t.reuse[1]
	}
	return time.Duration(min(d*float64(time.Second), math.MaxInt64/2))
}

// reuseDistance is how long it takes at least until a party that begins a
// session each interval is shown the same mask for somebody else: a round
// through all masks, or the quarantine where that is longer.
func reuseDistance(masks int, interval, quarantine time.Duration) time.Duration {
	return max(time.Duration(masks)*interval, quarantine)
}

// forecast tells in how many days a pool of size masks is exhausted if its need
// goes on as in the samples: +Inf where it does not grow, or not more than it
// varies. It is false with fewer than six hours, which tell nothing.
//
// From three days on, the peaks of whole days are compared, so that a day's ups
// and downs are no trend.
func forecast(samples []sample, size int) (days float64, ok bool) {
	if len(samples) == 0 {
		return 0, false
	}
	last := samples[len(samples)-1]
	if last.Need >= float64(size) {
		return 0, true
	}
	points := dayPeaks(samples)
	if len(points) < 3 {
		points = points[:0]
		for _, s := range samples {
			points = append(points, point{float64(s.Hour-last.Hour) / 24, s.Need})
		}
	}
	if len(samples) < 6 {
		return 0, false
	}
	slope, level, doubt := line(points)
	level = max(level, points[len(points)-1].y)
	if slope <= 0 || slope < 2*doubt {
		return math.Inf(1), true
	}
	return max(0, (float64(size)-level)/slope), true
}

// point is a need at a time in days, where 0 is now.
type point struct{ x, y float64 }

// dayPeaks are the peaks of the periods of 24 hours that end with the last
// sample, without the first where it is mostly missing.
func dayPeaks(samples []sample) []point {
	last, first := samples[len(samples)-1].Hour, samples[0].Hour
	count := (last-first)/24 + 1
	if (last-first)%24 < 11 {
		count--
	}
	peaks := make([]point, max(count, 0))
	for i := range peaks {
		peaks[i].x = float64(i - count + 1)
	}
	for _, s := range samples {
		if i := count - 1 - (last-s.Hour)/24; i >= 0 {
			peaks[i].y = max(peaks[i].y, s.Need)
		}
	}
	kept := peaks[:0]
	for _, p := range peaks {
		if p.y > 0 {
			kept = append(kept, p)
		}
	}
	return kept
}

// line is the least squares' line through points: its slope, its level at 0, and
// the standard error of the slope.
func line(points []point) (slope, level, doubt float64) {
	n := float64(len(points))
	var x, y float64
	for _, p := range points {
		x, y = x+p.x/n, y+p.y/n
	}
	var xx, xy float64
	for _, p := range points {
		xx += (p.x - x) * (p.x - x)
		xy += (p.x - x) * (p.y - y)
	}
	if xx == 0 {
		return 0, y, 0
	}
	slope = xy / xx
	level = y - slope*x
	var rest float64
	for _, p := range points {
		d := p.y - level - slope*p.x
		rest += d * d
	}
	if n > 2 {
		doubt = math.Sqrt(rest / (n - 2) / xx)
	}
	return slope, level, doubt
}
