package media

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// one is a letter of a script: half a second in which the sides named in it send.
func play(s *Session, script string, now *time.Duration, w *work, seq *uint16) (ended bool) {
	for _, c := range script {
		*now += sweepEvery
		w.now = *now
		*seq++
		if c == 'a' || c == '2' {
			s.sides[A].rtp.receive(packet(1, *seq), benchFrom, w)
		}
		if c == 'b' || c == '2' {
			s.sides[B].rtp.receive(packet(2, *seq), netip.MustParseAddrPort("127.0.0.3:5000"), w)
		}
		switch c {
		case '!':
			s.quiet.since = *now
		case 'h', 'r':
			s.holdOrResume(c == 'h', *now)
		case 'x', 'y':
			s.apart = c == 'x'
		case 'f', 'v':
			s.sides[A].datagrams, s.sides[B].datagrams = c == 'f', c == 'f'
		}
		s.mu.Lock()
		ended = s.watch(sweepEvery) || ended
		s.mu.Unlock()
	}
	return ended
}

func TestOneWayAudio(t *testing.T) {
	times := func(s string, seconds int) (all string) {
		for range 2 * seconds {
			all += s
		}
		return all
	}
	tests := []struct {
		name   string
		limit  time.Duration
		script string
		want   []Side
		ends   bool
	}{
		{"both speak", 0, "!" + times("2", 60), nil, false},
		{"nobody speaks", 0, "!" + times(".", 60), nil, false},
		{"the called side is not heard", 0, "!" + times("a", 60), []Side{B}, false},
		{"the caller is not heard", 0, "!" + times("b", 60), []Side{A}, false},
		{"not yet", 0, "!" + times("a", 9), nil, false},
		{"before the answer", 0, times("a", 60) + "!" + times("2", 60), nil, false},
		{"early media of one side, then neither", 0, times("b", 60) + "!" + times(".", 60), nil, false},
		{"it fell silent", 0, "!" + times("2", 20) + times("a", 11), []Side{B}, false},
		{"it came back, and is told of once", 0, "!" + times("a", 20) + times("2", 20) + times("a", 20), []Side{B}, false},
		{"one after the other", 0, "!" + times("a", 20) + times("b", 20), []Side{B, A}, false},
		{"short turns", 0, "!" + times("aaaaaaaaaabbbbbbbbbb", 10), nil, false},
		{"a pause of the speaker", 0, "!" + times("a", 7) + times(".", 3) + times("a", 9), nil, false},
		{"frames of comfort noise every second", 0, "!" + times("a.", 15), []Side{B}, false},
		{"music on hold", 0, "!" + times("2", 5) + "h" + times("a", 60), nil, false},
		{"after hold it counts anew", 0, "!" + times("a", 8) + "h" + times("a", 8) + "r" + times("a", 8), nil, false},
		{"never after hold", 0, "!" + "h" + times("a", 8) + "r" + times("a", 11), []Side{B}, false},
		{"a fax", 0, "!" + times("2", 5) + "f" + times("a", 60), nil, false},
		{"after a fax it counts anew", 0, "!" + times("a", 8) + "f" + times("a", 8) + "v" + times("a", 8), nil, false},
		{"a fax beside the limit", 3 * time.Second, "!f" + times("b", 60), nil, false},
		{"an announcement to the caller", 0, "!x" + times("a", 60), nil, false},
		{"the limit is not reached", 30 * time.Second, "!" + times("a", 29), []Side{B}, false},
		{"the limit", 30 * time.Second, "!" + times("a", 31), []Side{B}, true},
		{"a short limit", 3 * time.Second, "!" + times("a", 4), []Side{B}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := detached(Remote{RTP: benchFrom})
			r := s.relay
			r.cfg.OneWay, r.total, r.teller = tt.limit, &counters{}, newTeller()
			var told []Side
			s.events.OnOneWay = func(side Side) { told = append(told, side) }
			now, seq := time.Minute, uint16(0)
			ended := play(s, tt.script, &now, &work{total: r.total}, &seq)
			r.tell()
			if !slices.Equal(told, tt.want) || ended != tt.ends {
				t.Errorf("told %v, ended %v; want %v, %v", told, ended, tt.want, tt.ends)
			}
			st := s.Stats()
			if st.A.OneWay != slices.Contains(tt.want, A) || st.B.OneWay != slices.Contains(tt.want, B) || int(r.total.oneWay.Load()) != len(tt.want) {
				t.Errorf("A %v, B %v, counted %d", st.A.OneWay, st.B.OneWay, r.total.oneWay.Load())
			}
		})
	}
}

// A session that its owner does not end for it goes on.
func TestOneWayAudioEndsASessionOnlyWhereAsked(t *testing.T) {
	for _, limit := range []time.Duration{0, 20 * time.Second} {
		b := newBed(t, func(c *Config) { c.OneWay = limit })
		var told []Timeout
		a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
		s := b.allocate(Options{OnTimeout: func(r Timeout) { told = append(told, r) }})
		b.setRemote(s, A, Remote{RTP: a.addr()})
		b.setRemote(s, B, Remote{RTP: z.addr()})
		s.Answered()
		for n := range uint16(25) {
			exchange(t, s, A, a, z, n)
			b.pass(time.Second)
		}
		if want := limit > 0; len(told) == 1 != want || want && told[0] != TimeoutOneWay || !s.Stats().B.OneWay {
			t.Errorf("limit %v: told %v", limit, told)
		}
	}
}
