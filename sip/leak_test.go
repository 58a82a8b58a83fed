package sip

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/e164"
	"maskline/sip/message"
	"maskline/testbench/await"
	"maskline/testbench/leak"
)

// Numbers that stand wherever a party can put one.
var (
	plantedByCaller = e164.MustParse("447911123456")
	plantedByCallee = e164.MustParse("447911654321")
)

// leakUA is a party that plants numbers in all that it sends, answers whatever
// it is asked, and keeps what it gets.
type leakUA struct {
	*peer
	finals chan string
	calls  chan string // INVITEs that open one
	byes   chan struct{}
	known  map[string]bool
	pracks map[string]int // sent, by call

	mu    sync.Mutex
	plant func(*leakMessage)
	wrote func(string)
	codes []int // answers to an INVITE that opens a call
	got   []string
}

func newLeakUA(p *peer) *leakUA {
	const many = 10_000
	return &leakUA{
		peer: p, finals: make(chan string, many), calls: make(chan string, many), byes: make(chan struct{}, many), known: map[string]bool{}, pracks: map[string]int{},
	}
}

func (u *leakUA) say(text string) {
	m := takeApart(text)
	u.mu.Lock()
	u.plant(m)
	text = m.String()
	u.wrote(text)
	u.mu.Unlock()
	u.send(text)
}

// serve runs until the socket is closed.
func (u *leakUA) serve() {
	buf := make([]byte, 65536)
	for {
		n, _, err := u.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		text := string(buf[:n])
		u.mu.Lock()
		u.got = append(u.got, text)
		u.mu.Unlock()
		u.onMessage(text)
	}
}

func (u *leakUA) onMessage(text string) {
	method, _, _ := strings.Cut(text, " ")
	switch {
	case method == "SIP/2.0" && text[8] == '1':
		if rseq := header(text, "RSeq"); rseq != "" {
			id := header(text, "Call-ID")
			u.pracks[id]++
			prack := strings.Replace(u.inDialog("PRACK", text, 1+u.pracks[id]), "Call-ID: ", "RAck: "+rseq+" 1 INVITE\r\nCall-ID: ", 1)
			u.say(prack)
		}
	case method == "SIP/2.0" && strings.HasSuffix(header(text, "CSeq"), "PRACK"):
	case method == "SIP/2.0":
		if key := header(text, "CSeq") + header(text, "Call-ID"); !u.known[key] { // not those repeated
			u.known[key] = true
			u.finals <- text
		}
	case method == "ACK":
	case method == "INVITE" && !strings.Contains(header(text, "To"), "tag="):
		if !u.known[header(text, "Call-ID")] {
			u.known[header(text, "Call-ID")] = true
			u.calls <- text
		}
		for _, code := range u.answers(nil) {
			u.answer(text, code)
		}
	default:
		body := ""
		if method == "INVITE" || strings.Contains(text, "m=audio") {
			body = u.sdp()
		}
		u.say(strings.Replace(u.reply(text, 200, body), simBob.Reveal()+"@", "", 1)) // either side may be asked
		if method == "BYE" {
			u.byes <- struct{}{}
		}
	}
}

// reliably is added to a provisional code that is to be acknowledged.
const reliably = 1000

func (u *leakUA) answer(invite string, code int) {
	body := ""
	if code%reliably == 183 || code == 200 {
		body = u.sdp()
	}
	text := u.reply(invite, code%reliably, body)
	if code > reliably {
		text = strings.Replace(text, "Call-ID: ", "Require: 100rel\r\nRSeq: 7\r\nCall-ID: ", 1)
	}
	u.say(text)
}

func next[T any](t *testing.T, what string, from chan T) T {
	t.Helper()
	return await.From(t, 5*time.Second, what, from)
}

// answers sets the answers to come, unless there are none, and returns them.
func (u *leakUA) answers(codes []int) []int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if codes != nil {
		u.codes = codes
	}
	return u.codes
}

// take returns what was received since the last time.
func (u *leakUA) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	got := u.got
	u.got = nil
	return got
}

// leakBed is a bed whose three parties are leaky.
type leakBed struct {
	*bed
	t       *testing.T
	caller  *leakUA
	callees [2]*leakUA
	serial  int
	bare    bool            // INVITEs have no offer
	seen    map[string]bool // what was looked into: side, and method or code
	planted atomic.Bool     // a number of theirs left somebody in this place
}

func newLeakBed(t *testing.T) *leakBed {
	b := newBed(t, nil)
	l := &leakBed{bed: b, t: t, seen: map[string]bool{}, caller: newLeakUA(b.caller), callees: [2]*leakUA{newLeakUA(b.callees[0]), newLeakUA(b.callees[1])}}
	var work sync.WaitGroup
	for _, u := range []*leakUA{l.caller, l.callees[0], l.callees[1]} {
		work.Go(u.serve)
	}
	t.Cleanup(func() {
		for _, u := range []*leakUA{l.caller, l.callees[0], l.callees[1]} {
			_ = u.conn.Close()
		}
		work.Wait()
	})
	return l
}

