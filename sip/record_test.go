package sip

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/zap"

	"maskline/e164"
	"maskline/testbench/leak"
)

// checkSummary wants a record in which each seizure is told of once, in order, and
// no instant is missing or out of place.
func (s *sim) checkSummary(sum *summary) {
	if len(sum.attempts) != len(s.invites) {
		s.fail("%d attempts in the record, %d INVITEs", len(sum.attempts), len(s.invites))
	}
	ordered := func(what string, instants ...time.Time) {
		var last time.Time
		for _, t := range instants {
			if !t.IsZero() && t.Before(last) {
				s.fail("%s: times out of order in %+v", what, sum)
			}
			if !t.IsZero() {
				last = t
			}
		}
	}
	if sum.began.IsZero() || sum.ended.IsZero() || sum.why == "" || sum.code < 200 || sum.answered.IsZero() != (sum.code >= 300) {
		s.fail("an incomplete record: %+v", sum)
	}
	ordered("the call", sum.began, sum.ringing, sum.answered, sum.ended)
	before := sum.began
	for i, a := range sum.attempts {
		ordered("an attempt", before, a.Began, a.Response, a.Ringing, a.Answered, a.Ended, sum.ended)
		before = a.Began
		last := i == len(sum.attempts)-1
		if a.Began.IsZero() || a.Ended.IsZero() || a.Trunk == "" || (a.Outcome == "answered") != (last && sum.code == 200 && sum.announced == "") && !a.First {
			s.fail("attempt %d of %+v", i, sum)
		}
	}
	if text := fmt.Sprintf("%+v", sum); leak.Contains([]byte(text), simAlice) || leak.Contains([]byte(text), simBob) {
		s.fail("a number in the summary: %s", text)
	}
}

// fakeRecords keeps records in memory.
type fakeRecords struct {
	mu   sync.Mutex
	all  []*Record
	full bool
}

func (f *fakeRecords) Add(r *Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, r)
}

func (f *fakeRecords) Full() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.full
}

func (f *fakeRecords) fill(full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = full
}

func (f *fakeRecords) list() []*Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all
}

// recorded is the only record once there is one.
func (f *fakeRecords) recorded(t *testing.T) *Record {
	t.Helper()
	eventually(t, "there is a record", func() bool { return len(f.list()) > 0 })
	if n := len(f.list()); n > 1 {
		t.Fatalf("%d records", n)
	}
	return f.list()[0]
}

// talk is a call that was counted, talks all of them.
type talk struct {
	tenant string
	cost   uint64
	talked time.Duration
}

type talks struct {
	mu  sync.Mutex
	all []talk
}

func (*talks) Exhausted(string, time.Time) bool { return false }

func (*talks) Sent(string, uint64, time.Time) {}

func (t *talks) Talked(tenant string, cost uint64, talked time.Duration, _ time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, talk{tenant, cost, talked})
}

func (t *talks) list() []talk {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all
}

func recordingBed(t *testing.T, change func(*Config)) (*bed, *fakeRecords) {
	t.Helper()
	f := &fakeRecords{}
	return newBed(t, func(c *Config) {
		c.Records = f
		if change != nil {
			change(c)
		}
	}), f
}

// Ringing and the answer are heard of once each, by the call's id.
func TestProgressIsHeardOf(t *testing.T) {
	var mu sync.Mutex
	heard := map[string]string{}
	b, f := recordingBed(t, func(c *Config) {
		c.Progress = func(call, _ string, answered bool) {
			mu.Lock()
			defer mu.Unlock()
			heard[call] += map[bool]string{false: "r", true: "a"}[answered]
		}
	})
	b.hangUp(b.caller, b.connect(b.caller, "one"))
	r := f.recorded(t)
	mu.Lock()
	defer mu.Unlock()
	if len(heard) != 1 || heard[r.ID] != "ra" {
		t.Errorf("%v", heard)
	}
}

