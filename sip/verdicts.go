package sip

import (
	"fmt"
	"sync/atomic"
	"time"

	"maskline/sip/message"
)

// verdicts remembers whom a limit of the moment kept out, so that the same request
// gets the same answer although there is room by now: its sender may have gone
// elsewhere. Its size is fixed; where two share a slot the later one is remembered,
// and the other one is judged again.
type verdicts struct {
	slots [1 << 16]verdictSlot
}

// verdictSlot holds one verdict. The sum is the key's and the verdict's, so that
// half of another one is never taken for it.
type verdictSlot struct{ sum, verdict atomic.Uint64 }

// verdict is an answer without a body, and when it was given.
type verdict struct {
	code  int
	cause int
	later bool // with Retry-After
	at    uint32
}

// verdictKept is how long a request may be repeated. RFC 3261 §17.1.1.2, timer B.
const verdictKept = uint32(t64 / time.Second)

func (v verdict) pack() uint64 {
	packed := uint64(v.at)<<32 | uint64(v.code)<<8 | uint64(v.cause)<<1
	if v.later {
		packed |= 1
	}
	return packed
}

func unpackVerdict(p uint64) verdict {
	return verdict{code: int(p >> 8 & 0xFFFF), cause: int(p >> 1 & 0x7F), later: p&1 != 0, at: uint32(p >> 32)}
}

func (t *verdicts) slot(k callKey) *verdictSlot { return &t.slots[k[0]%uint64(len(t.slots))] }

func (t *verdicts) put(k callKey, v verdict, now time.Time) {
	v.at = uint32(now.Unix())
	s, p := t.slot(k), v.pack()
	s.sum.Store(k[1] ^ p)
	s.verdict.Store(p)
}

func (t *verdicts) find(k callKey, now time.Time) (verdict, bool) {
	s := t.slot(k)
	p := s.verdict.Load()
	v := unpackVerdict(p)
	known := p != 0 && s.sum.Load() == k[1]^p && uint32(now.Unix())-v.at <= verdictKept
	return v, known
}

// verdictKey is the transaction, and what tells calls apart for peers that use one
// branch for all.
func verdictKey(k callKey, req *message.Request) callKey {
	return callKey{k[0], k[1] + hash(req.CallID) + uint64(req.CSeq)}
}

// keepOut answers a request that there is no room for now, and remembers that.
func (e *Edge) keepOut(s *socket, t *trunk, req *message.Request, key callKey, v verdict) {
	e.verdicts.put(verdictKey(key, req), v, e.now())
	e.reply(s, t, req, v.reply(req))
}

// isKeptOut answers a request that was kept out before.
func (e *Edge) isKeptOut(s *socket, t *trunk, req *message.Request, key callKey) bool {
	v, known := e.verdicts.find(verdictKey(key, req), e.now())
	if known {
		e.reply(s, t, req, v.reply(req))
	}
	return known
}

func (v verdict) reply(req *message.Request) message.Reply {
	r := message.Reply{Code: v.code, Cause: v.cause}
	if v.later {
		after := leastRetryAfter + hash(req.Branch+req.CallID)%retryAfterSpread // the same for a repeated request
		r.Header = fmt.Sprintf("Retry-After: %d", after)
	}
	return r
}