// in has everybody plant in one place from now on.
func (l *leakBed) in(p place) {
	l.planted.Store(false)
	for u, number := range map[*leakUA]e164.Number{l.caller: plantedByCaller, l.callees[0]: plantedByCallee, l.callees[1]: plantedByCallee} {
		u.mu.Lock()
		u.plant = func(m *leakMessage) { p.plant(m, digitsOf(number)) }
		u.wrote = func(text string) {
			if leak.Contains([]byte(text), number) {
				l.planted.Store(true)
			}
		}
		u.mu.Unlock()
	}
}

func digitsOf(n e164.Number) string { return string(n.AppendDigits(nil)) }

// dial sends an INVITE and returns its final answer.
func (l *leakBed) dial(codes, others []int) string {
	l.t.Helper()
	for _, u := range l.callees {
		for len(u.calls) > 0 {
			<-u.calls
		}
	}
	l.callees[0].answers(codes)
	l.callees[1].answers(others)
	l.caller.say(l.invite())
	return next(l.t, fmt.Sprint("a final answer, the called side saying ", codes), l.caller.finals)
}

// invite is the caller's next INVITE.
func (l *leakBed) invite() string {
	l.serial++
	text := strings.Replace(l.caller.invite(fmt.Sprintf("sip%d", l.serial)), ";branch", ";rport;branch", 1)
	text = strings.Replace(text, "Call-ID: ", "Supported: 100rel, timer\r\nCall-ID: ", 1)
	if l.bare {
		head, _, _ := strings.Cut(text, "Content-")
		text = head + "Content-Length: 0\r\n\r\n"
	}
	return text
}

// judge looks at all that was received.
func (l *leakBed) judge() {
	l.t.Helper()
	for _, side := range []struct {
		name      string
		got       []string
		forbidden []e164.Number
	}{
		{"the caller", l.caller.take(), []e164.Number{plantedByCallee, simBob}},
		{"the called side", append(l.callees[0].take(), l.callees[1].take()...), []e164.Number{plantedByCaller, simAlice}},
	} {
		if len(side.got) == 0 {
			l.t.Errorf("%s got nothing", side.name)
		}
		for _, text := range side.got {
			what, _, _ := strings.Cut(strings.Replace(text, "SIP/2.0 ", "", 1), " ")
			if what == "INVITE" && strings.Contains(header(text, "To"), "tag=") {
				what = "re-INVITE"
			}
			l.seen[side.name+" "+what] = true
			for _, n := range side.forbidden {
				if leak.Contains([]byte(text), n) {
					l.t.Errorf("%s sees a number of the other one in\n%s", side.name, text)
				}
			}
		}
	}
}

// TestNothingCrosses plants a number in each place of docs/sip-reference.md's table, in all
// that either side sends: requests, provisional, final and refusing answers,
// requests inside the dialog; and looks for it in all that the other side gets.
func TestNothingCrosses(t *testing.T) {
	l := newLeakBed(t)
	for _, p := range leakPlaces() {
		t.Run(p.docs, func(t *testing.T) {
			l.t = t
			l.in(p)
			l.answeredCall()
			l.delayedCall()
			l.reliableCall()
			for _, codes := range [][2][]int{{{302}}, {{404}}, {{181, 486}}, {{603}}, {{503}, {200}}, {{407}}} {
				if final := l.dial(codes[0], codes[1]); strings.HasPrefix(final, "SIP/2.0 200") {
					l.hangUp(final)
				} else {
					l.caller.say(l.caller.ack(final))
				}
			}
			l.cancelledCall()
			l.judge()
			if !l.planted.Load() {
				t.Error("nothing was planted, or the search is blind")
			}
		})
	}
	for _, what := range []string{
		"the caller 180", "the caller 183", "the caller 200", "the caller 404", "the caller 480", "the caller 486", "the caller 487", "the caller 603",
		"the caller re-INVITE", "the caller INFO",
		"the called side INVITE", "the called side ACK", "the called side PRACK", "the called side CANCEL", "the called side re-INVITE", "the called side INFO", "the called side BYE",
	} {
		if !l.seen[what] {
			t.Errorf("nothing was looked for in: %s gets it", what)
		}
	}
}

// ack is the ACK of a refusal.
func (p *peer) ack(final string) string {
	return withBody(fmt.Sprintf("ACK sip:edge SIP/2.0\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 ACK\r\n",
		header(final, "Via"), header(final, "From"), header(final, "To"), header(final, "Call-ID")), "")
}

// TestDocsOfCrossing wants a row for each place, in the test and on the page, and
// for each header that leg B's INVITE and the caller's answers hold.
func TestDocsOfCrossing(t *testing.T) {
	documented := map[string]string{}
	var rows []string
	for _, row := range docsTable(t, "## What crosses, and what does not") {
		rows = append(rows, row[0])
		for name := range strings.SplitSeq(row[0], ", ") {
			documented[name] = row[2]
		}
	}
	for _, p := range leakPlaces() {
		if !slices.Contains(rows, p.docs) {
			t.Errorf("no row %q", p.docs)
		}
	}
	b := newBench(t)
	b.trunks[0].cli = message.CLI{From: true, Asserted: true}
	b.step("A INVITE")
	b.step("B0 486 cause-17")
	for _, text := range []string{b.opened["B0"], b.last["A"]} {
		m := takeApart(text)
		for _, line := range m.lines {
			name, _, _ := strings.Cut(line, ":")
			if got := documented[name]; got == "" || got == "nothing" {
				t.Errorf("%s is sent, documented %q", name, got)
			}
		}
	}
}
