package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"maskline/e164"
)

// simUA is a caller or a callee with the manners of RFC 3261, and with some bad
// ones that its seed chooses.
type simUA struct {
	six    bool     // its media is on IPv6
	held   []string // keys of its SRTP, the last one in use; none: it has none
	keys   string   // its line of a description
	savp   bool     // as RTP/SAVP
	mux    simMuxing
	s      *sim
	name   string
	addr   netip.AddrPort
	over   transport
	narrow bool // it refuses TCP where it is to be reached over UDP
	tag    string
	number e164.Number

	// What it will do.
	dead      bool          // never says anything
	answers   []int         // what a callee says, in turn
	pace      time.Duration // between two of them
	earlySDP  bool
	fork      bool // a second 200 with another tag
	hangsUp   time.Duration
	cancels   time.Duration
	ignores   bool // does not honour CANCEL, so that a 200 crosses it
	noAck     bool
	badAnswer bool
	vanish    time.Duration
	earlyBye  bool
	elsewhere bool // names an address in Contact that its trunk does not allow
	rushed    bool // hangs up before its answer is acknowledged
	rel       simReliable
	ses       simSession
	guard     simGuard
	delayed   bool            // its INVITE has no offer
	picky     bool            // its trunk takes no codec that anybody offers
	openings  map[string]bool // CSeq of the INVITEs that opened, or were challenged

	// What happened.
	invited   string // the INVITE, as sent or received
	final     int
	said      map[string]string // callee: last response by Via branch and method, for repetitions
	confirmed bool              // ACK sent or received
	ended     bool              // BYE sent and answered, or received
	byeSent   bool
	remoteTo  string // To with the other side's tag
	branches  int
	d         simDialog
}

func (u *simUA) plan(caller bool) {
	r := u.s.rnd
	u.said, u.openings = map[string]string{}, map[string]bool{}
	u.hangsUp, u.cancels = -1, -1
	u.elsewhere = r.IntN(4) == 0
	u.planReliable()
	u.planSession(caller)
	u.planDialog()
	if caller {
		switch r.IntN(4) {
		case 0:
			u.cancels = time.Duration(r.IntN(8000)) * time.Millisecond
		case 1, 2:
			u.hangsUp = time.Duration(r.IntN(100_000)) * time.Millisecond
		}
		u.noAck = r.IntN(25) == 0
		u.delayed = r.IntN(6) == 0
		u.earlyBye = r.IntN(30) == 0
		return
	}
	u.tag = "bob" + u.name
	u.guard.plan(u)
	u.pace = time.Duration(r.IntN(2500)) * time.Millisecond
	switch r.IntN(10) {
	case 0:
		u.dead = true
	case 1:
		u.answers = []int{100}
	case 2:
		u.answers = []int{100, []int{503, 500, 404, 486, 408, 302, 401, 603}[r.IntN(8)]}
	case 3:
		u.answers = []int{[]int{503, 502, 404, 486, 480}[r.IntN(5)]}
	case 4:
		u.answers = []int{100, []int{180, 183}[r.IntN(2)], []int{503, 486, 408}[r.IntN(3)]}
	case 5:
		u.answers = []int{180}
	case 6:
		u.answers = []int{200}
	default:
		u.answers = []int{100, []int{180, 183, 181}[r.IntN(3)], 180, 200}
	}
	u.earlySDP = r.IntN(3) == 0
	u.fork = r.IntN(10) == 0
	u.rushed = r.IntN(15) == 0
	u.ignores = r.IntN(3) == 0
	u.badAnswer = r.IntN(15) == 0
	if r.IntN(3) == 0 {
		u.hangsUp = time.Duration(r.IntN(100_000)) * time.Millisecond
	}
	if r.IntN(20) == 0 {
		u.vanish = time.Duration(1+r.IntN(20_000)) * time.Millisecond
		u.s.at(u.vanish, func() { u.dead = true })
	}
}

func (u *simUA) send(text string) {
	if u.dead {
		return
	}
	if u.over == overUDP {
		u.s.carry(u.addr, u.s.edgeAddr, []byte(text), func() { u.s.arrive(u.addr, 0, []byte(text)) })
		return
	}
	const conn = 7
	u.s.stream(u.addr, u.s.edgeAddr, []byte(text), func() { u.s.arrive(u.addr, conn, []byte(text)) }, func() {})
}

// repeatUntil sends again with the times of RFC 3261 until done.
func (u *simUA) repeatUntil(text string, every time.Duration, left int, done func() bool) {
	if done() || left == 0 {
		return
	}
	u.send(text)
	u.s.at(every, func() { u.repeatUntil(text, min(2*every, t2), left-1, done) })
}

