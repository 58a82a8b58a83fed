package sip

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// simReliable is a peer's part in RFC 3262.
type simReliable struct {
	on      bool
	never   bool              // a caller that acknowledges nothing
	rseq    map[string]int    // latest that was sent or heard, by tag
	open    string            // callee: what waits for its PRACK, as "rseq tag"
	since   time.Time         // callee: when it began to wait
	sdp     map[string]bool   // callee: a description went out reliably, by tag
	pracked map[string]bool   // callee: those that were
	offers  map[string]string // callee: those that have an offer
	told    bool              // caller: it has acknowledged a description
	eager   bool              // it changes the session before the answer
	hasty   bool              // callee: it answers while that is under way
	forgets bool              // caller: its PRACK lacks the answer
	twice   bool              // callee: a second device rings
	rang    bool              // callee: it did
	other   bool              // callee: and it answers
}

func (u *simUA) planReliable() {
	r := u.s.rnd
	u.rel = simReliable{
		on: r.IntN(3) == 0, never: r.IntN(8) == 0, twice: r.IntN(8) == 0, other: r.IntN(2) == 0,
		rseq: map[string]int{}, pracked: map[string]bool{}, sdp: map[string]bool{}, offers: map[string]string{},
		eager: r.IntN(2) == 0, hasty: r.IntN(4) == 0, forgets: r.IntN(20) == 0,
	}
}

// planEarly has both sides agree before the answer in a quarter of the seeds: by
// themselves they seldom would.
func (s *sim) planEarly() {
	r := rand.New(rand.NewPCG(s.seed, 5))
	if r.IntN(4) > 0 {
		return
	}
	allow := []string{"Allow: INVITE, PRACK, UPDATE, INFO\r\n", "Allow: INVITE, PRACK, UPDATE\r\n", "Allow: INVITE, PRACK\r\n"}
	s.caller.rel.on, s.caller.rel.never, s.caller.rel.eager, s.caller.earlyBye = true, false, r.IntN(3) > 0, false
	s.caller.d.allow = allow[r.IntN(3)]
	s.caller.delayed = r.IntN(2) == 0
	for _, tr := range s.trunks { // in order: a map has none
		u := s.callees[tr.addr]
		u.rel.on, u.rel.eager, u.earlySDP, u.d.allow = true, r.IntN(3) > 0, true, allow[r.IntN(3)]
		if r.IntN(4) > 0 {
			u.answers = []int{100, 183, 180, []int{200, 200, 200, 486}[r.IntN(4)]}
			u.pace = time.Duration(500+r.IntN(6000)) * time.Millisecond
		}
	}
}

// supported is the caller's header.
func (u *simUA) supported() string {
	if u.rel.on {
		return "Supported: 100rel\r\n"
	}
	return ""
}

// provisional sends a callee's 18x, reliably if both want it.
func (u *simUA) provisional(code int, tag, body string) string {
	text := u.reply(u.invited, code, tag, body)
	offers := !strings.Contains(u.invited, "m=audio") && !u.rel.sdp[tag]
	if code == 100 || !u.rel.on || !strings.Contains(u.invited, "100rel") || offers && body == "" {
		u.send(text)
		return text
	}
	if u.rel.rseq[tag] == 0 {
		u.rel.rseq[tag] = 1 + u.s.rnd.IntN(1000)
	} else {
		u.rel.rseq[tag]++
	}
	key := fmt.Sprintf("%d %s", u.rel.rseq[tag], tag)
	u.rel.open, u.rel.since = key, u.s.now
	u.rel.sdp[tag] = u.rel.sdp[tag] || body != ""
	text = strings.Replace(text, "Server:", fmt.Sprintf("Require: 100rel\r\nRSeq: %d\r\nServer:", u.rel.rseq[tag]), 1)
	if offers {
		u.rel.offers[key] = text
	}
	u.repeatUntil(text, t1, 7, func() bool { return u.rel.pracked[key] || u.final != 0 || u.ended })
	return text
}

// waits reports whether the callee must wait for a PRACK before it goes on.
func (u *simUA) waits() bool {
	if u.rel.open != "" && !u.rel.pracked[u.rel.open] && u.s.now.Sub(u.rel.since) < t64 {
		return true
	}
	return u.final == 0 && u.rel.sdp[u.tag] && !u.rel.hasty && u.busy()
}

// pracking is a callee at a PRACK.
func (u *simUA) pracking(text string) {
	tag, _, _ := strings.Cut(strings.SplitAfterN(header(text, "To"), ";tag=", 2)[1], ";")
	rack := strings.Fields(header(text, "RAck"))
	n, err := 0, error(nil)
	if len(rack) == 3 {
		_, err = fmt.Sscan(rack[0], &n)
	}
	if len(rack) != 3 || err != nil || rack[1]+" "+rack[2] != header(u.invited, "CSeq") || n > u.rel.rseq[tag] || u.rel.rseq[tag] == 0 ||
		header(text, "Call-ID") != header(u.invited, "Call-ID") {
		u.s.fail("%s got a PRACK of nothing:\n%s", u.name, text)
	}
	key := rack[0] + " " + tag
	_, body, _ := strings.Cut(text, "\r\n\r\n")
	offer := u.rel.offers[key] != ""
	if offer {
		u.checkMuxAnswer(u.rel.offers[key], text)
	}
	if u.s.clean() && !u.badAnswer && offer != strings.Contains(body, "m=audio") && (!u.picky || !offer) {
		u.s.fail("%s got the wrong PRACK:\n%s", u.name, text)
	}
	u.rel.pracked[key] = true
	u.send(u.reply(text, 200, tag, ""))
	if tag == u.tag && u.rel.sdp[tag] && u.rel.eager {
		u.updateEarly(fmt.Sprintf("From: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\n",
			header(u.invited, "To"), tag, header(u.invited, "From"), header(u.invited, "Call-ID")))
	}
}

