package sip

import (
	"net/netip"
	"strings"
	"time"
)

type simItem struct {
	at    time.Time
	order int
	run   func()
}

type simQueue []simItem

// simPath is one direction between the edge and a side.
type simPath struct{ from, to netip.AddrPort }

func (q simQueue) Len() int { return len(q) }
func (q simQueue) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].order < q[j].order
}
func (q simQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *simQueue) Push(x any)   { *q = append(*q, x.(simItem)) }
func (q *simQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

func (s *sim) transport() transport {
	return []transport{overUDP, overUDP, overTCP, overTLS}[s.rnd.IntN(4)]
}

// stream takes a message through a connection: in order, once, unless it breaks.
func (s *sim) stream(from, to netip.AddrPort, data []byte, deliver, lost func()) {
	s.log("%s => %s: %s", from, to, firstLine(data))
	at := s.now.Add(time.Duration(1+s.rnd.IntN(30)) * time.Millisecond)
	if s.rnd.Float64() < s.broken {
		s.log("  broken")
		s.at(at.Sub(s.now), lost)
		return
	}
	path := simPath{from, to}
	if last := s.arrivals[path]; at.Before(last) {
		at = last
	}
	s.arrivals[path] = at
	s.at(at.Sub(s.now), deliver)
}

// carry takes a datagram through the network.
func (s *sim) carry(from, to netip.AddrPort, data []byte, deliver func()) {
	s.log("%s -> %s: %s", from, to, firstLine(data))
	if s.rnd.Float64() < s.loss {
		s.log("  lost")
		return
	}
	copies := 1
	if s.rnd.Float64() < s.twice {
		copies = 2
	}
	for range copies {
		delay := time.Duration(1+s.rnd.IntN(30)) * time.Millisecond
		if s.rnd.Float64() < s.late {
			delay = time.Duration(s.rnd.IntN(4000)) * time.Millisecond
			if s.rnd.IntN(20) == 0 {
				delay *= 15
			}
		}
		s.at(delay, deliver)
	}
}

func firstLine(b []byte) string {
	line, rest, _ := strings.Cut(string(b), "\r\n")
	for l := range strings.SplitSeq(rest, "\r\n") {
		if strings.HasPrefix(l, "CSeq:") {
			return line + " (" + l + ")"
		}
	}
	return line
}
