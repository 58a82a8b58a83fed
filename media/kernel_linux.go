package media

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// openKernel is steer with the program of kernel_program_linux.go before it: RTP
// of a latched source that is relayed as it came never reaches user space.
func openKernel(cfg Config, total *counters, now clock, log *zap.Logger) (backend, error) {
	if cfg.Addr.IsUnspecified() {
		return nil, errors.New("kernel needs one address of this host in media.addr")
	}
	forward, err := newForwarding(cfg, now)
	if err != nil {
		return nil, err
	}
	b, err := openSteer(cfg, total, now, log)
	if err != nil {
		forward.close()
		return nil, err
	}
	s := b.(*steer)
	s.forward = forward
	return s, nil
}

// flow is one port's entry in the kernel. It is under the session's lock.
type flow struct {
	forward *forwarding
	counted [2]uint64 // packets and octets that user space knows of
	missed  uint32    // and expected, late, twice
	late    uint32
	twice   uint32
	clock   uint32
	index   uint16
	active  bool
	refused bool // by the map
}

func (b *flow) offset(field int64) int64 { return int64(b.index)*flowSize + field }

func (b *flow) switchTo(on uint32) error {
	var w [4]byte
	binary.NativeEndian.PutUint32(w[:], on)
	_, err := b.forward.memory.WriteAt(w[:], b.offset(flowOn))
	return err
}

// reaches reports whether packets to a peer leave by the interface that the
// program is at: over loopback, or where the system would send from our address.
func (b *flow) reaches(to netip.Addr) bool {
	f := b.forward
	if b.refused {
		return false
	}
	if f.loopback || to.IsLoopback() || to == f.own {
		return f.loopback && to.IsLoopback()
	}
	return f.routes.ours(to)
}

// ahead is by how much the kernel's clock is before the relay's, in units of the
// stream's.
func (b *flow) ahead() uint32 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // never fails
	units := func(d time.Duration) uint32 { return uint32(uint64(d/time.Microsecond) * uint64(b.clock) / 1e6) }
	return units(time.Duration(t.Nano())) - units(b.forward.now())
}

// begin hands a stream to the kernel from its next packet on, unless the map has
// no room for it.
func (b *flow) begin(c *shortcut, s *stream) bool {
	var e [flowSize]byte
	putAddr(e[flowSource:], c.source.Addr())
	size := putAddr(e[flowOut:], c.from.Addr())
	putAddr(e[flowOut+size:], c.to.Addr())
	binary.BigEndian.PutUint16(e[flowSrcPort:], c.source.Port())
	binary.BigEndian.PutUint16(e[flowOutPorts:], c.from.Port())
	binary.BigEndian.PutUint16(e[flowOutPorts+2:], c.to.Port())
	if e[flowHops] = hopLimit; c.to.Addr().Is4() {
		e[flowClass], e[flowClass+1] = 4<<4|ip4Header/4, c.dscp<<2
	} else {
		binary.BigEndian.PutUint32(e[flowClass:], 6<<28|uint32(c.dscp)<<22) // without a flow label
	}
	binary.BigEndian.PutUint32(e[flowSSRC:], s.ssrc)
	binary.NativeEndian.PutUint64(e[flowPayloads:], c.payloads[0])
	binary.NativeEndian.PutUint64(e[flowPayloads+8:], c.payloads[1])
	b.clock = c.clock
	binary.NativeEndian.PutUint32(e[flowLast:], uint32(s.last))
	binary.NativeEndian.PutUint32(e[flowJitter:], s.jitter)
	binary.NativeEndian.PutUint32(e[flowTransit:], s.transit+b.ahead())
	binary.NativeEndian.PutUint32(e[flowStamp:], s.timestamp)
	binary.NativeEndian.PutUint32(e[flowClock:], c.clock)
	b.counted, b.missed, b.late, b.twice = [2]uint64{}, 0, 0, 0
	_, err := b.forward.memory.WriteAt(e[:], b.offset(0)) // off as yet
	if err == nil {
		err = b.switchTo(1)
	}
	b.active, b.refused = err == nil, err != nil
	return b.active
}

// putAddr writes an address as packets hold it, and returns its size.
func putAddr(b []byte, a netip.Addr) int {
	if a.Is4() {
		v4 := a.As4()
		return copy(b, v4[:])
	}
	v6 := a.As16()
	return copy(b, v6[:])
}

// read moves what the kernel has counted into the stream, and returns how many
// packets and octets that is.
func (b *flow) read(s *stream) (packets, octets uint64) {
	var e [flowSize]byte
	_, _ = b.forward.memory.ReadAt(e[:], b.offset(0))
	word := func(field int) uint32 { return binary.NativeEndian.Uint32(e[field:]) }
	now := [2]uint64{binary.NativeEndian.Uint64(e[flowPackets:]), binary.NativeEndian.Uint64(e[flowOctets:])}
	packets, octets = now[0]-b.counted[0], now[1]-b.counted[1]
	if packets == 0 {
		return 0, 0
	}
	expected, late, twice := word(flowExpected)-b.missed, word(flowLate)-b.late, word(flowTwice)-b.twice
	b.counted, b.missed, b.late, b.twice = now, word(flowExpected), word(flowLate), word(flowTwice)
	s.packets += packets
	s.octets += octets
	s.expected += expected
	s.bursts += gaps(expected, uint32(packets), late, twice)
	s.unique += uint32(packets) - twice
	s.late += late
	s.duplicates += twice
	// What is missing is taken for the oldest: it may still wait in the socket, from
	// before the kernel took over.
	s.last, s.recent = uint16(word(flowLast)), s.recent<<expected|(1<<(uint32(packets)-late-twice)-1)
	s.jitter, s.timestamp, s.transit = word(flowJitter), word(flowStamp), word(flowTransit)-b.ahead()
	return packets, octets
}

// end takes the stream back. What the kernel has counted is still to be read.
func (b *flow) end() { _ = b.switchTo(0) } // it was within the map

func (b *flow) done() { b.active = false }

func (b *flow) open() bool { return b.active }

// gaps takes what the kernel missed as gaps of one packet each: it does not tell
// how they lie.
func gaps(expected, packets, late, twice uint32) uint32 {
	if came := packets - late - twice; expected > came {
		return expected - came
	}
	return 0
}
