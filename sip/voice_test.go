package sip

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"maskline/routing"
)

// fakeVoice is the speaking half of a fakeSession.
type fakeVoice struct {
	opts   MediaOptions
	full   bool
	hears  [2]Prompt
	apart  bool
	listen [2]uint8
}

func newFakeVoice(opts MediaOptions) fakeVoice {
	return fakeVoice{opts: opts, listen: [2]uint8{listenNoMore, listenNoMore}}
}

func (s *fakeSession) Play(side Side, p Prompt) error {
	s.media.mu.Lock()
	defer s.media.mu.Unlock()
	if s.voice.full || p.Name == "missing" {
		return errors.New("not played")
	}
	s.voice.hears[side] = p
	return nil
}

func (s *fakeSession) Hush(side Side) {
	s.media.mu.Lock()
	defer s.media.mu.Unlock()
	s.voice.hears[side] = Prompt{}
}

func (s *fakeSession) Separate(apart bool) {
	s.media.mu.Lock()
	defer s.media.mu.Unlock()
	s.voice.apart = apart
}

func (s *fakeSession) Listen(side Side, payloadType uint8) {
	s.media.mu.Lock()
	defer s.media.mu.Unlock()
	s.voice.listen[side] = payloadType
}

// heard is what a side of the only session hears.
func (m *fakeMedia) heard(side Side) (Prompt, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := &m.sessions[0].voice
	return v.hears[side], v.apart
}

// opts are those of the only session.
func (m *fakeMedia) opts() MediaOptions {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[0].voice.opts
}

// listens is the payload type that keys of a side are read from.
func (m *fakeMedia) listens(side Side) uint8 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[0].voice.listen[side]
}

// stranger makes an INVITE be one for a mask that nobody has.
func stranger(invite string) string {
	return strings.ReplaceAll(invite, simMaskA.Reveal(), "441110000999")
}

// announcing makes routing answer with an announcement.
func announcingBed(t *testing.T, what Announcement, change ...func(*evRouted)) *bed {
	t.Helper()
	return newBed(t, nil, func(e *Edge) {
		decide := e.decide
		e.decide = func(req *routing.Request) evRouted {
			ev := decide(req)
			ev.announce = what
			for _, f := range change {
				f(&ev)
			}
			return ev
		}
	})
}

func TestAnnouncementInEarlyMedia(t *testing.T) {
	b := announcingBed(t, Announcement{Prompt: "unknown"})
	b.caller.send(stranger(b.caller.invite("a")))
	progress := b.caller.expect("SIP/2.0 183")
	if !strings.Contains(progress, "\r\nm=audio 20000 RTP/AVP 8\r\na=ptime:20\r\na=sendrecv\r\n") {
		t.Errorf("it cannot be heard:\n%s", progress)
	}
	if p, _ := b.media.heard(SideA); p.Name != "unknown" || p.Times != 2 || !p.Codec.ALaw || p.Codec.PayloadType != 8 {
		t.Errorf("the caller hears %+v", p)
	}
	b.caller.silence()
	b.media.opts().OnPlayed(SideA)
	final := b.caller.expect("SIP/2.0 404")
	if header(final, "Reason") != "Q.850;cause=1" {
		t.Errorf("the reason is %q", header(final, "Reason"))
	}
	b.caller.send(b.caller.inDialog("ACK", final, 1))
	b.ended("unknown_mask", "unknown", "played")
}

// ended wants one call that ended for a reason, its ports back.
func (b *bed) ended(why, announcement, outcome string) {
	b.t.Helper()
	eventually(b.t, "the call ended", func() bool { return b.edge.ActiveCalls() == 0 })
	eventually(b.t, "it is counted as "+why, func() bool { return b.count("calls_total", "trunk", "in", "why", why) == 1 })
	if announcement != "" {
		eventually(b.t, "the announcement is counted", func() bool {
			return b.count("announcements_total", "announcement", announcement, "outcome", outcome) == 1
		})
	}
	if allocated, released := b.media.counts(); allocated != released {
		b.t.Errorf("%d sessions, %d released", allocated, released)
	}
}

