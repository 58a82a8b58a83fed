package numberdb

import (
	"container/heap"
	"context"
	"fmt"
	"slices"
)

// waiter waits until the table holds everything up to a position.
type waiter struct {
	position Position
	reached  chan struct{} // closed by who advances
	place    int           // in the heap, or left
}

const left = -1 // the place of a waiter that is in no heap

// waiters is a heap, the lowest position first: who advances wakes only those that
// are done.
type waiters []*waiter

func (w waiters) Len() int           { return len(w) }
func (w waiters) Less(i, j int) bool { return w[i].position < w[j].position }

func (w waiters) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].place, w[j].place = i, j
}

// Push implements heap.Interface.
func (w *waiters) Push(x any) {
	last := x.(*waiter) //nolint:forcetypeassert // nothing else is pushed
	last.place = len(*w)
	*w = append(*w, last)
}

// Pop implements heap.Interface.
func (w *waiters) Pop() any {
	end := len(*w) - 1
	last := (*w)[end]
	last.place = left
	(*w)[end] = nil
	*w = (*w)[:end]
	return last
}

// advance tells that the table holds everything up to the position, and the commits
// of the positions that are reached by themselves.
func (s *Syncer) advance(position Position, reached []Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.position = position
	for p := range s.reached {
		if p <= position {
			delete(s.reached, p)
		}
	}
	for _, p := range reached {
		if p > position {
			s.reached[p] = struct{}{}
		}
	}
	for len(s.waiting) > 0 && s.waiting[0].position <= position {
		close(heap.Pop(&s.waiting).(*waiter).reached) //nolint:forcetypeassert // nothing else was pushed
	}
	if len(s.waiting) == 0 || len(reached) == 0 {
		return
	}
	for _, w := range slices.Clone(s.waiting) {
		if slices.Contains(reached, w.position) {
			heap.Remove(&s.waiting, w.place)
			w.place = left
			close(w.reached)
		}
	}
}

// WaitFor returns once the table holds everything up to the position.
func (s *Syncer) WaitFor(ctx context.Context, position Position) error {
	w := s.wait(position)
	if w == nil {
		return nil
	}
	select {
	case <-w.reached:
		return nil
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		if w.place < 0 {
			return nil
		}
		heap.Remove(&s.waiting, w.place)
		return fmt.Errorf("waiting for the table: %w", ctx.Err())
	}
}

// wait is nil where the position is reached already.
func (s *Syncer) wait(position Position) *waiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, reached := s.reached[position]; s.loaded.Load() && (reached || s.position >= position) {
		return nil
	}
	w := &waiter{position: position, reached: make(chan struct{})}
	heap.Push(&s.waiting, w)
	return w
}
