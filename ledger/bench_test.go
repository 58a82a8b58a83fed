package ledger

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkHold is 256 callers that each wait for their receipt to be durable.
func BenchmarkHold(b *testing.B) {
	l := open(b, Config{Dir: b.TempDir()})
	defer closeIt(b, l)
	const callers = 256
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			answered := make(chan error, 1)
			done := func(err error) { answered <- err }
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				l.Hold(receipt(int(n)), done)
				if err := <-answered; err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
}

// BenchmarkSent notes as fast as it can; what is dropped is reported.
func BenchmarkSent(b *testing.B) {
	l := open(b, Config{Dir: b.TempDir()})
	s := submission(1)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		l.Sent(s)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "notes/s")
	closeIt(b, l)
	b.ReportMetric(value(b, l.metrics.dropped)/float64(b.N), "dropped/note")
}

// BenchmarkSentPaced notes 200,000 a second for as long as the benchmark runs,
// in bursts of a millisecond, and reports what was dropped.
func BenchmarkSentPaced(b *testing.B) {
	l := open(b, Config{Dir: b.TempDir()})
	s := submission(1)
	started := time.Now()
	b.ResetTimer()
	for n := range b.N {
		l.Sent(s)
		if n%200 == 0 {
			<-time.After(time.Until(started.Add(time.Duration(n) * 5 * time.Microsecond)))
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "notes/s")
	closeIt(b, l)
	b.ReportMetric(value(b, l.metrics.dropped)/float64(b.N), "dropped/note")
}