func TestAnnouncementAfterAnswer(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(b *bed, answer string)
	}{
		{"heard to its end", func(b *bed, answer string) {
			b.media.opts().OnPlayed(SideA)
			bye := b.caller.expect("BYE ")
			b.caller.send(b.caller.reply(bye, 200, ""))
			b.ended("unknown_mask", "unknown", "played")
		}},
		{"the caller hangs up", func(b *bed, answer string) {
			b.caller.send(b.caller.inDialog("BYE", answer, 2))
			b.caller.expect("SIP/2.0 200")
			b.ended("unknown_mask", "unknown", "cut")
		}},
		{"a refresh, a change, a question, then a BYE", func(b *bed, answer string) {
			again := func(cseq int, sdp string) string {
				text := b.caller.inDialog("INVITE", answer, cseq)
				head, _, _ := strings.Cut(text, "Content-Length")
				return withBody(head+fmt.Sprintf("Contact: <sip:x@%s>\r\nMax-Forwards: 70\r\n", b.caller.addr), sdp)
			}
			b.caller.send(again(2, b.caller.sdp()))
			b.caller.send(b.caller.inDialog("ACK", b.caller.expect("SIP/2.0 200"), 2))
			b.caller.send(again(3, strings.Replace(b.caller.sdp(), "30000", "30002", 1)))
			b.caller.send(b.caller.inDialog("ACK", b.caller.expect("SIP/2.0 491"), 3))
			b.caller.send(b.caller.inDialog("OPTIONS", answer, 4))
			b.caller.expect("SIP/2.0 200")
			b.caller.send(b.caller.inDialog("REFER", answer, 5))
			b.caller.expect("SIP/2.0 405")
			b.caller.send(b.caller.inDialog("BYE", answer, 6))
			b.caller.expect("SIP/2.0 200")
			b.ended("unknown_mask", "unknown", "cut")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := announcingBed(t, Announcement{Prompt: "unknown", Answer: true})
			b.caller.send(stranger(b.caller.invite("a")))
			answer := b.caller.expect("SIP/2.0 200")
			b.caller.send(b.caller.inDialog("ACK", answer, 1))
			eventually(t, "the call is up", func() bool { c := b.edge.Calls(); return len(c) == 1 && c[0].State == "up" })
			tt.end(b, answer)
		})
	}
}

func TestAnnouncementThatCannotBeHeard(t *testing.T) {
	for _, tt := range []struct {
		name   string
		prompt string
		invite func(string) string
		setUp  func(*bed)
		failed float64 // counted
	}{
		{"no G.711", "unknown", func(s string) string { return strings.Replace(s, "RTP/AVP 8 0", "RTP/AVP 18 3", 1) }, nil, 0},
		{"the caller does not listen", "unknown", func(s string) string {
			return strings.Replace(s, "c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0", 1) // as long
		}, nil, 0},
		{"no ports", "unknown", nil, func(b *bed) { b.media.fill() }, 1},
		{"no such prompt, or too many", "missing", nil, nil, 1},
		{"none configured", "", nil, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := announcingBed(t, Announcement{Prompt: tt.prompt})
			if tt.setUp != nil {
				tt.setUp(b)
			}
			invite := stranger(b.caller.invite("a"))
			if tt.invite != nil {
				invite = fixLength(tt.invite(invite))
			}
			b.caller.send(invite)
			b.caller.expect("SIP/2.0 100")
			if final := b.caller.receive(5 * time.Second); !strings.HasPrefix(final, "SIP/2.0 404") {
				t.Fatalf("not refused at once:\n%s", final)
			}
			b.ended("unknown_mask", "", "")
			if n := b.count("announcements_total", "outcome", "failed"); n != tt.failed {
				t.Errorf("%v announcements counted as failed", n)
			}
		})
	}
}