func (u *simUA) branch() string {
	u.branches++
	return fmt.Sprintf("z9hG4bK%s%d", u.name, u.branches)
}

func (u *simUA) sdp() string {
	addr := "IP4 " + u.addr.Addr().String()
	if u.six {
		addr = "IP6 " + simSixMedia.String()
	}
	if u.badAnswer {
		addr = "IP4 127.0.0.1"
	}
	n := u.number.Reveal()
	return u.muxed("v=0\r\no=" + n + " 1 1 IN " + addr + "\r\ns=" + n + "\r\nc=IN " + addr +
		"\r\nt=0 0\r\nm=audio 40000 RTP/" + u.profile() + " 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n" + u.keys)
}

func withBody(head, body string) string {
	if body != "" {
		head += "Content-Type: application/sdp\r\n"
	}
	return head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

func (u *simUA) contact() string {
	at := u.addr.String()
	if u.elsewhere {
		at = "203.0.113.99:5060"
	}
	return fmt.Sprintf("Contact: <sip:%s@%s>\r\n", u.number.Reveal(), at)
}

func (u *simUA) via(branch string) string {
	return fmt.Sprintf("Via: SIP/2.0/UDP %s;branch=%s\r\nMax-Forwards: 70\r\n", u.addr, branch)
}

// invite is the caller's start.
func (u *simUA) invite() {
	n := u.number.Reveal()
	u.remoteTo = fmt.Sprintf("<sip:%s@edge>", simMaskA.Reveal())
	offer := u.sdp()
	if u.delayed {
		offer = ""
	}
	u.invited = withBody(fmt.Sprintf("INVITE sip:%s@edge SIP/2.0\r\n", simMaskA.Reveal())+u.via(u.branch())+
		fmt.Sprintf("From: \"%s\" <sip:%s@home>;tag=%s\r\nTo: %s\r\nCall-ID: secret-%s\r\nCSeq: 1 INVITE\r\n", n, n, u.tag, u.remoteTo, n)+
		u.contact()+u.d.allow+"P-Asserted-Identity: <tel:"+n+">\r\nX-Real: "+n+"\r\n"+u.supported()+u.proposes(), offer)
	heard := func() bool { return u.final != 0 || len(u.said) > 0 }
	u.repeatUntil(u.invited, t1, 7, heard)
	if u.cancels >= 0 {
		u.s.at(u.cancels, func() {
			if u.final != 0 || len(u.said) == 0 {
				return // no CANCEL before a provisional answer
			}
			text := strings.Replace(u.invited, "INVITE sip:", "CANCEL sip:", 1)
			text = strings.Replace(text, "CSeq: 1 INVITE", "CSeq: 1 CANCEL", 1)
			text = withBody(text[:strings.Index(text, "Content-")], "")
			u.repeatUntil(text, t1, 10, func() bool { return u.said["CANCEL"] != "" })
		})
	}
}

func header(text, name string) string {
	for line := range strings.SplitSeq(text, "\r\n") {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			return v
		}
		if line == "" {
			return ""
		}
	}
	return ""
}

// transaction is what a server knows a request by: the sender and the branch in
// its Via, by whatever transport it came. RFC 3261 §17.2.3.
func transaction(request string) string {
	_, sender, _ := strings.Cut(header(request, "Via"), " ")
	return sender
}

func (u *simUA) receive(data []byte) {
	if u.dead {
		return
	}
	text := string(data)
	if strings.HasPrefix(text, "SIP/2.0 ") {
		u.response(text)
		return
	}
	inside := strings.Contains(header(text, "To"), "tag=")
	if of := transaction(text); inside && strings.HasPrefix(text, "ACK ") && u.guard.refused[of] != "" {
		u.guard.heard[of] = true
		return
	}
	if inside && !strings.HasPrefix(text, "ACK ") && !strings.HasPrefix(text, "CANCEL ") && u.guardsDialog(text) {
		return
	}
	switch method, _, _ := strings.Cut(text, " "); {
	case method == "INVITE" && !inside:
		u.openings[header(text, "CSeq")] = true
		u.ring(text)
	case method == "INVITE", method == "UPDATE", method == "INFO":
		u.asked(text)
	case method == "ACK" && (u.s.caller == u || !u.openings[strings.Replace(header(text, "CSeq"), "ACK", "INVITE", 1)]):
		u.ackedInDialog(text)
	case method == "ACK":
		u.acked(text)
	case method == "CANCEL" && inside:
		u.cancelledInDialog(text)
	case method == "CANCEL":
		u.cancelled(text)
	case method == "BYE":
		u.bye(text)
	case method == "PRACK":
		u.pracking(text)
	default:
		u.s.fail("%s got a %s", u.name, method)
	}
}

