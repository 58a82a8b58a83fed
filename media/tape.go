package media

import (
	"encoding/binary"
	"io"
	"math"
	"time"
)

// Bounds of what is recorded.
const (
	tapeWindow = sampleRate     // samples that are kept for late packets: one second
	tapeJump   = sampleRate     // a packet whose time is farther from its arrival begins anew
	tapeFlush  = sampleRate / 8 // what is written at a time at most
	tapeMost   = 4 * time.Hour
)

// tape puts the voices of two sides beside each other by the time of their RTP, and
// writes them as samples of 16 bits, A before B or both in one. What did not come, and
// what is no PCMU or PCMA (keys, comfort noise), is silence.
type tape struct {
	out   io.Writer
	mixed bool
	most  int64 // samples

	tracks  [2]track
	window  [2][tapeWindow]int16 // from written on, in a ring
	written int64                // samples of each side that were written
	end     int64                // after the last one that is known
	late    uint64               // packets that came when their time had been written
	buffer  [tapeFlush * 2 * 2]byte
}

// track is the clock of one side.
type track struct {
	begun  bool
	ssrc   uint32
	stamp  uint32 // of the packet that came last
	sample int64  // where that one lies
}

// hear takes one packet.
func (t *tape) hear(p *Heard) error {
	var l law
	switch p.PayloadType {
	case 0:
		l = muLaw
	case 8:
		l = aLaw
	default:
		return nil
	}
	at := t.tracks[p.Side].place(p)
	from, to := max(at, t.written), min(at+int64(len(p.Payload)), t.most)
	if from >= to {
		t.late++
		return nil
	}
	if err := t.advance(to - tapeWindow); err != nil {
		return err
	}
	for i := max(from, t.written); i < to; i++ {
		t.window[p.Side][i%tapeWindow] = l.decode(p.Payload[i-at])
	}
	t.end = max(t.end, to)
	return nil
}

// place says where a packet lies, in samples from the beginning: by its timestamp,
// from where the stream began on. That is by its arrival.
func (k *track) place(p *Heard) int64 {
	arrival := max(0, int64(p.At)*sampleRate/int64(time.Second))
	at := k.sample + int64(int32(p.Timestamp-k.stamp))
	if away := at - arrival; !k.begun || p.SSRC != k.ssrc || away > tapeJump || away < -tapeJump {
		at = arrival
	}
	k.begun, k.ssrc, k.stamp, k.sample = true, p.SSRC, p.Timestamp, at
	return at
}

// advance writes what lies before a sample.
func (t *tape) advance(until int64) error {
	for t.written < until {
		n := min(until-t.written, tapeFlush)
		b := t.buffer[:0]
		for i := t.written; i < t.written+n; i++ {
			a, z := &t.window[A][i%tapeWindow], &t.window[B][i%tapeWindow]
			if t.mixed {
				sum := min(max(int(*a)+int(*z), math.MinInt16), math.MaxInt16)
				b = binary.LittleEndian.AppendUint16(b, uint16(int16(sum)))
			} else {
				b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, uint16(*a)), uint16(*z))
			}
			*a, *z = 0, 0
		}
		if _, err := t.out.Write(b); err != nil {
			return err
		}
		t.written += n
	}
	return nil
}

// finish writes the rest.
func (t *tape) finish() error { return t.advance(t.end) }

// channels in the file.
func (t *tape) channels() int {
	if t.mixed {
		return 1
	}
	return 2
}
