package sip

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// simDialog is what a simulated user agent does inside an established dialog, and
// what it makes of requests there.
type simDialog struct {
	tasks   int           // re-INVITE, UPDATE, INFO that it will send
	pace    time.Duration // between them, about
	cseq    int           // of its last request
	version int           // of its descriptions
	port    int           // where it wants media
	agreed  int           // the port that both sides know
	unsure  bool          // whether they do
	changed time.Time     // when that, or anything under way, last changed
	own     map[string]*simAsk
	theirs  map[string]*simServed // by CSeq
	moody   bool                  // refuses and is slow more often
	allow   string
	said    string // the description that both sides know
	device  string // To of what changed the session last, before the answer
}

// simAsk is a request of the agent's own.
type simAsk struct {
	text, body string
	port       int // in its offer; 0: none
	final      string
	cancelled  bool
}

// simServed is a request of the edge's.
type simServed struct {
	text  string
	final string
	acked bool
	port  int // in the answer or offer of the final answer
	bare  bool
}

func (u *simUA) planDialog() {
	r := u.s.rnd
	u.d = simDialog{version: 1, port: 40000, agreed: 40000, cseq: 10, own: map[string]*simAsk{}, theirs: map[string]*simServed{}}
	if r.IntN(2) == 0 {
		u.d.tasks = r.IntN(12)
	}
	u.d.said = u.sdp()
	u.d.pace = time.Duration(1+r.IntN(5000)) * time.Millisecond
	u.d.moody = r.IntN(3) == 0
	u.d.allow = []string{"", "Allow: INVITE, UPDATE, INFO\r\n", "Allow: INVITE, INFO\r\n", "Allow: INVITE\r\n"}[r.IntN(4)]
}

// converse sends the agent's requests one after the other.
func (u *simUA) converse(head string) {
	if u.d.tasks == 0 {
		return
	}
	u.d.tasks--
	u.s.at(time.Duration(u.s.rnd.Int64N(int64(2*u.d.pace))), func() {
		if u.ended || u.byeSent || u.dead {
			return
		}
		u.request(head)
		u.converse(head)
	})
}

func (u *simUA) busy() bool {
	for _, a := range u.d.own {
		if a.final == "" {
			return true
		}
	}
	for _, t := range u.d.theirs {
		if t.final == "" || !t.acked && strings.HasPrefix(t.text, "INVITE") {
			return true
		}
	}
	return false
}

// request sends one request; a quarter of them where manners would have it wait.
func (u *simUA) request(head string) {
	r := u.s.rnd
	if u.busy() && r.IntN(4) > 0 {
		return
	}
	method := []string{"INVITE", "INVITE", "UPDATE", "INFO"}[r.IntN(4)]
	a := &simAsk{}
	switch {
	case method == "INFO":
		a.body = []string{"Signal=5\r\nDuration=100\r\n", "Signal=5\r\nX: " + u.number.Reveal() + "\r\n", u.number.Reveal()}[r.IntN(3)]
	case r.IntN(5) == 0:
		a.port, a.body = u.d.agreed, u.d.said
	case r.IntN(4) > 0:
		u.d.version++
		if r.IntN(2) == 0 {
			u.d.port += 2
		}
		a.port, a.body = u.d.port, u.describe([]string{"", "sendonly", "inactive", "recvonly"}[r.IntN(4)])
		if u.s.fax.IntN(5) == 0 {
			a.body = u.faxed(a.body)
		}
		a.body = u.remuxed(a.body, "")
		if bad := strings.ReplaceAll(a.body, u.addr.Addr().String(), "127.0.0.1"); r.IntN(12) == 0 && bad != a.body {
			a.port, a.body = 0, bad
		}
	}
	u.d.cseq++
	key := strconv.Itoa(u.d.cseq) + " " + method
	a.text = withBody(fmt.Sprintf("%s sip:edge SIP/2.0\r\n", method)+u.via(u.branch())+head+"CSeq: "+key+"\r\n"+u.d.allow+u.sessionOf(method)+u.contact()+"X-Real: "+u.number.Reveal()+"\r\n", a.body)
	if method == "INFO" {
		a.text = strings.Replace(a.text, "application/sdp", "application/dtmf-relay", 1)
	}
	u.d.own[key], u.d.changed = a, u.s.now
	most := 7
	if method != "INVITE" {
		most = 11
	}
	u.repeatUntil(a.text, t1, most, func() bool { return a.final != "" || u.said[key] != "" || u.ended })
	if method == "INVITE" && r.IntN(6) == 0 {
		u.s.at(time.Duration(r.IntN(2000))*time.Millisecond, func() { u.cancelOwn(key, a) })
	}
	u.s.at(45*time.Second, func() { u.checkAnswered(key, a) })
}

