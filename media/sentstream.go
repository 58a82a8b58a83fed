package media

import "encoding/binary"

// sentStreams are the SSRCs that we send to a side under one key. No index may be
// used twice, or what was said shows: what comes again is not sent again, and a
// stream that begins anew under its SSRC gets another one. // RFC 3711 §9.1
type sentStreams struct {
	random func() uint32
	list   []sentStream
	last   int // the one that was sent last
}

// sentStream is one of them.
type sentStream struct {
	from, as uint32 // as it came, as it leaves
	index    uint64 // the highest: how often the sequence number began again, and it
	recent   uint64 // bit n: the index n before it was sent
	over     bool   // it began anew under another SSRC
}

// next is the SSRC under which a packet leaves, if it may.
func (s *sentStreams) next(ssrc uint32, seq uint16) (uint32, Drop) {
	i := s.find(ssrc)
	if i < 0 {
		if len(s.list) == mostSources {
			return 0, DropSources
		}
		s.list = append(s.list, sentStream{from: ssrc, as: ssrc, index: uint64(seq), recent: 1})
		s.last = len(s.list) - 1
		return ssrc, Relayed
	}
	s.last = i
	return s.list[i].advance(seq, s)
}

// find is the place of the SSRC's latest stream, negative where there is none.
func (s *sentStreams) find(ssrc uint32) int {
	if len(s.list) > 0 && s.list[s.last].from == ssrc && !s.list[s.last].over {
		return s.last
	}
	for i := range s.list {
		if s.list[i].from == ssrc && !s.list[i].over {
			return i
		}
	}
	return -1
}

// advance counts a packet of the stream.
func (t *sentStream) advance(seq uint16, all *sentStreams) (uint32, Drop) {
	ahead := seq - uint16(t.index)
	behind := -ahead
	switch {
	case ahead == 0:
		return 0, DropReplay
	case ahead < 1<<15:
		t.index += uint64(ahead)
		t.recent = t.recent<<ahead | 1
	case behind <= maxMisorder:
		bit := uint64(1) << min(behind, window-1)
		if behind >= window || uint64(behind) > t.index || t.recent&bit != 0 {
			return 0, DropReplay
		}
		t.recent |= bit
	default:
		return all.renew(t, seq)
	}
	return t.as, Relayed
}

// renew gives a stream that begins anew another SSRC. All that it had count
// against the bound.
func (s *sentStreams) renew(t *sentStream, seq uint16) (uint32, Drop) {
	if len(s.list) == mostSources {
		return 0, DropSources
	}
	t.over = true
	fresh := sentStream{from: t.from, as: s.random(), index: uint64(seq), recent: 1}
	s.list = append(s.list, fresh)
	s.last = len(s.list) - 1
	return fresh.as, Relayed
}

func putSSRC(b []byte, ssrc uint32) { binary.BigEndian.PutUint32(b[8:], ssrc) }

// senderOf is the SSRC at the head of a compound.
func senderOf(b []byte) uint32 { return binary.BigEndian.Uint32(b[4:]) }
