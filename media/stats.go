package media

import (
	"net/netip"
	"time"
)

// Flow is an amount of datagrams; octets are those of the UDP payload.
type Flow struct{ Packets, Octets uint64 }

// SideStats is what passed between us and one side.
type SideStats struct {
	Received Flow // RTP and datagrams from this side that passed every check
	Sent     Flow // RTP and datagrams to this side
	// Datagrams are those received that were no RTP: they are not rated.
	Datagrams uint64

	// Of what this side sent: missing sequence numbers, packets out of order,
	// packets that came twice, and new beginnings (SSRC or sequence).
	Lost, Late, Duplicates, Restarts uint64
	// Bursts are the gaps that the missing numbers make.
	Bursts uint64
	// Jitter is the interarrival jitter of RFC 3550.
	Jitter time.Duration
	// RoundTrip is the way from us to this side and back, by the reports that
	// pass; zero where they do not tell.
	RoundTrip time.Duration
	// OneWay tells that once, after the answer, this side was not heard for ten
	// seconds while the other one was sending.
	OneWay bool
	Quality

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
	lost := uint64(s.stream.lost) + s.stream.missing()
	return SideStats{
		Received:     Flow{s.stream.packets, s.stream.octets},
		Sent:         s.sent,
		Datagrams:    s.noRTP(),
		Lost:         lost,
		Late:         uint64(s.stream.late),
		Duplicates:   uint64(s.stream.duplicates),
		Restarts:     uint64(s.stream.restarts),
		Bursts:       min(uint64(s.stream.bursts), lost),
		Jitter:       s.stream.jitterTime(s.clock),
		RoundTrip:    s.echo.roundTrip(),
		OneWay:       s.unheard,
		RTCPReceived: uint64(s.rtcpReceived),
		RTCPSent:     uint64(s.rtcpSent),
		Dropped:      s.dropped(),
		Source:       s.rtp.latch.source.unpack(),
	}
}
