package media

import (
	"testing"
	"time"

	"github.com/pion/rtp"
)

func TestStreamCounts(t *testing.T) {
	type run []uint16
	seq := func(from, to uint16) (r run) {
		for ; from != to; from++ {
			r = append(r, from)
		}
		return r
	}
	join := func(parts ...run) (all run) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	tests := []struct {
		name                             string
		seqs                             run
		lost, late, duplicates, restarts uint64
	}{
		{"in order", seq(100, 200), 0, 0, 0, 0},
		{"across the wrap", seq(65500, 100), 0, 0, 0, 0},
		{"one missing", join(seq(100, 150), seq(151, 200)), 1, 0, 0, 0},
		{"a gap of 500", join(seq(100, 150), seq(650, 700)), 500, 0, 0, 0},
		{"swapped", join(seq(100, 150), run{151, 150}, seq(152, 200)), 0, 1, 0, 0},
		{"late across the wrap", join(seq(65500, 65535), seq(0, 10), run{65535}), 0, 1, 0, 0},
		{"repeated", join(seq(100, 150), run{149}, seq(150, 200)), 0, 0, 1, 0},
		{"repeated later", join(seq(100, 200), run{150}), 0, 0, 1, 0},
		{"late and repeated", join(seq(100, 150), seq(151, 160), run{150, 150}), 0, 1, 1, 0},
		{"before the first", run{100, 99, 101}, 0, 1, 0, 0},
		{"a new beginning keeps what was lost", join(seq(100, 150), seq(152, 200), seq(30000, 30010)), 2, 0, 0, 1},
		{"too far back is a new beginning", join(seq(1000, 1100), seq(500, 510)), 0, 0, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d side
			for _, n := range tt.seqs {
				d.stream.update(&rtp.Header{SSRC: 1, SequenceNumber: n}, 172, time.Second, 8000)
			}
			s := d.stats()
			if s.Lost != tt.lost || s.Late != tt.late || s.Duplicates != tt.duplicates || s.Restarts != tt.restarts {
				t.Errorf("lost %d late %d duplicates %d restarts %d, want %d %d %d %d",
					s.Lost, s.Late, s.Duplicates, s.Restarts, tt.lost, tt.late, tt.duplicates, tt.restarts)
			}
			if s.Received.Packets != uint64(len(tt.seqs)) || s.Received.Octets != uint64(172*len(tt.seqs)) {
				t.Errorf("received %+v", s.Received)
			}
		})
	}
}

func TestStreamRestartsWithNewSSRC(t *testing.T) {
	var d side
	d.stream.update(&rtp.Header{SSRC: 1, SequenceNumber: 5}, 172, time.Second, 8000)
	d.stream.update(&rtp.Header{SSRC: 2, SequenceNumber: 6}, 172, time.Second, 8000)
	if s := d.stats(); s.Restarts != 1 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}

// The transit differs by 8 ms from packet to packet, so the jitter settles
// there. // RFC 3550 A.8
func TestJitter(t *testing.T) {
	d := side{clock: 8000}
	at := 14 * 24 * time.Hour // late enough for any product of nanoseconds to overflow
	for i := range 1000 {
		wobble := time.Duration(i%2) * 8 * time.Millisecond
		d.stream.update(&rtp.Header{SequenceNumber: uint16(i), Timestamp: uint32(i) * 160}, 172, at+wobble, d.clock)
		at += 20 * time.Millisecond
	}
	if j := d.stats().Jitter; j < 7500*time.Microsecond || j > 8500*time.Microsecond {
		t.Errorf("jitter %v, want 8ms", j)
	}
}

func TestJitterIgnoresEventsThatShareATimestamp(t *testing.T) {
	d := side{clock: 8000}
	at := time.Second
	for i := range 100 {
		d.stream.update(&rtp.Header{SequenceNumber: uint16(i), Timestamp: 160}, 16, at, d.clock)
		at += 50 * time.Millisecond
	}
	if j := d.stats().Jitter; j != 0 {
		t.Errorf("jitter %v", j)
	}
}
