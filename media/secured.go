package media

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

const (
	replayWindow = 128 // packets; RFC 3711 §3.3.2 wants 64 at least
	tagRoom      = 20  // octets that protection adds at most: a tag, and the index of SRTCP

	// mostSources bounds the SSRCs that are kept under one key, in each direction.
	// Their counters may never be forgotten while it is used. // RFC 3711 §9.1
	mostSources = 64
)

// secured is a side's SRTP, a context for each direction. It is under the
// session's lock. // RFC 3711
type secured struct {
	keys    SRTP
	in, out *srtp.Context
	header  rtp.Header // the library's, of what is sent

	heard, heardRTCP ssrcs // SSRCs that the side has proven to be its own
	sentRTCP         ssrcs
	streams          sentStreams
}

// ssrcs are those of one context.
type ssrcs struct {
	last  uint32
	count int
}

// secure returns the contexts for keys, of which those that are not new go on
// where they were: a counter that began again would show what was said.
func secure(before *secured, keys *SRTP, random func() uint32) (*secured, error) {
	if keys.Suite == PlainRTP {
		return nil, nil
	}
	s := &secured{keys: *keys, streams: sentStreams{random: random}}
	var err error
	if before != nil && before.keys.Suite == keys.Suite && before.keys.Ours.equal(keys.Ours) {
		s.out, s.streams, s.sentRTCP = before.out, before.streams, before.sentRTCP
	} else if s.out, err = keys.context(keys.Ours); err != nil {
		return nil, err
	}
	if before != nil && before.keys.Suite == keys.Suite && before.keys.Theirs.equal(keys.Theirs) {
		s.in, s.heard, s.heardRTCP = before.in, before.heard, before.heardRTCP
	} else if s.in, err = keys.context(keys.Theirs); err != nil {
		return nil, err
	}
	return s, nil
}

var errContext = errors.New("making an SRTP context")

// context is that of one direction. The library's errors may hold the key, so
// they go no further.
func (s *SRTP) context(k MasterKey) (*srtp.Context, error) {
	octets := k.octets()
	size, salt := s.Suite.lengths()
	c, err := srtp.CreateContext(octets[:size], octets[size:size+salt], s.Suite.profile(),
		srtp.SRTPReplayDetectorFactory(newReplay), srtp.SRTCPReplayDetectorFactory(newReplay))
	if err != nil {
		return nil, errContext
	}
	return c, nil
}

// open takes the protection off an RTP packet, in place.
func (s *secured) open(b []byte, h *rtp.Header) ([]byte, Drop) {
	if d := protectable(b); d != Relayed {
		return nil, d
	}
	n, err := h.Unmarshal(b)
	if err != nil {
		return nil, DropMalformed
	}
	if len(b) < n+s.keys.Suite.tag() || h.Extension && h.ExtensionProfile&^0x0200 == 0xC0DE {
		return nil, DropTag // RFC 9335 is not agreed on
	}
	fresh := false
	if ssrc := h.SSRC; s.heard.count == 0 || ssrc != s.heard.last {
		_, has := s.in.ROC(ssrc)
		if fresh = !has; fresh && s.heard.count == mostSources {
			return nil, DropSources
		}
	}
	plain, err := s.in.DecryptRTP(b, b, h)
	if err != nil {
		return nil, refusedBy(err)
	}
	s.heard.add(h.SSRC, fresh)
	return plain, Relayed
}

// protectable makes the checks that come before the tag's.
func protectable(b []byte) Drop {
	switch {
	case len(b) < rtpHeader || len(b) > maxPacket:
		return DropSize
	case b[0]>>6 != rtpVersion:
		return DropVersion
	case b[1] >= 192 && b[1] <= 223:
		return DropMultiplexed
	case !fits(b):
		return DropMalformed
	}
	return Relayed
}

// refusedBy tells a packet with a wrong tag from one that came before.
func refusedBy(err error) Drop {
	if errors.Is(err, srtp.ErrFailedToVerifyAuthTag) {
		return DropTag
	}
	return DropReplay
}

// openRTCP takes the protection off a compound, in place. // RFC 3711 §3.4
func (s *secured) openRTCP(b []byte) ([]byte, Drop) {
	switch {
	case len(b) < 8 || len(b) > maxPacket:
		return nil, DropSize
	case b[0]>>6 != rtpVersion:
		return nil, DropRTCP
	case len(b) < 8+s.keys.Suite.tagRTCP():
		return nil, DropTag
	}
	ssrc := senderOf(b)
	_, has := s.in.Index(ssrc)
	if !has && s.heardRTCP.count == mostSources {
		return nil, DropSources
	}
	var h rtcp.Header
	plain, err := s.in.DecryptRTCP(b, b, &h)
	if err != nil {
		return nil, refusedBy(err)
	}
	s.heardRTCP.add(ssrc, !has)
	return plain, Relayed
}

func (k *ssrcs) add(ssrc uint32, fresh bool) {
	k.last = ssrc
	if fresh {
		k.count++
	}
}

// seal protects an RTP packet that has passed parseRTP, in dst, which may be the
// packet's own buffer.
func (s *secured) seal(dst, b []byte) ([]byte, Drop) {
	as, d := s.streams.next(binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint16(b[2:]))
	if d != Relayed {
		return nil, d
	}
	dst = append(dst[:0], b...)
	putSSRC(dst, as)
	sealed, err := s.out.EncryptRTP(dst, dst, &s.header)
	switch {
	case err != nil:
		return nil, DropTag
	case len(sealed) > maxPacket:
		return nil, DropSize
	}
	return sealed, Relayed
}

// sealRTCP protects a compound.
func (s *secured) sealRTCP(dst, b []byte) ([]byte, Drop) {
	ssrc := senderOf(b)
	_, has := s.out.Index(ssrc)
	if !has && s.sentRTCP.count == mostSources {
		return nil, DropSources
	}
	sealed, err := s.out.EncryptRTCP(slices.Grow(dst[:0], len(b)+tagRoom), b, nil)
	if err != nil {
		return nil, DropTag
	}
	s.sentRTCP.add(ssrc, !has)
	if len(sealed) > maxPacket {
		return nil, DropSize
	}
	return sealed, Relayed
}
