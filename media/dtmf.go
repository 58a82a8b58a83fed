package media

import (
	"encoding/binary"

	"github.com/pion/rtp"
)

// digits are the events 0 to 15. RFC 4733 §3.2.
const digits = "0123456789*#ABCD"

const eventSize = 4 // octets

// telephoneEvent is a packet's payload. RFC 4733 §2.3.
type telephoneEvent struct {
	digit    byte
	end      bool
	duration uint16 // in timestamp units
}

// parseEvent reads the first event of a payload; of what is no key, nothing.
func parseEvent(payload []byte) (telephoneEvent, bool) {
	if len(payload) < eventSize || int(payload[0]) >= len(digits) {
		return telephoneEvent{}, false
	}
	return telephoneEvent{
		digit: digits[payload[0]], end: payload[1]&0x80 != 0, duration: binary.BigEndian.Uint16(payload[2:]),
	}, true
}

// keypad reads keys from the packets of one side. It is under the session's lock.
type keypad struct {
	payloadType uint8
	heard       bool // one at all: the rest is of the last one
	last        telephoneEvent
	ssrc        uint32
	timestamp   uint32
}

// Listen asks for the keys that a side presses as telephone events of this
// payload type (RFC 4733): Options.OnDigit is called for each, once, at its
// beginning. They are relayed as well. Above 127: no more.
func (s *Session) Listen(which Side, payloadType uint8) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reclaim()
	switch d := &s.sides[which]; {
	case payloadType < 128:
		d.rarely().keypad = &keypad{payloadType: payloadType}
	case d.seldom != nil:
		d.seldom.keypad = nil
	}
}

// press reads a packet that passed the checks, and returns a key that is new.
// One event is told by its timestamp, however many packets speak of it; those of
// a longer one that goes on under a new timestamp count as the same.
// RFC 4733 §2.5.1.
func (k *keypad) press(h *rtp.Header, b []byte) (byte, bool) {
	if h.PayloadType != k.payloadType {
		return 0, false
	}
	e, ok := parseEvent(payloadOf(b, h.Padding))
	if !ok {
		return 0, false
	}
	before, at := *k, h.Timestamp
	if before.heard && before.ssrc == h.SSRC {
		switch step := at - before.timestamp; {
		case step == 0:
			k.last.end = before.last.end || e.end
			k.last.duration = max(before.last.duration, e.duration)
			return 0, false
		case int32(step) < 0:
			return 0, false // late, of one before
		case !before.last.end && !h.Marker && e.digit == before.last.digit && step == uint32(before.last.duration):
			k.timestamp, k.last = at, e
			return 0, false
		}
	}
	k.heard, k.ssrc, k.timestamp, k.last = true, h.SSRC, at, e
	return e.digit, true
}

// listen tells the session's owner of a key in a packet of this side.
func (d *side) listen(s *Session, b []byte, w *work) {
	if digit, ok := d.keypad().press(&w.header, b); ok {
		if s.waiting < mostNotices {
			w.total.digits.Add(1)
			s.note(notice{side: d.rtp.side, digit: digit})
		} else {
			w.total.digitsLost.Add(1)
		}
	}
}

// payloadOf is a packet without header and padding. The packet has passed
// parseRTP.
func payloadOf(b []byte, padded bool) []byte {
	n := rtpHeader + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		n += 4 + 4*int(binary.BigEndian.Uint16(b[n+2:]))
	}
	end := len(b)
	if padded {
		end -= int(b[end-1])
	}
	return b[n:max(n, end)]
}
