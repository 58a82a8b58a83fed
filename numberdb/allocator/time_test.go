package allocator

import (
	"math"
	"testing"
	"time"
)

func TestAfter(t *testing.T) {
	for d, want := range map[time.Duration]tick{
		-time.Hour: 1000, 0: 1000, 1: 1001, tickLength: 1001, tickLength + 1: 1002,
		math.MaxInt64 - 1: never, math.MaxInt64: never,
	} {
		if got := tick(1000).after(d); got != want {
			t.Errorf("%v: %d, want %d", d, got, want)
		}
	}
	if never.after(0) != never {
		t.Error("never ends")
	}
}