// updateEarly changes the session in the early dialog, after a while.
func (u *simUA) updateEarly(head string) {
	u.s.at(time.Duration(u.s.rnd.IntN(3000))*time.Millisecond, func() {
		if u.final != 0 || u.ended || u.byeSent || u.dead || u.busy() && u.s.rnd.IntN(4) > 0 {
			return
		}
		body := u.change()
		u.d.cseq++
		key := strconv.Itoa(u.d.cseq) + " UPDATE"
		text := withBody("UPDATE sip:edge SIP/2.0\r\n"+u.via(u.branch())+head+"CSeq: "+key+"\r\n"+u.d.allow+u.contact()+"X-Real: "+u.number.Reveal()+"\r\n", body)
		a := &simAsk{text: text, body: body, port: u.d.port}
		u.d.own[key], u.d.changed = a, u.s.now
		u.repeatUntil(text, t1, 11, func() bool { return a.final != "" || u.ended || u.final >= 300 })
		u.s.at(45*time.Second, func() { u.checkAnswered(key, a) })
	})
}

// change is an offer of the agent's that differs from its last one.
func (u *simUA) change() string {
	u.d.version++
	if u.s.rnd.IntN(2) == 0 {
		u.d.port += 2
	}
	return u.remuxed(u.describe([]string{"", "sendonly", "inactive", "recvonly"}[u.s.rnd.IntN(4)]), "")
}

// prack is a caller at a reliable answer.
func (u *simUA) prack(text string) {
	n := 0
	if _, err := fmt.Sscan(header(text, "RSeq"), &n); err != nil {
		return
	}
	if !u.rel.on || !strings.Contains(text, "Require: 100rel\r\n") {
		u.s.fail("reliable without being asked:\n%s", text)
	}
	tag := header(text, "To")
	if last := u.rel.rseq[tag]; u.rel.never || last != 0 && n != last+1 {
		return
	}
	u.rel.rseq[tag] = n
	described := strings.Contains(text, "m=audio")
	u.d.cseq++
	cseq := fmt.Sprintf("%d PRACK", u.d.cseq)
	a, body := &simAsk{}, ""
	switch {
	case u.delayed && described:
		if !u.rel.forgets {
			body = u.remuxed(u.sdp(), text)
			u.d.said = body
		}
	case (described || u.rel.told) && u.rel.eager && !u.busy() && u.s.rnd.IntN(3) == 0:
		body = u.change()
		a.port, a.body = u.d.port, body
		u.d.own[cseq], u.d.changed = a, u.s.now
	}
	u.rel.told = u.rel.told || described
	head := fmt.Sprintf("From: %s\r\nTo: %s\r\nCall-ID: %s\r\n", header(text, "From"), tag, header(text, "Call-ID"))
	if u.rel.told && u.rel.eager {
		u.updateEarly(head)
	}
	request := withBody("PRACK sip:edge SIP/2.0\r\n"+u.via(u.branch())+head+fmt.Sprintf("CSeq: %s\r\nRAck: %d 1 INVITE\r\n", cseq, n), body)
	u.repeatUntil(request, t1, 10, func() bool { return u.said[cseq] != "" })
}

// checkReliable holds what the caller is sent against RFC 3262 §3 as the edge
// must see it: one at a time, no 2xx before the PRACK of a description, one
// answer only.
func (s *sim) checkReliable(a actSend, text string) {
	if a.leg != legA || a.method != "INVITE" || a.code < 101 || !strings.Contains(text, "\r\nCSeq: 1 INVITE\r\n") {
		return
	}
	sdp := strings.Contains(text, "\r\nm=audio")
	rseq := header(text, "RSeq")
	switch {
	case rseq != "" && rseq != s.rseq:
		if s.rseqOpen {
			s.fail("a second reliable answer before the PRACK of the first")
		}
		if s.rseqTold && sdp {
			s.fail("a second description after the answer was told reliably")
		}
		if s.caller.delayed && !s.rseqTold && !sdp {
			s.fail("a reliable answer without the offer")
		}
		s.rseq, s.rseqOpen, s.rseqSDP = rseq, true, sdp
	case a.code >= 200 && a.code < 300:
		if s.rseqOpen && s.rseqSDP {
			s.fail("a 2xx before the PRACK of a description")
		}
		if s.rseqTold && sdp {
			s.fail("a 2xx with a description after the answer was told reliably")
		}
		if !s.rseqTold && !sdp {
			s.fail("a 2xx without a description")
		}
	}
}

// sawPrack is a PRACK that reached the edge.
func (s *sim) sawPrack(rack string) {
	if n, _, _ := strings.Cut(rack, " "); n == s.rseq && s.rseqOpen {
		s.rseqOpen, s.rseqTold = false, s.rseqTold || s.rseqSDP
	}
}