// cancelOwn takes a re-INVITE back, once there was a provisional answer.
func (u *simUA) cancelOwn(key string, a *simAsk) {
	if a.final != "" || u.said[key] == "" || u.ended || u.byeSent {
		return
	}
	a.cancelled = true
	text := strings.Replace(a.text, "INVITE sip:", "CANCEL sip:", 1)
	text = strings.Replace(text, "CSeq: "+key, "CSeq: "+strings.Replace(key, "INVITE", "CANCEL", 1), 1)
	if at := strings.Index(text, "Content-"); at > 0 {
		text = withBody(text[:at], "")
	}
	u.repeatUntil(text, t1, 10, func() bool { return a.final != "" || u.ended })
}

// checkAnswered wants an answer to everything that a clean network carried.
func (u *simUA) checkAnswered(key string, a *simAsk) {
	if a.final == "" && !u.ended && !u.dead && u.final < 300 && u.s.clean() {
		u.s.fail("%s has no answer to %s", u.name, key)
	}
	if a.final == "" { // it gives up
		a.final = "none"
	}
}

// describe is the agent's description as it is now.
func (u *simUA) describe(direction string) string {
	u.rekey()
	text := strings.Replace(u.sdp(), " 1 1 IN", fmt.Sprintf(" 1 %d IN", u.d.version), 1)
	text = strings.Replace(text, "m=audio 40000", fmt.Sprintf("m=audio %d", u.d.port), 1)
	if direction != "" {
		text += "a=" + direction + "\r\n"
	}
	return text
}

// answeredOwn is an answer to a request of the agent's own.
func (u *simUA) answeredOwn(cseq string, code int, text string) {
	a := u.d.own[cseq]
	if a == nil {
		return
	}
	u.d.changed = u.s.now
	if code < 200 {
		u.said[cseq] = text
		return
	}
	stale := code >= 300 || strings.HasPrefix(a.final, "SIP/2.0 500") // of one that came again after its successor
	if a.final != "" && a.final != "none" && a.final != text && !stale {
		u.s.fail("two answers to %s:\n%s\n%s", cseq, a.final, text)
	}
	first := a.final == ""
	a.final = text
	if code < 300 {
		u.checkMuxAnswer(a.body, text)
	}
	number, method, _ := strings.Cut(cseq, " ")
	if first && code < 300 && method != "INFO" {
		u.agrees(text, true)
	}
	answer := ""
	if method == "INVITE" && code < 300 && a.body == "" {
		answer = u.remuxed(u.describe(""), text)
		if first {
			u.d.agreed, u.d.said = u.d.port, answer
		}
	}
	if first && code < 300 && a.port != 0 {
		u.d.agreed, u.d.said = a.port, a.body
	}
	if method == "INVITE" {
		u.ackWith(text, number, answer, a)
	}
}

// answeredPrack is the answer to an offer in the agent's PRACK.
func (u *simUA) answeredPrack(a *simAsk, code int, text string) {
	if a == nil || a.final != "" {
		return
	}
	a.final, u.d.changed = text, u.s.now
	if code == 200 {
		u.checkMuxAnswer(a.body, text)
		u.d.agreed, u.d.said = a.port, a.body
	}
}

// ackWith acknowledges; for a refusal with the branch of the request.
func (u *simUA) ackWith(response, cseq, body string, a *simAsk) {
	via := u.via(u.branch())
	if !strings.HasPrefix(response, "SIP/2.0 2") {
		via = "Via: " + header(a.text, "Via") + "\r\nMax-Forwards: 70\r\n"
		body = ""
	}
	u.send(withBody("ACK sip:edge SIP/2.0\r\n"+via+fmt.Sprintf("From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s ACK\r\n",
		header(response, "From"), header(response, "To"), header(response, "Call-ID"), cseq), body))
}

