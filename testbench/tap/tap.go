// Package tap keeps every frame that a simulated party received, for the leak
// scanner.
package tap

import (
	"slices"
	"sync"
)

// Limit is how many octets a tap keeps; frames beyond it are only counted.
const Limit = 64 << 20

// Tap is a bounded list of received frames: SMPP PDUs or SIP messages. The zero
// value is ready.
type Tap struct {
	mu     sync.Mutex
	frames [][]byte
	octets int
	missed int
}

// Add copies a frame.
func (t *Tap) Add(frame []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.octets+len(frame) > Limit {
		t.missed++
		return
	}
	t.octets += len(frame)
	t.frames = append(t.frames, slices.Clone(frame))
}

// Frames is the frames kept so far; they are never written again.
func (t *Tap) Frames() [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.frames)
}

// Take is Frames, and makes room for as many again.
func (t *Tap) Take() [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	frames := t.frames
	t.frames, t.octets = nil, 0
	return frames
}

// Missed is how many frames were not kept.
func (t *Tap) Missed() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.missed
}
