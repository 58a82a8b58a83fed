package capture

import (
	"encoding/binary"
	"net/netip"
)

// Stream is what one side of a TCP connection sent, in order.
type Stream struct {
	From, To netip.AddrPort
	Data     []byte

	next  uint32            // sequence number of the octet after Data
	early map[uint32][]byte // segments after a gap
}

type flow struct{ from, to netip.AddrPort }

const (
	flagSYN   = 0x02
	tcpHeader = 20
)

// segment adds what a TCP segment carries. A connection begins with its SYN;
// one that stood before the recording began is left out.
func (r *Recording) segment(f flow, b []byte, connections map[flow]*Stream) error {
	if len(b) < tcpHeader {
		return errPacket
	}
	offset := int(b[12]>>4) * 4
	if offset < tcpHeader || offset > len(b) {
		return errPacket
	}
	sequence, payload := binary.BigEndian.Uint32(b[4:]), b[offset:]
	if b[13]&flagSYN != 0 {
		s := connections[f]
		if s != nil && s.next == sequence+1 && len(s.Data) == 0 {
			return nil // the SYN again
		}
		s = &Stream{From: f.from, To: f.to, next: sequence + 1, early: map[uint32][]byte{}}
		connections[f] = s
		r.Streams = append(r.Streams, s)
		return nil
	}
	if s := connections[f]; s != nil && len(payload) > 0 {
		s.add(sequence, payload)
	}
	return nil
}

// add puts octets where they belong: what was sent before is skipped, what comes
// too early waits.
func (s *Stream) add(sequence uint32, payload []byte) {
	ahead := int32(sequence - s.next)
	if ahead > 0 {
		s.early[sequence] = payload
		return
	}
	if int(-ahead) < len(payload) {
		fresh := payload[-ahead:]
		s.Data = append(s.Data, fresh...)
		s.next += uint32(len(fresh))
	}
	for sequence, payload := range s.early {
		if int32(sequence-s.next) <= 0 {
			delete(s.early, sequence)
			s.add(sequence, payload)
			return
		}
	}
}
