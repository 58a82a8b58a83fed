package media

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestTimeouts(t *testing.T) {
	cfg := Config{Initial: 30 * time.Second, Silent: 60 * time.Second, Hold: time.Hour}
	type event struct {
		after time.Duration
		what  string // answer, packet, hold, resume, or the name of the rule that must apply now, or "alive"
	}
	tests := []struct {
		name   string
		cfg    Config
		events []event
	}{
		{"nothing counts before the answer", cfg, []event{{0, "packet"}, {24 * time.Hour, "alive"}}},
		{"nothing ever came", cfg, []event{{time.Hour, "answer"}, {29 * time.Second, "alive"}, {time.Second, "initial"}}},
		{"early media, then silence", cfg, []event{{0, "packet"}, {time.Hour, "answer"}, {59 * time.Second, "alive"}, {time.Second, "silent"}}},
		{"silence counts from the last packet", cfg, []event{{0, "answer"}, {29 * time.Second, "packet"}, {59 * time.Second, "alive"}, {time.Second, "silent"}}},
		{"packets keep it alive", cfg, []event{{0, "answer"}, {20 * time.Second, "packet"}, {50 * time.Second, "packet"}, {50 * time.Second, "alive"}}},
		{"hold counts instead of silence", cfg, []event{{0, "answer"}, {1, "packet"}, {1, "hold"}, {59 * time.Minute, "alive"}, {time.Minute, "hold"}}},
		{"hold counts instead of initial", cfg, []event{{0, "answer"}, {1, "hold"}, {59 * time.Minute, "alive"}, {time.Minute, "hold"}}},
		{"music on hold keeps it alive", cfg, []event{{0, "answer"}, {1, "hold"}, {50 * time.Minute, "packet"}, {50 * time.Minute, "alive"}}},
		{"silence counts from the end of hold", cfg, []event{{0, "answer"}, {1, "packet"}, {1, "hold"}, {30 * time.Minute, "resume"}, {59 * time.Second, "alive"}, {time.Second, "silent"}}},
		{"no limits", Config{}, []event{{0, "answer"}, {1000 * time.Hour, "alive"}, {0, "hold"}, {1000 * time.Hour, "alive"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var q quiet
			held := false
			now := time.Minute
			for i, e := range tt.events {
				now += e.after
				rule, up := q.expired(now, held, &tt.cfg)
				switch e.what {
				case "answer":
					q.since = now
				case "packet":
					q.last = now
				case "hold":
					if up {
						if rule != TimeoutHold {
							t.Errorf("event %d: %v", i, rule)
						}
						return
					}
					held = true
					q.turn(now)
				case "resume":
					held = false
					q.turn(now)
				case "alive":
					if up {
						t.Fatalf("event %d: timed out by %v", i, rule)
					}
				default:
					if !up || rule.String() != e.what {
						t.Fatalf("event %d: up %v by %v, want %s", i, up, rule, e.what)
					}
				}
			}
		})
	}
}

func TestTimeoutIsToldOnce(t *testing.T) {
	b := newBed(t, nil)
	var told []Timeout
	var s *Session
	s = b.allocate(Options{ID: "quiet", OnTimeout: func(r Timeout) {
		told = append(told, r)
		s.Release() // nothing may be locked now
	}})
	later := 0
	other := b.allocate(Options{OnTimeout: func(Timeout) { later++ }}) // and it is not released
	s.Answered()
	b.pass(time.Second)
	other.Answered()
	s.Answered() // only the first counts
	b.pass(28 * time.Second)
	if len(told) != 0 {
		t.Fatal("too early")
	}
	b.pass(time.Second)
	b.pass(time.Second / 2)
	if !slices.Equal(told, []Timeout{TimeoutInitial}) {
		t.Errorf("told %v", told)
	}
	b.pass(time.Second)
	b.pass(time.Second)
	if later != 1 {
		t.Errorf("the session that was answered a second later was told %d times", later)
	}
	if n := b.total.timeouts[TimeoutInitial].Load(); n != 2 {
		t.Errorf("counted %d", n)
	}
}

func TestMediaKeepsASessionAliveAndHoldIsSeenInSDP(t *testing.T) {
	b := newBed(t, nil)
	var told []Timeout
	s := b.allocate(Options{OnTimeout: func(r Timeout) { told = append(told, r) }})
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	b.setRemote(s, A, Remote{RTP: a.addr()})
	b.setRemote(s, B, Remote{RTP: z.addr()})
	s.Answered()
	for seq := range uint16(5) { // one side is enough
		exchange(t, s, A, a, z, seq)
		b.pass(59 * time.Second)
	}
	b.setRemote(s, B, Remote{RTP: z.addr(), Direction: SendOnly})
	b.pass(59 * time.Minute)
	if len(told) != 0 {
		t.Fatalf("told %v", told)
	}
	b.setRemote(s, B, Remote{RTP: z.addr()})
	b.pass(59 * time.Second)
	b.pass(time.Second)
	if !slices.Equal(told, []Timeout{TimeoutSilent}) {
		t.Errorf("told %v", told)
	}
}

// What a stranger sends, and BYE from whomever, neither ends nor prolongs.
func TestOnlyThePartiesKeepASessionAlive(t *testing.T) {
	b := newBed(t, nil)
	var told []Timeout
	s := b.allocate(Options{OnTimeout: func(r Timeout) { told = append(told, r) }})
	a, aRTCP := newPeers(t, "127.0.0.2")
	z, zRTCP := newPeers(t, "127.0.0.3")
	b.setRemote(s, A, Remote{RTP: a.addr()})
	b.setRemote(s, B, Remote{RTP: z.addr()})
	s.Answered()
	exchange(t, s, A, a, z, 1)
	aRTCP.send(next(s.Local(A)), everything(t)) // with BYE and APP in it
	zRTCP.receive()
	exchange(t, s, A, a, z, 2)
	b.at.Add(int64(59 * time.Second))
	stranger := newPeer(t, "127.0.0.66")
	stranger.send(s.Local(B), packet(1, 1))
	eventually(t, "the stranger is dropped", func() bool { return s.Stats().B.Dropped[DropStranger] == 1 })
	b.sweep()
	if len(told) != 0 {
		t.Fatalf("told %v", told)
	}
	b.pass(time.Second)
	if !slices.Equal(told, []Timeout{TimeoutSilent}) {
		t.Errorf("told %v", told)
	}
}

func TestReleasedSessionsDoNotTimeOut(t *testing.T) {
	b := newBed(t, nil)
	s := b.allocate(Options{OnTimeout: func(Timeout) { t.Error("told") }})
	s.Answered()
	s.Release()
	b.pass(time.Hour)
	if err := s.SetRemote(A, Remote{RTP: netip.MustParseAddrPort("127.0.0.2:9")}); err == nil {
		t.Error("a released session took a remote")
	}
}
