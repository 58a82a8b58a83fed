package ledger

// chunkSize is where a group of submissions is full. A group is one row.
const chunkSize = 256 << 10

// chunk is a group of submissions as it will be sealed.
type chunk struct {
	records []byte
	count   int
	newest  int64 // microseconds
}

// chunks is a queue of submissions. It holds no pointers to what callers gave.
type chunks struct {
	full   []chunk
	last   chunk
	octets int
	free   [][]byte // buffers to use again
}

func (q *chunks) add(s *Submission) {
	if q.last.records == nil {
		q.last.records = q.buffer()
	}
	before := len(q.last.records)
	q.last.records = appendSubmission(q.last.records, s)
	q.octets += len(q.last.records) - before
	q.last.count++
	q.last.newest = max(q.last.newest, s.At.UnixMicro())
	if len(q.last.records) >= chunkSize {
		q.full = append(q.full, q.last)
		q.last = chunk{}
	}
}

func (q *chunks) buffer() []byte {
	if n := len(q.free); n > 0 {
		b := q.free[n-1]
		q.free = q.free[:n-1]
		return b
	}
	return make([]byte, 0, chunkSize+8*maxText)
}

// take empties the queue but for its count of octets, which release lowers when
// they are written.
func (q *chunks) take() []chunk {
	taken := q.full
	if q.last.count > 0 {
		taken = append(taken, q.last)
	}
	q.full, q.last = nil, chunk{}
	return taken
}

const keptBuffers = 8

func (q *chunks) release(written []chunk) {
	for _, c := range written {
		q.octets -= len(c.records)
		if len(q.free) < keptBuffers {
			q.free = append(q.free, c.records[:0])
		}
	}
}