// fixLength corrects Content-Length after a body was changed.
func fixLength(text string) string {
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	head, _, _ = strings.Cut(head, "Content-Length")
	return head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

func TestCallerLeavesAnAnnouncement(t *testing.T) {
	b := announcingBed(t, Announcement{Prompt: "unknown"})
	invite := stranger(b.caller.invite("a"))
	b.caller.send(invite)
	b.caller.expect("SIP/2.0 183")
	cancel := strings.Replace(strings.Replace(invite, "INVITE sip:", "CANCEL sip:", 1), "1 INVITE", "1 CANCEL", 1)
	b.caller.send(cancel[:strings.Index(cancel, "Content-Type")] + "Content-Length: 0\r\n\r\n")
	final := b.caller.expect("SIP/2.0 487")
	b.caller.send(b.caller.inDialog("ACK", final, 1))
	b.media.opts().OnPlayed(SideA) // too late
	b.ended("cancelled", "unknown", "cut")
}

func TestUnreachableIsAnnounced(t *testing.T) {
	b := announcingBed(t, Announcement{Prompt: "unreachable"})
	b.caller.send(b.caller.invite("a"))
	for _, callee := range b.callees {
		invite := callee.expect("INVITE ")
		callee.send(callee.reply(invite, 503, ""))
		callee.expect("ACK ")
	}
	b.caller.expect("SIP/2.0 183")
	b.media.opts().OnPlayed(SideA)
	final := b.caller.expect("SIP/2.0 503")
	b.caller.send(b.caller.inDialog("ACK", final, 1))
	b.ended("refused", "unreachable", "played")
}

// The called person is busy: that is no failure to reach them.
func TestBusyIsNotAnnounced(t *testing.T) {
	b := announcingBed(t, Announcement{Prompt: "unreachable"})
	b.caller.send(b.caller.invite("a"))
	invite := b.callees[0].expect("INVITE ")
	b.callees[0].send(b.callees[0].reply(invite, 486, ""))
	final := b.caller.expect("SIP/2.0 486")
	b.caller.send(b.caller.inDialog("ACK", final, 1))
	b.ended("refused", "", "")
}

func acceptBed(t *testing.T) *bed {
	t.Helper()
	return announcingBed(t, Announcement{}, func(ev *evRouted) { ev.accept = 10 * time.Second })
}

// answerAsked lets the called side answer, and waits for the question.
func (b *bed) answerAsked() (answered string) {
	b.t.Helper()
	withKeys := strings.Replace(b.caller.invite("a"), "AVP 8 0\r\n", "AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n", 1)
	b.caller.send(fixLength(withKeys))
	invite := b.callees[0].expect("INVITE ")
	keys := b.callees[0].sdp() + "a=rtpmap:101 telephone-event/8000\r\n"
	b.callees[0].send(b.callees[0].reply(invite, 200, strings.Replace(keys, "AVP 8 0", "AVP 8 101", 1)))
	b.callees[0].expect("ACK ")
	eventually(b.t, "the called side is asked", func() bool { p, apart := b.media.heard(SideB); return p.Name == promptAccept && apart })
	return invite
}

func TestAcceptByKey(t *testing.T) {
	for _, tt := range []struct {
		name  string
		press func(b *bed, invite string)
	}{
		{"as a telephone event", func(b *bed, _ string) {
			press := b.media.opts().OnDigit
			press(SideB, '2')
			press(SideA, '1')
			b.caller.silence()
			press(SideB, '1')
		}},
		{"by INFO", func(b *bed, invite string) {
			info := func(cseq int, kind, body string) {
				text := b.callees[0].toDialog("INFO", invite, cseq)
				head, _, _ := strings.Cut(text, "Content-Length")
				b.callees[0].send(head + fmt.Sprintf("Max-Forwards: 70\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body))
			}
			info(5, "text/plain", "1")
			b.callees[0].expect("SIP/2.0 415")
			info(6, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n")
			b.callees[0].expect("SIP/2.0 200")
			b.caller.silence()
			info(6, "application/dtmf-relay", "Signal=1\r\nDuration=160\r\n")
			b.callees[0].expect("SIP/2.0 200") // the answer to the first one
			b.caller.silence()
			info(7, "application/dtmf-relay", "Signal=1\r\nDuration=160\r\n")
			b.callees[0].expect("SIP/2.0 200")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := acceptBed(t)
			invite := b.answerAsked()
			b.caller.expect("SIP/2.0 180")
			if pt := b.media.listens(SideB); pt != 101 {
				t.Errorf("keys are read from payload type %d", pt)
			}
			tt.press(b, invite)
			answer := b.caller.expect("SIP/2.0 200")
			if p, apart := b.media.heard(SideB); p.Name != "" || apart {
				t.Errorf("connected, B hears %q, apart %v", p.Name, apart)
			}
			b.caller.send(b.caller.inDialog("ACK", answer, 1))
			b.hangUp(b.caller, dialog{invite, answer})
			b.ended("caller", "", "")
		})
	}
}

func TestNotAccepted(t *testing.T) {
	for _, tt := range []struct {
		name string
		why  string
		do   func(b *bed, invite string) (final string)
	}{
		{"no key", "not_accepted", func(b *bed, _ string) string {
			bye := b.callees[0].expect("BYE ")
			b.callees[0].send(b.callees[0].reply(bye, 200, ""))
			return "SIP/2.0 480"
		}},
		{"the called side hangs up", "callee", func(b *bed, invite string) string {
			b.callees[0].send(b.callees[0].toDialog("BYE", invite, 5))
			b.callees[0].expect("SIP/2.0 200")
			return "SIP/2.0 480"
		}},
		{"the caller hangs up", "cancelled", func(b *bed, _ string) string {
			invite := b.caller.invite("a")
			cancel := strings.Replace(strings.Replace(invite, "INVITE sip:", "CANCEL sip:", 1), "1 INVITE", "1 CANCEL", 1)
			b.caller.send(cancel[:strings.Index(cancel, "Content-Type")] + "Content-Length: 0\r\n\r\n")
			bye := b.callees[0].expect("BYE ")
			b.callees[0].send(b.callees[0].reply(bye, 200, ""))
			return "SIP/2.0 487"
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := announcingBed(t, Announcement{}, func(ev *evRouted) { ev.accept = 400 * time.Millisecond })
			if tt.why != "not_accepted" {
				b = acceptBed(t)
			}
			want := tt.do(b, b.answerAsked())
			final := b.caller.expect(want)
			b.caller.send(b.caller.inDialog("ACK", final, 1))
			b.ended(tt.why, "", "")
		})
	}
}

// Early media has ended with the answer: the caller hears ringing from us.
func TestRingbackWhileAsked(t *testing.T) {
	b := acceptBed(t)
	b.caller.send(b.caller.invite("a"))
	callee := b.callees[0]
	invite := callee.expect("INVITE ")
	callee.send(callee.reply(invite, 183, callee.sdp()))
	b.caller.expect("SIP/2.0 183")
	callee.send(callee.reply(invite, 200, callee.sdp()))
	callee.expect("ACK ")
	eventually(t, "the caller hears ringing", func() bool {
		p, apart := b.media.heard(SideA)
		return p.Name == promptRingback && p.Times == 0 && apart
	})
	b.caller.silence()
	b.media.opts().OnDigit(SideB, acceptKey)
	answer := b.caller.expect("SIP/2.0 200")
	if p, _ := b.media.heard(SideA); p.Name != "" {
		t.Errorf("connected, the caller hears %q", p.Name)
	}
	b.caller.send(b.caller.inDialog("ACK", answer, 1))
	b.hangUp(b.caller, dialog{invite, answer})
	b.ended("caller", "", "")
}

// Without an offer there is no media before the caller's answer.
func TestNobodyCanBeAskedWithoutAnOffer(t *testing.T) {
	b := acceptBed(t)
	head, _, _ := strings.Cut(b.caller.invite("a"), "Content-Type")
	b.caller.send(head + "Content-Length: 0\r\n\r\n")
	final := b.caller.expect("SIP/2.0 488")
	b.caller.send(b.caller.inDialog("ACK", final, 1))
	b.ended("no_offer", "", "")
}

// A PBX answers its calls by itself.
func TestPBXIsNotAskedToAccept(t *testing.T) {
	c := call{plan: evRouted{accept: time.Second, ring: time.Second}}
	carriers := &attempt{leg: leg{trunk: &trunk{TrunkConfig: TrunkConfig{Carrier: "alfa", Ring: time.Minute}}}}
	tenants := &attempt{leg: leg{trunk: &trunk{TrunkConfig: TrunkConfig{Tenant: "shop", Ring: time.Minute}}}}
	if !c.mustAccept(carriers) || c.mustAccept(tenants) {
		t.Error("the wrong one is asked")
	}
	if c.ringTime(carriers) != time.Second {
		t.Errorf("it may ring for %v", c.ringTime(carriers))
	}
	c.emergency = true
	if c.mustAccept(carriers) || c.ringTime(carriers) != time.Minute {
		t.Error("an emergency service is asked to press a key, or rung for a moment only")
	}
}

func TestWhatIsAnnounced(t *testing.T) {
	e := &Edge{}
	e.SetVoice(VoiceConfig{
		Refused:     map[routing.Verdict]Announcement{routing.Ended: {Prompt: "ended"}},
		Unreachable: Announcement{Prompt: "unreachable"}, Ring: time.Second, Accept: true,
	})
	for _, tt := range []struct {
		verdict   routing.Verdict
		emergency bool
		prompt    string
		accept    time.Duration
	}{
		{routing.Ended, false, "ended", 0},
		{routing.UnknownMask, false, "", 0},
		{routing.NoCarrier, false, "unreachable", 0},
		{routing.Forward, false, "unreachable", defaultAcceptWithin},
		{routing.Forward, true, "", 0},
	} {
		ev := evRouted{emergency: tt.emergency}
		e.hear(&ev, tt.verdict)
		if ev.announce.Prompt != tt.prompt || ev.accept != tt.accept {
			t.Errorf("%v: %q, %v", tt.verdict, ev.announce.Prompt, ev.accept)
		}
	}
}
