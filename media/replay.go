package media

import "github.com/pion/transport/v4/replaydetector"

// replay knows the packets of one SSRC that came lately. It allocates nothing for
// a packet. // RFC 3711 §3.3.2
type replay struct {
	begun    bool
	latest   uint64
	recent   [replayWindow / 64]uint64 // bit n: the index n before latest came
	judged   uint64
	accepted func() bool
}

func newReplay() replaydetector.ReplayDetector {
	r := &replay{}
	r.accepted = r.accept
	return r
}

// Check reports whether an index may be new; accept marks it once its packet is
// proven.
func (r *replay) Check(index uint64) (accept func() bool, ok bool) {
	r.judged = index
	if r.begun && index <= r.latest {
		behind := r.latest - index
		if behind >= replayWindow || r.recent[behind/64]>>(behind%64)&1 != 0 {
			return r.accepted, false
		}
	}
	return r.accepted, true
}

func (r *replay) accept() bool {
	if r.begun && r.judged <= r.latest {
		behind := r.latest - r.judged
		r.recent[behind/64] |= 1 << (behind % 64)
		return false
	}
	ahead := r.judged - r.latest
	r.begun, r.latest = true, r.judged
	r.shift(ahead)
	r.recent[0] |= 1
	return true
}

// shift makes room for as many newer ones.
func (r *replay) shift(n uint64) {
	if n >= replayWindow {
		r.recent = [replayWindow / 64]uint64{}
		return
	}
	if n >= 64 {
		r.recent[1], r.recent[0] = r.recent[0], 0
		n -= 64
	}
	r.recent[1] = r.recent[1]<<n | r.recent[0]>>(64-n)
	r.recent[0] <<= n
}
