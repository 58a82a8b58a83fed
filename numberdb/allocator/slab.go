package allocator

// slab holds records in chunks, so that growing copies nothing. Records are
// named by their index; 0 names none.
type slab[T any] struct {
	chunks [][]T
	free   []uint32
	next   uint32
}

const (
	chunkBits = 13
	chunkSize = 1 << chunkBits
)

// at is the record; that of 0 is zero.
func (s *slab[T]) at(i uint32) *T { return &s.chunks[i>>chunkBits][i&(chunkSize-1)] }

// add makes a zero record.
func (s *slab[T]) add() (uint32, *T) {
	if last := len(s.free) - 1; last >= 0 {
		i := s.free[last]
		s.free = s.free[:last]
		return i, s.at(i)
	}
	s.next++
	s.grow()
	return s.next, s.at(s.next)
}

func (s *slab[T]) grow() {
	if int(s.next>>chunkBits) >= len(s.chunks) {
		s.chunks = append(s.chunks, make([]T, chunkSize))
	}
}

func (s *slab[T]) remove(i uint32) {
	var zero T
	*s.at(i) = zero
	s.free = append(s.free, i)
}

func (s *slab[T]) count() int { return int(s.next) - len(s.free) }

// each yields the index of every record that ever was; a removed one is zero.
func (s *slab[T]) each(yield func(uint32) bool) {
	for i := uint32(1); i <= s.next; i++ {
		if !yield(i) {
			return
		}
	}
}
