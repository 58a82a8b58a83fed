package sip

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timers := newTimers()
		start := time.Now()
		var mu sync.Mutex
		var fired []time.Duration
		note := func() *alarm {
			return &alarm{fire: func() {
				mu.Lock()
				defer mu.Unlock()
				fired = append(fired, time.Since(start))
			}}
		}
		go timers.run()
		a, b, c, d := note(), note(), note(), note()
		timers.set(a, start.Add(3*time.Second))
		timers.set(b, start.Add(2*time.Second))
		timers.set(c, start.Add(90*time.Minute))
		timers.set(d, start.Add(4*time.Second))
		timers.set(a, start.Add(time.Second)) // earlier
		timers.set(b, start.Add(time.Hour))   // later: the earlier one stays
		timers.clear(d)
		timers.clear(d)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		timers.close()
		mu.Lock()
		defer mu.Unlock()
		if want := []time.Duration{time.Second, 2 * time.Second, 90 * time.Minute}; !slices.Equal(fired, want) {
			t.Fatalf("%v, want %v", fired, want)
		}
	})
}

// TestTimersFromWithin sets the next alarm while one fires, as calls do.
func TestTimersFromWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timers := newTimers()
		count := 0
		var a alarm
		a.fire = func() {
			if count++; count < 100 {
				timers.set(&a, time.Now().Add(time.Second))
			}
		}
		timers.set(&a, time.Now())
		go timers.run()
		time.Sleep(200 * time.Second)
		synctest.Wait()
		timers.close()
		synctest.Wait()
		if count != 100 {
			t.Fatalf("fired %d times", count)
		}
	})
}

func BenchmarkTimers(b *testing.B) {
	timers := newTimers()
	all := make([]alarm, 10_000)
	now := time.Now()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a := &all[i%len(all)]
		timers.clear(a)
		timers.set(a, now.Add(time.Duration(i*7919%32_000)*time.Millisecond))
	}
}
