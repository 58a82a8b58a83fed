//go:build race

package numberdb

import "sync/atomic"

// The race detector cannot see memory outside of the heap.
type engine = plain

func newEngine() *engine { return newPlain() }

// paused is what a test does before each access to what readers and the writer share.
var paused atomic.Pointer[func()]

func pause() {
	if do := paused.Load(); do != nil {
		(*do)()
	}
}

// lay writes as the race detector wants it, and in one order or the other: nobody may
// rely on any.
func (r *record) lay(content *record) {
	backward := content[wordState]&2 != 0
	for i := range content {
		if backward {
			i = len(content) - 1 - i
		}
		r.store(i, content[i])
	}
}
