package smpp

import (
	"bytes"
	"sort"

	"maskline/smpp/pdu"
)

// remoteID is a carrier's message id as its response had it. Receipts are joined
// by a normal form; asking about the message takes the form that it gave.
type remoteID struct {
	length byte // 0: not known, or too long to be kept
	text   [maxKeptID]byte
}

// maxKeptID is the longest id that is kept: a UUID.
const maxKeptID = 36

func (r *remoteID) set(id []byte) {
	if len(id) <= maxKeptID {
		r.length = byte(copy(r.text[:], id))
	}
}

func (r *remoteID) bytes() []byte { return r.text[:r.length] }

// maxDisorder is how far from its place by local id a submission may stand:
// sessions that accept at the same moment add theirs in any order.
const maxDisorder = 1024

// find looks up a submission by our message id. They stand nearly in the order
// of these, so no second index is needed.
func (j *joiner) find(local uint64) (submission, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := int(j.next - j.first)
	near := sort.Search(n, func(i int) bool { return j.at(j.first+uint64(i)).local >= local })
	for i := max(near-maxDisorder, 0); i < min(near+maxDisorder, n); i++ {
		if s := j.at(j.first + uint64(i)); s.local == local {
			return *s, true
		}
	}
	return submission{}, false
}

// lookup finds the message that an account names by our id, and the carrier
// that has it.
func (e *Edge) lookup(a *account, id []byte) (*carrier, submission, bool) {
	local, ok := parseID(id)
	if !ok {
		return nil, submission{}, false
	}
	for _, c := range e.carriers {
		if sub, found := c.joiner.find(local); found && sub.account == a.index {
			return c, sub, true
		}
	}
	return nil, submission{}, false
}

// parseID reads what appendID wrote.
func parseID(text []byte) (uint64, bool) {
	if len(text) == 0 || len(text) > 19 {
		return 0, false
	}
	var id uint64
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		id = id*10 + uint64(c-'0')
	}
	return id, true
}

// isFrom reports whether the message was sent from this address.
func (s *submission) isFrom(a pdu.Address) bool {
	return bytes.Equal(s.source.digits[:s.source.length], a.Digits)
}
