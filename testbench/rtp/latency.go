package rtp

import (
	"math/bits"
	"time"
)

const latencySteps = 8 // per doubling: values are told to an eighth

// Latency is a histogram of durations from a microsecond to a minute.
type Latency struct {
	counts [27 * latencySteps]uint32
	total  uint64
}

func (l *Latency) add(d time.Duration) {
	us := uint64(max(d, 0) / time.Microsecond)
	i := int(us)
	if us >= latencySteps {
		shift := bits.Len64(us) - 4
		i = (shift+1)*latencySteps + int(us>>shift)&(latencySteps-1)
	}
	l.counts[min(i, len(l.counts)-1)]++
	l.total++
}

// Quantile is the duration that the part q of all does not exceed.
func (l *Latency) Quantile(q float64) time.Duration {
	var seen uint64
	for i, n := range l.counts {
		if seen += uint64(n); n > 0 && float64(seen) >= q*float64(l.total) {
			us := i + 1
			if i >= latencySteps {
				us = (i%latencySteps + latencySteps + 1) << (i/latencySteps - 1)
			}
			return time.Duration(us) * time.Microsecond
		}
	}
	return 0
}

// Merge adds the values of another histogram.
func (l *Latency) Merge(o *Latency) {
	for i, n := range o.counts {
		l.counts[i] += n
	}
	l.total += o.total
}

// Sub takes away what an earlier state of the same histogram held.
func (l *Latency) Sub(o *Latency) {
	for i, n := range o.counts {
		l.counts[i] -= n
	}
	l.total -= o.total
}
