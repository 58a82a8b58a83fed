package await

import (
	"testing"
	"time"
)

// The pauses between two looks double from the shortest to the longest. After a
// look that takes long they are share times as long as it, within reason.
const (
	shortest = 100 * time.Microsecond
	longest  = 10 * time.Millisecond
	share    = 10
	reason   = 500 * time.Millisecond
)

// That waits until ok, and ends the test where that takes longer than patience.
func That(t testing.TB, patience time.Duration, what string, ok func() bool) {
	t.Helper()
	if !Within(patience, ok) {
		t.Fatalf("not within %v: %s", patience, what)
	}
}

// From waits for what comes from a channel, and ends the test where that takes
// longer than patience.
func From[T any](t testing.TB, patience time.Duration, what string, from <-chan T) (came T) {
	t.Helper()
	select {
	case came = <-from:
	case <-time.After(patience):
		t.Fatalf("not within %v: %s", patience, what)
	}
	return came
}

// Within waits until ok, for patience at most, and reports whether it came to that.
// Its last look begins when patience is over.
func Within(patience time.Duration, ok func() bool) bool {
	end := time.Now().Add(patience)
	for pause := shortest; ; pause = min(2*pause, longest) {
		began := time.Now()
		if ok() {
			return true
		}
		if !began.Before(end) {
			return false
		}
		time.Sleep(min(max(pause, min(share*time.Since(began), reason)), time.Until(end)))
	}
}