func TestRecordOfAnAnsweredCall(t *testing.T) {
	b, f := recordingBed(t, nil)
	b.hangUp(b.caller, b.connect(b.caller, "one"))
	r := f.recorded(t)
	eventually(t, "the call is counted", func() bool { return len(b.talked.list()) == 1 })
	if got := b.talked.list()[0]; got != (talk{"", 7, r.Ended.Sub(r.Answered)}) {
		t.Errorf("counted %+v", got)
	}
	want := &Record{
		From: Endpoint{"in", "alfa"}, To: Endpoint{"out0", "alfa"}, EndedBy: EndedByCaller, Reason: "caller", Code: 200, Cause: causeNormal,
		Mask: simMaskA, Presented: simMaskB, Caller: simAlice, Called: simBob, Codec: "PCMA/8000", Media: &fakeStats,
		Attempts: []Attempt{{Endpoint: Endpoint{"out0", "alfa"}, Outcome: "answered", Code: 200}},
	}
	times := cmpopts.IgnoreTypes(time.Time{})
	if diff := cmp.Diff(want, r, times, cmpopts.IgnoreFields(Record{}, "ID")); diff != "" {
		t.Error(diff)
	}
	a := r.Attempts[0]
	for i, at := range []time.Time{r.Received, a.Began, a.Response, a.Ringing, r.Ringing, a.Answered, r.Answered, a.Ended} {
		if at.IsZero() || at.Before(r.Received) || at.After(r.Ended) {
			t.Errorf("instant %d: %v in %+v", i, at, r)
		}
	}
	if n := b.log.FilterField(zap.String("call", r.ID)).Len(); n != 1 {
		t.Errorf("%d lines of the log have the record's id", n)
	}
	if text := fmt.Sprintf("%+v", r); leak.Contains([]byte(text), simAlice) {
		t.Errorf("printed: %s", text)
	}
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{1, "seizures_total", []string{"trunk", "in", "direction", "in"}},
		{1, "seizures_total", []string{"trunk", "out0", "direction", "out"}},
		{1, "effective_total", []string{"trunk", "out0"}},
		{1, "post_dial_delay_seconds", []string{"trunk", "out0"}},
		{1, "talk_seconds", []string{"trunk", "in", "direction", "in"}},
		{1, "talk_seconds", []string{"trunk", "out0", "direction", "out"}},
		{0, "talk_seconds", []string{"trunk", "out1"}},
	} {
		if got := b.count(c.name, c.labels...); got != c.want {
			t.Errorf("%s %v: %v, want %v", c.name, c.labels, got, c.want)
		}
	}
}

func TestRecordOfACallThatIsNotAnswered(t *testing.T) {
	cases := []struct {
		name     string
		change   func(*Config)
		run      func(b *bed)
		ender    Ender
		reason   string
		code     int
		outcomes string
	}{
		{"unknown mask", nil, func(b *bed) {
			b.caller.send(strings.ReplaceAll(b.caller.invite("one"), simMaskA.Reveal(), "441110000777"))
		}, EndedByEdge, "unknown_mask", 404, ""},
		{"refused", nil, func(b *bed) {
			b.caller.send(b.caller.invite("one"))
			b.callees[0].send(b.callees[0].reply(b.callees[0].expect("INVITE "), 486, ""))
		}, EndedByCallee, "refused", 486, "refused 486"},
		{"failed over and refused", nil, func(b *bed) {
			b.caller.send(b.caller.invite("one"))
			b.callees[0].send(b.callees[0].reply(b.callees[0].expect("INVITE "), 503, ""))
			b.callees[1].send(b.callees[1].reply(b.callees[1].expect("INVITE "), 603, ""))
		}, EndedByCallee, "refused", 603, "refused 503, refused 603"},
		{"no candidate answers", func(c *Config) {
			c.Trunks[1].FirstResponse, c.Trunks[2].FirstResponse = time.Millisecond, time.Millisecond
		}, func(b *bed) {
			b.caller.send(b.caller.invite("one"))
		}, EndedByEdge, "timeout", 503, "timeout 408, timeout 408"},
		{"cancelled", nil, func(b *bed) {
			invite := b.caller.invite("one")
			b.caller.send(invite)
			b.callees[0].send(b.callees[0].reply(b.callees[0].expect("INVITE "), 180, ""))
			b.caller.expect("SIP/2.0 180")
			b.caller.send(strings.NewReplacer("INVITE sip:", "CANCEL sip:", "1 INVITE", "1 CANCEL").Replace(invite))
		}, EndedByCaller, "cancelled", 487, "cancelled 0"},
		{"rings for too long", func(c *Config) { c.Trunks[1].Ring = 50 * time.Millisecond }, func(b *bed) {
			b.caller.send(b.caller.invite("one"))
			b.callees[0].send(b.callees[0].reply(b.callees[0].expect("INVITE "), 180, ""))
		}, EndedByEdge, "no_answer", 480, "no_answer 480"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b, f := recordingBed(t, c.change)
			c.run(b)
			r := f.recorded(t)
			var outcomes []string
			for _, a := range r.Attempts {
				outcomes = append(outcomes, fmt.Sprint(a.Outcome, " ", a.Code))
			}
			if r.EndedBy != c.ender || r.Reason != c.reason || r.Code != c.code || strings.Join(outcomes, ", ") != c.outcomes {
				t.Errorf("%v %s %d, %q", r.EndedBy, r.Reason, r.Code, outcomes)
			}
			if !r.Answered.IsZero() || r.Codec != "" {
				t.Errorf("it was not answered: %+v", r)
			}
		})
	}
}