// asked is a re-INVITE, UPDATE or INFO of the edge's.
func (u *simUA) asked(text string) {
	early := strings.HasPrefix(text, "UPDATE ") && (u.rel.told || len(u.rel.sdp) > 0)
	if early && u.final >= 300 {
		u.send(u.reply(text, 481, u.tag, ""))
		return
	}
	if (u.final < 200 || u.final >= 300) && !early {
		u.s.fail("%s is asked outside a dialog:\n%s", u.name, text)
	}
	cseq := header(text, "CSeq")
	t := u.d.theirs[cseq]
	if t != nil {
		if t.final != "" && !t.acked {
			u.send(t.final)
		}
		return
	}
	method, _, _ := strings.Cut(text, " ")
	_, body, _ := strings.Cut(text, "\r\n\r\n")
	t = &simServed{text: text, bare: body == ""}
	u.d.theirs[cseq], u.d.changed = t, u.s.now
	if method == "INFO" && !strings.HasPrefix(body, "Signal=5\r\nDuration=") {
		u.s.fail("INFO with %q", body)
	}
	if strings.Contains(text, "Authorization: ") {
		u.provesAny(text)
	}
	r := u.s.rnd
	delay := time.Duration(r.IntN(300)) * time.Millisecond
	if u.d.moody && r.IntN(4) == 0 {
		delay = time.Duration(r.IntN(40_000)) * time.Millisecond
	}
	if method == "INVITE" && r.IntN(2) == 0 {
		u.send(u.reply(text, []int{100, 100, 180}[r.IntN(3)], u.tag, ""))
	}
	u.s.at(delay, func() {
		if t.final == "" && !u.ended && u.final < 300 {
			u.decide(method, t)
		}
	})
}

// decide gives the final answer.
func (u *simUA) decide(method string, t *simServed) {
	r := u.s.rnd
	code := 200
	for key, a := range u.d.own {
		if a.final == "" && !strings.HasSuffix(key, "INFO") && method != "INFO" && key != "" {
			code = 491
		}
	}
	for _, other := range u.d.theirs {
		if other != t && other.final != "" && !other.acked && strings.HasPrefix(other.text, "INVITE") && method == "INVITE" {
			code = 500 // its own answer is not acknowledged
		}
	}
	if code == 200 && (u.d.moody && r.IntN(2) == 0 || r.IntN(12) == 0) {
		code = []int{488, 491, 500, 408, 603, 415, 481}[r.IntN(7)]
	}
	body := ""
	if code == 200 && method != "INFO" {
		u.d.version++
		body = u.describe([]string{"", "", "recvonly", "inactive"}[r.IntN(4)])
		if strings.Contains(t.text, "\r\nm=image ") {
			body = u.faxed(body)
		}
		body = u.remuxed(body, t.text)
		t.port = u.d.port
		if r.IntN(30) == 0 {
			body = ""
		}
	}
	text := u.reply(t.text, code, u.tag, body)
	if r.IntN(6) == 0 { // many forget it here
		text = strings.Replace(text, u.contact(), "", 1)
	}
	u.finish(t, text, method)
	if code == 200 && method != "INFO" {
		u.agrees(t.final, false)
	}
	if code == 200 && method != "INFO" && !t.bare && body != "" {
		u.d.agreed, u.d.said, u.d.device = t.port, body, header(t.text, "To")
	}
}

func (u *simUA) finish(t *simServed, text, method string) {
	t.final, u.d.changed = text, u.s.now
	if method != "INVITE" {
		t.acked = true
		u.send(text)
		u.s.at(32*time.Second, func() { t.acked = true })
		t.acked = false // repeated as asked for
		return
	}
	u.repeatUntil(text, t1, 11, func() bool { return t.acked || u.ended })
	u.s.at(40*time.Second, func() {
		if !t.acked && !u.ended && !u.byeSent && !u.dead && u.s.gone == 0 && u.s.clean() {
			u.s.fail("%s was not acknowledged:\n%s", u.name, text)
		}
		t.acked = true
	})
}

