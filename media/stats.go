package media

import (
	"net/netip"
	"time"
)

// Flow is an amount of datagrams; octets are those of the UDP payload.
type Flow struct{ Packets, Octets uint64 }

// SideStats is what passed between us and one side.
type SideStats struct {
	Received Flow // RTP from this side that passed every check
	Sent     Flow // RTP to this side

	// Of what this side sent: missing sequence numbers, packets out of order,
	// packets that came twice, and new beginnings (SSRC or sequence).
	Lost, Late, Duplicates, Restarts uint64
	// Jitter is the interarrival jitter of RFC 3550.
	Jitter time.Duration

	RTCPReceived, RTCPSent uint64 // compounds

	// Dropped counts packets from this side that went nowhere. Once the address
	// is latched the kernel drops most strangers before they are counted here.
	Dropped Drops
	// Source is the latched address of RTP; zero before the first packet.
	Source netip.AddrPort
}

// Stats is a snapshot of a session.
type Stats struct{ A, B SideStats }

func (s *side) stats() SideStats {
	return SideStats{
		Received:     Flow{s.stream.packets, s.stream.octets},
		Sent:         s.sent,
		Lost:         s.stream.lost + s.stream.missing(),
		Late:         uint64(s.stream.late),
		Duplicates:   uint64(s.stream.duplicates),
		Restarts:     uint64(s.stream.restarts),
		Jitter:       s.stream.jitterTime(s.clock),
		RTCPReceived: uint64(s.rtcpReceived),
		RTCPSent:     uint64(s.rtcpSent),
		Dropped:      s.drops,
		Source:       s.rtp.latch.source,
	}
}
