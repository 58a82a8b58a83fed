package sip

import (
	"fmt"
	"strings"
	"time"
)

// simReliable is a peer's part in RFC 3262.
type simReliable struct {
	on      bool
	never   bool            // a caller that acknowledges nothing
	rseq    map[string]int  // latest that was sent or heard, by tag
	open    string          // callee: what waits for its PRACK, as "rseq tag"
	since   time.Time       // callee: when it began to wait
	sdp     map[string]bool // callee: a description went out reliably, by tag
	pracked map[string]bool // callee: those that were
	cseq    int             // caller: of its PRACKs
	twice   bool            // callee: a second device rings
	rang    bool            // callee: it did
	other   bool            // callee: and it answers
}

func (u *simUA) planReliable() {
	r := u.s.rnd
	u.rel = simReliable{
		on: r.IntN(3) == 0, never: r.IntN(8) == 0, twice: r.IntN(8) == 0, other: r.IntN(2) == 0,
		rseq: map[string]int{}, pracked: map[string]bool{}, sdp: map[string]bool{}, cseq: 1,
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
	if code == 100 || !u.rel.on || !strings.Contains(u.invited, "100rel") {
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
	u.repeatUntil(text, t1, 7, func() bool { return u.rel.pracked[key] || u.final != 0 || u.ended })
	return text
}

// waits reports whether the callee must wait for a PRACK before it goes on.
func (u *simUA) waits() bool {
	return u.rel.open != "" && !u.rel.pracked[u.rel.open] && u.s.now.Sub(u.rel.since) < t64
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
	u.rel.pracked[rack[0]+" "+tag] = true
	u.send(u.reply(text, 200, tag, ""))
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
	u.rel.cseq++
	cseq := fmt.Sprintf("%d PRACK", u.rel.cseq)
	request := withBody("PRACK sip:edge SIP/2.0\r\n"+u.via(u.branch())+fmt.Sprintf("From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nRAck: %d 1 INVITE\r\n",
		header(text, "From"), tag, header(text, "Call-ID"), cseq, n), "")
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