// ackedInDialog is the ACK of a re-INVITE of the edge's.
func (u *simUA) ackedInDialog(text string) {
	number, _, _ := strings.Cut(header(text, "CSeq"), " ")
	t := u.d.theirs[number+" INVITE"]
	if t == nil || t.final == "" {
		u.s.fail("%s got an ACK of nothing:\n%s", u.name, text)
	}
	_, body, _ := strings.Cut(text, "\r\n\r\n")
	success := strings.HasPrefix(t.final, "SIP/2.0 200")
	offered := strings.Contains(t.final, "m=audio") && !strings.Contains(t.final, "127.0.0.1")
	wanted := success && t.bare
	if !t.acked && wanted && offered && body == "" || body != "" && !wanted {
		u.s.fail("%s got the wrong ACK:\n%s\nto\n%s", u.name, text, t.final)
	}
	if !t.acked && success && t.bare {
		u.checkMuxAnswer(t.final, text)
	}
	if !t.acked && success && t.bare && body != "" && !strings.Contains(body, "a=inactive") {
		_, u.d.said, _ = strings.Cut(t.final, "\r\n\r\n")
		u.d.agreed = t.port
	} else if !t.acked && success && t.bare && strings.Contains(t.final, "a=inactive") {
		u.d.unsure = true // its own hold was agreed to, or declined
		u.mux.said = u.d.said
		_, u.mux.perhaps, _ = strings.Cut(t.final, "\r\n\r\n")
	}
	t.acked, u.d.changed = true, u.s.now
}

// cancelledInDialog is a CANCEL of a re-INVITE of the edge's.
func (u *simUA) cancelledInDialog(text string) {
	number, _, _ := strings.Cut(header(text, "CSeq"), " ")
	t := u.d.theirs[number+" INVITE"]
	if t == nil || transaction(t.text) != transaction(text) {
		u.s.fail("%s got a CANCEL of nothing:\n%s", u.name, text)
	}
	u.send(u.reply(text, 200, u.tag, ""))
	if t.final == "" && !u.ended && u.s.rnd.IntN(4) > 0 {
		u.finish(t, u.reply(t.text, 487, u.tag, ""), "INVITE")
	}
}

// clean reports whether the network keeps every message, once and in time.
func (s *sim) clean() bool { return s.loss == 0 && s.twice == 0 && s.late == 0 }

// checkMedia wants the relay to send where the side last said, unless something is
// under way.
func (s *sim) checkMedia(side Side, u *simUA) {
	if !s.quiet(u) {
		return
	}
	if got := int(s.remotes[side].RTP.Port()); got != u.d.agreed {
		s.fail("media of %s goes to port %d, not to %d", u.name, got, u.d.agreed)
	}
	s.checkMuxAt(side, u)
}

// checkFax wants a fax on both sides or on none.
func (s *sim) checkFax(callee *simUA) {
	if s.quiet(s.caller) && s.quiet(callee) && s.remotes[SideA].Fax != s.remotes[SideB].Fax {
		s.fail("a fax on one side alone")
	}
}

// quiet reports whether the side's session is what was agreed last.
func (s *sim) quiet(u *simUA) bool {
	return s.clean() && s.acked && u.confirmed && s.now.Sub(s.answeredAt) >= time.Second && !u.dead && u.vanish == 0 &&
		!u.busy() && !u.d.unsure && s.now.Sub(u.d.changed) >= time.Second && !u.badAnswer
}

// checkVersion wants one description for each version. RFC 3264 §8.
func (s *sim) checkVersion(a actSend) {
	_, body, _ := strings.Cut(string(a.data), "\r\n\r\n")
	if !strings.HasPrefix(body, "v=0") {
		return
	}
	key := fmt.Sprint(a.leg, " ", version(string(a.data)))
	if a.leg != legA && a.method == "ACK" {
		return // another device's has a description of its own
	}
	if before := s.said[key]; before != "" && before != body {
		s.fail("two descriptions of one version:\n%s\n%s", before, body)
	}
	s.said[key] = body
}
