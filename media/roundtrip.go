package media

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"
)

// mostRoundTrip bounds what is believed: more is a fault of the peer's clock.
const mostRoundTrip = 10 * time.Second

// echo measures the round trip between us and one side. A sender report of the
// other side passes us on its way to it; when this side's report tells how long
// ago it came, the rest of the time since then was spent on the way. We need no
// reports of our own for that, which would speak beside the parties'.
// // RFC 3550 §6.4.1
type echo struct {
	passed uint32 // when the report went to this side, in microseconds that wrap
	stamp  uint32 // middle of its NTP time; 0: none
	trip   uint32 // microseconds, smoothed; 0: unknown
}

// pass notes the sender report in a compound of ours that goes to the side.
func (e *echo) pass(compound []byte, now time.Duration) {
	eachReport(compound, func(kind rtcp.PacketType, b []byte) {
		if kind == rtcp.TypeSenderReport && len(b) >= 28 {
			e.stamp, e.passed = binary.BigEndian.Uint32(b[10:]), uint32(now/time.Microsecond)
		}
	})
}

// hear takes the reports in a compound of ours that came from the side.
func (e *echo) hear(compound []byte, now time.Duration) {
	eachReport(compound, func(kind rtcp.PacketType, b []byte) {
		at := 8
		if kind == rtcp.TypeSenderReport {
			at = 28
		}
		for range int(b[0] & 0x1f) {
			if at+24 > len(b) {
				return
			}
			e.sample(binary.BigEndian.Uint32(b[at+16:]), binary.BigEndian.Uint32(b[at+20:]), now)
			at += 24
		}
	})
}

// sample takes the last sender report that a report names and how long it was
// kept, in 1/65536 s.
func (e *echo) sample(stamp, kept uint32, now time.Duration) {
	if stamp == 0 || stamp != e.stamp {
		return
	}
	age := time.Duration(uint32(now/time.Microsecond)-e.passed) * time.Microsecond
	trip := age - time.Duration(uint64(kept)*uint64(time.Second)>>16)
	if trip < -time.Millisecond || trip > mostRoundTrip {
		return // by less, clocks may differ
	}
	us := uint32(max(trip/time.Microsecond, 1))
	if e.trip != 0 {
		us = uint32((7*uint64(e.trip) + uint64(us)) / 8)
	}
	e.trip = us
}

// roundTrip is zero while it is unknown.
func (e *echo) roundTrip() time.Duration { return time.Duration(e.trip) * time.Microsecond }

// eachReport visits the sender and receiver reports of a compound that
// [rewriteRTCP] built.
func eachReport(b []byte, visit func(rtcp.PacketType, []byte)) {
	for len(b) >= 8 {
		size := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if size > len(b) {
			return
		}
		if kind := rtcp.PacketType(b[1]); kind == rtcp.TypeSenderReport || kind == rtcp.TypeReceiverReport {
			visit(kind, b[:size])
		}
		b = b[size:]
	}
}
