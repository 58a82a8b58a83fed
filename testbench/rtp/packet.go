package rtp

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"
)

const (
	headerSize = 12
	stampSize  = 16    // sender's id and time
	firstSeq   = 65500 // so that sequence numbers wrap soon
)

// Tone is what the payload sounds like.
type Tone uint8

// The tones. G.711 ones are 400 Hz at -9 dBm0 and carry no stamps.
const (
	Stamped Tone = iota // no sound: sender's id, time of sending, a pattern
	ALaw
	MuLaw
)

// payload makes what each packet of a stream carries; stamps are filled in
// when it is sent. 400 Hz repeats every 20 samples, so packets of a multiple
// of 20 octets are all alike.
func (t Tone) payload(size int, id uint64) []byte {
	b := make([]byte, size)
	for i := range b {
		sample := int16(8159 * math.Sin(2*math.Pi*400*float64(i)/8000))
		switch t {
		case ALaw:
			b[i] = encodeALaw(sample)
		case MuLaw:
			b[i] = encodeMuLaw(sample)
		default:
			b[i] = byte(i)
		}
	}
	if t == Stamped {
		binary.BigEndian.PutUint64(b, id)
	}
	return b
}

func (t Tone) payloadType() uint8 {
	if t == ALaw {
		return 8 // RFC 3551 §6
	}
	return 0
}

// stamp writes the time of sending into a packet.
func stamp(p []byte, now time.Time) {
	binary.BigEndian.PutUint64(p[headerSize+8:], uint64(now.UnixNano()))
}

// stamped is the time of sending of a packet.
func stamped(p []byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(p[headerSize+8:])))
}

// matches reports whether a packet carries the payload of its sender.
func (t Tone) matches(p, payload []byte) bool {
	if len(p) != headerSize+len(payload) || p[0] != 0x80 {
		return false
	}
	got := p[headerSize:]
	if t != Stamped {
		return bytes.Equal(got, payload)
	}
	return bytes.Equal(got[:8], payload[:8]) && bytes.Equal(got[stampSize:], payload[stampSize:])
}

// encodeMuLaw compresses a sample. // ITU-T G.711 table 2a
func encodeMuLaw(sample int16) byte {
	v, sign := int(sample), byte(0)
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, 32635) + 132
	exponent := 7
	for mask := 0x4000; exponent > 0 && v&mask == 0; mask >>= 1 {
		exponent--
	}
	return ^(sign | byte(exponent<<4) | byte(v>>(exponent+3)&0x0f))
}

// encodeALaw compresses a sample. // ITU-T G.711 table 1a
func encodeALaw(sample int16) byte {
	v, sign := int(sample), byte(0x80)
	if v < 0 {
		v, sign = -v-1, 0
	}
	exponent := 7
	for mask := 0x4000; exponent > 0 && v&mask == 0; mask >>= 1 {
		exponent--
	}
	code := byte(v >> 4)
	if exponent > 0 {
		code = byte(exponent<<4) | byte(v>>(exponent+3)&0x0f)
	}
	return (sign | code) ^ 0x55
}