// A number that was dialled by mistake may be a real one.
func TestRecordOfAnUnknownMask(t *testing.T) {
	b, f := recordingBed(t, nil)
	b.caller.send(strings.ReplaceAll(b.caller.invite("one"), simMaskA.Reveal(), "441110000777"))
	if r := f.recorded(t); r.Mask != 0 || r.Dialled != "+441110000777" || r.Caller != simAlice {
		t.Errorf("mask %s, dialled %s", r.Mask.Reveal(), r.Dialled)
	}
}

func TestRecordOfAnEmergencyCall(t *testing.T) {
	b, f := recordingBed(t, nil)
	f.fill(true) // no reason to refuse it
	b.caller.send(strings.ReplaceAll(b.caller.invite("one"), simMaskA.Reveal(), "112"))
	b.callees[0].send(b.callees[0].reply(b.callees[0].expect("INVITE "), 486, ""))
	r := f.recorded(t)
	if !r.Emergency || r.Mask != 0 || r.Presented != 0 || r.Caller != simAlice || r.Dialled != "112" {
		t.Errorf("%+v", r)
	}
}

func TestRecordOfAFaultOfOurs(t *testing.T) {
	b, f := recordingBed(t, nil)
	b.caller.send(strings.ReplaceAll(b.caller.invite("one"), simMaskA.Reveal(), "441110000666"))
	if r := f.recorded(t); r.Reason != "panic" || r.EndedBy != EndedByEdge {
		t.Errorf("%+v", r)
	}
}

func TestRecordOfDeadMedia(t *testing.T) {
	b, f := recordingBed(t, nil)
	b.connect(b.caller, "one")
	b.media.mu.Lock()
	timeout := b.media.sessions[0].onTimeout
	b.media.mu.Unlock()
	timeout("silent")
	if r := f.recorded(t); r.Reason != "media_timeout" || r.EndedBy != EndedByEdge || r.Code != 200 {
		t.Errorf("%+v", r)
	}
}

// No call begins whose record might be lost.
func TestNoCallsWhileRecordsWait(t *testing.T) {
	b, f := recordingBed(t, nil)
	d := b.connect(b.caller, "one")
	f.fill(true)
	b.caller.send(b.caller.invite("two"))
	if answer := b.caller.expect("SIP/2.0 503"); strings.Contains(answer, "Retry-After") {
		t.Errorf("%s", answer)
	}
	if got := b.count("busy_total", "trunk", "in", "reason", "records"); got != 1 {
		t.Errorf("%v counted", got)
	}
	b.hangUp(b.caller, d)
	f.recorded(t)
	f.fill(false)
	b.hangUp(b.caller, b.connect(b.caller, "three"))
}