// reply answers a request; body may be empty.
func (u *simUA) reply(request string, code int, tag, body string) string {
	to := header(request, "To")
	if tag != "" && !strings.Contains(to, "tag=") && code != 100 {
		to += ";tag=" + tag
	}
	n := u.number.Reveal()
	return withBody(fmt.Sprintf("SIP/2.0 %d call %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nServer: %s\r\n",
		code, n, header(request, "Via"), header(request, "From"), to, header(request, "Call-ID"), header(request, "CSeq"), n)+
		u.contact()+u.d.allow+u.grants(request, code)+"Warning: 399 x \""+n+"\"\r\n", body)
}

// talk is what both sides do in an answered call.
func (u *simUA) talk(from, to, callID string) {
	head := fmt.Sprintf("From: %s\r\nTo: %s\r\nCall-ID: %s\r\n", from, to, callID)
	u.ses.head = head
	u.converse(head)
	if u.hangsUp >= 0 {
		u.s.at(u.hangsUp, func() { u.hangUp(head) })
	}
}

func (u *simUA) hangUp(head string) {
	if u.ended || u.byeSent {
		return
	}
	u.byeSent = true
	text := withBody("BYE sip:edge SIP/2.0\r\n"+u.via(u.branch())+head+"CSeq: 900 BYE\r\n", "")
	u.repeatUntil(text, t1, 11, func() bool { return u.said["900 BYE"] != "" })
}

func (u *simUA) bye(text string) {
	known := u.invited != "" && header(text, "Call-ID") == header(u.invited, "Call-ID")
	if !known || !strings.Contains(header(text, "To"), "tag="+u.tag) || !strings.Contains(header(text, "From"), "tag=") {
		u.s.fail("%s got a BYE outside its dialog:\n%s", u.name, text)
	}
	if !strings.Contains(header(text, "To"), "fork") {
		u.ended = true
	}
	u.send(u.reply(text, 200, u.tag, ""))
}

// response is the caller's, and either side's for its own BYE and re-INVITE.
func (u *simUA) response(text string) {
	var code int
	if _, err := fmt.Sscanf(text, "SIP/2.0 %d", &code); err != nil {
		u.s.fail("%v", err)
	}
	cseq := header(text, "CSeq")
	number, method, _ := strings.Cut(cseq, " ")
	if method == "CANCEL" {
		u.said["CANCEL"] = text
		return
	}
	if method == "PRACK" {
		u.said[cseq] = text
		u.answeredPrack(u.d.own[cseq], code, text)
		return
	}
	if u.d.own[cseq] != nil {
		u.answeredOwn(cseq, code, text)
		return
	}
	if cseq != "1 INVITE" {
		if code >= 200 {
			first := u.said[cseq] == ""
			u.said[cseq] = text
			if method == "INVITE" && (first || !u.noAck) {
				u.ackFor(text, number)
			}
			if method == "BYE" {
				if code != 200 && code != 481 {
					u.s.fail("BYE is answered %d", code)
				}
				u.ended = true
			}
		}
		return
	}
	u.said["1 INVITE"] = text
	u.checkMuxAnswer(u.invited, text)
	if code < 200 {
		u.prack(text)
		if u.earlyBye && code > 100 && !u.byeSent {
			u.hangUp(fmt.Sprintf("From: %s\r\nTo: %s\r\nCall-ID: %s\r\n", header(text, "From"), header(text, "To"), header(text, "Call-ID")))
		}
		return
	}
	first := u.final == 0
	u.final = code
	if u.noAck {
		return
	}
	u.ackFor(text, "1")
	if first && code < 300 {
		u.confirmed = true
		u.agrees(text, true)
		u.talk(header(text, "From"), header(text, "To"), header(text, "Call-ID"))
	}
}

func (u *simUA) ackFor(response, cseq string) {
	var code int
	_, _ = fmt.Sscanf(response, "SIP/2.0 %d", &code)
	via := "Via: " + header(response, "Via") + "\r\nMax-Forwards: 70\r\n"
	if code < 300 {
		via = u.via(u.branch())
	}
	body := ""
	if code < 300 && u.delayed && strings.Contains(response, "m=audio") {
		body = u.sdp()
	}
	u.send(withBody("ACK sip:edge SIP/2.0\r\n"+via+fmt.Sprintf("From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s ACK\r\n",
		header(response, "From"), header(response, "To"), header(response, "Call-ID"), cseq), body))
}

// checkEnded wants no dialog left on this side.
func (u *simUA) checkEnded() {
	if u.dead || u.vanish > 0 || !u.confirmed || u.final >= 300 {
		return
	}
	if !u.ended && !(u.byeSent && u.s.loss > 0) {
		u.s.fail("%s still believes that it is in a call", u.name)
	}
}