func TestParties(t *testing.T) {
	from := &trunk{TrunkConfig: TrunkConfig{Tenant: "shop"}}
	asked := actRoute{dialled: "441110000001", to: simMaskA, from: simAlice}
	other := e164.MustParse("447700900009")
	cases := []struct {
		name  string
		asked actRoute
		ev    evRouted
		want  parties
	}{
		{
			"masked call", asked,
			evRouted{mask: simMaskA, present: simMaskB, to: simBob, tenant: "mall"},
			parties{tenant: "mall", mask: simMaskA, presented: simMaskB, caller: simAlice, called: simBob},
		},
		{
			"from its own mask",
			actRoute{dialled: "x", to: simBob, from: simMaskA},
			evRouted{mask: simMaskA, present: simMaskA, to: simBob},
			parties{tenant: "shop", mask: simMaskA, presented: simMaskA, called: simBob},
		},
		{
			"from a mask of others",
			actRoute{dialled: "x", to: simBob, from: simMaskA},
			evRouted{mask: simMaskA},
			parties{tenant: "shop", mask: simMaskA, dialled: "+447700900002"},
		},
		{"no mask", actRoute{dialled: "x", to: other, from: simAlice}, evRouted{}, parties{tenant: "shop", caller: simAlice, dialled: "+447700900009"}},
		{"no number", actRoute{dialled: strings.Repeat("x", 100), from: simAlice}, evRouted{}, parties{tenant: "shop", caller: simAlice, dialled: strings.Repeat("x", 64)}},
		{"emergency", actRoute{dialled: "112", from: simAlice}, evRouted{emergency: true, present: simAlice}, parties{tenant: "shop", caller: simAlice, dialled: "112"}},
		{"to a peer", asked, evRouted{mask: simMaskA, present: simMaskB, user: "desk"}, parties{tenant: "shop", mask: simMaskA, presented: simMaskB, caller: simAlice, calledUser: "desk"}},
		{"withheld", actRoute{dialled: "x", to: simMaskA}, evRouted{mask: simMaskA, present: simMaskB, to: simBob}, parties{tenant: "shop", mask: simMaskA, presented: simMaskB, called: simBob}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := newParties(c.asked, &c.ev, from); got != c.want {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestRecordCause(t *testing.T) {
	up := time.Now()
	cases := []struct {
		name string
		s    summary
		want int
	}{
		{"hung up", summary{why: "callee", code: 200, answered: up}, 16},
		{"without ACK", summary{why: "no_ack", code: 200, answered: up}, 102},
		{"dialog lost", summary{why: "dialog_lost", code: 200, answered: up}, 41},
		{"cancelled", summary{why: "cancelled", code: 487}, 16},
		{"busy, nothing said", summary{why: "refused", code: 486}, 17},
		{"busy, and the trunk says why", summary{why: "refused", code: 486, cause: 34}, 34},
		{"declined", summary{why: "refused", code: 603}, 21},
		{"unknown", summary{why: "refused", code: 404}, 1},
		{"unheard-of", summary{why: "refused", code: 499}, 127},
	}
	for _, c := range cases {
		if got := c.s.recordCause(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestEffective(t *testing.T) {
	now := time.Now()
	cases := []struct {
		name string
		c    course
		want bool
	}{
		{"answered", course{outcome: attemptAnswered}, true},
		{"busy", course{outcome: attemptRefused, code: 486}, true},
		{"declined", course{outcome: attemptRefused, code: 603}, true},
		{"rang for too long", course{outcome: attemptNoAnswer}, true},
		{"cancelled while ringing", course{outcome: attemptCancelled, ringing: now}, true},
		{"cancelled before", course{outcome: attemptCancelled}, false},
		{"overload", course{outcome: attemptRefused, code: 503}, false},
		{"unknown number", course{outcome: attemptRefused, code: 404}, false},
		{"silence", course{outcome: attemptTimeout}, false},
	}
	for _, c := range cases {
		c.c.began = now
		if got := c.c.effective(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if (&course{}).effective() {
		t.Error("an attempt that was never made")
	}
}
