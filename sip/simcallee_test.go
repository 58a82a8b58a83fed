package sip

import (
	"fmt"
	"strings"
	"time"
)

// ring is the callee at an INVITE, first or repeated.
func (u *simUA) ring(text string) {
	if u.guards(text) {
		return
	}
	if u.invited != "" {
		if last := u.said["INVITE"]; last != "" && !u.confirmed {
			u.send(last)
		}
		return
	}
	u.invited = text
	u.say(0)
}

func (u *simUA) say(i int) {
	if i == len(u.answers) || u.final != 0 {
		return
	}
	if u.waits() {
		u.s.at(t1, func() { u.say(i) })
		return
	}
	code := u.answers[i]
	body := ""
	if code == 200 && u.rel.rang && u.rel.other {
		u.tag += "2"
		u.d.agreed = 40000
	}
	if code == 200 && u.d.device != "" && !strings.HasSuffix(u.d.device, ";tag="+u.tag) {
		u.d.agreed = 40000 // another device did
	}
	if code == 200 && !u.rel.sdp[u.tag] || code == 183 && u.earlySDP {
		body = u.sdp()
		if code == 200 {
			u.d.agreed, u.d.said = 40000, body
		}
	}
	if code > 100 && code < 200 {
		if u.rel.twice {
			u.rel.twice = false
			u.provisional(183, u.tag+"2", u.sdp())
			u.rel.rang = true
		}
		u.said["INVITE"] = u.provisional(code, u.tag, body)
		u.another()
		u.s.at(u.pace, func() { u.say(i + 1) })
		return
	}
	text := u.reply(u.invited, code, u.tag, body)
	u.said["INVITE"] = text
	if code >= 200 {
		u.final = code
		u.repeatUntil(text, t1, 11, func() bool { return u.confirmed || u.ended })
		if code == 200 && u.fork {
			u.s.at(time.Millisecond, func() { u.send(u.reply(u.invited, 200, u.tag+"fork", u.sdp())) })
		}
		if code == 200 && u.rushed {
			u.hangUp(fmt.Sprintf("From: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\n",
				header(u.invited, "To"), u.tag, header(u.invited, "From"), header(u.invited, "Call-ID")))
		}
		if code == 200 {
			u.s.at(40*time.Second, func() {
				if !u.confirmed && !u.ended && !u.dead && u.s.gone == 0 {
					u.s.fail("%s was never acknowledged", u.name)
				}
				u.ended = true // RFC 3261 §13.3.1.4: it gives up
			})
		}
	} else {
		u.send(text)
	}
	u.s.at(u.pace, func() { u.say(i + 1) })
}

// another device of the callee's speaks before the answer, and counts from elsewhere.
func (u *simUA) another() {
	if u.s.rnd.IntN(8) > 0 {
		return
	}
	method := []string{"UPDATE", "INFO", "OPTIONS"}[u.s.rnd.IntN(3)]
	u.send(withBody(method+" sip:edge SIP/2.0\r\n"+u.via(u.branch())+fmt.Sprintf("From: %s;tag=%s-x\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 5000 %s\r\n%s",
		header(u.invited, "To"), u.tag, header(u.invited, "From"), header(u.invited, "Call-ID"), method, u.contact()), ""))
}

func (u *simUA) cancelled(text string) {
	if u.invited == "" {
		u.send(u.reply(text, 481, u.tag, ""))
		return
	}
	if transaction(text) != transaction(u.invited) || header(text, "Call-ID") != header(u.invited, "Call-ID") {
		u.s.fail("CANCEL of no INVITE:\n%s\n%s", text, u.invited)
	}
	if u.said["INVITE"] == "" {
		u.s.fail("CANCEL before a provisional answer")
	}
	u.send(u.reply(text, 200, u.tag, ""))
	if u.final == 0 && !u.ignores {
		u.final = 487
		end := u.reply(u.invited, 487, u.tag, "")
		u.said["INVITE"] = end
		u.repeatUntil(end, t1, 11, func() bool { return u.confirmed })
	}
}

func (u *simUA) acked(text string) {
	if of := transaction(text); u.guard.refused[of] != "" {
		u.guard.heard[of] = true
		return
	}
	to := header(text, "To")
	if u.final == 0 || !strings.Contains(to, "tag="+u.tag) || header(text, "Call-ID") != header(u.invited, "Call-ID") {
		u.s.fail("%s got an ACK of nothing:\n%s", u.name, text)
	}
	if strings.Contains(to, "fork") || u.confirmed {
		return
	}
	u.confirmed = true
	if u.final >= 300 {
		return
	}
	if bare := !strings.Contains(u.invited, "m=audio"); (bare && strings.Contains(u.said["INVITE"], "m=audio")) != strings.Contains(text, "m=audio") && !u.badAnswer && !u.picky {
		u.s.fail("%s got the wrong ACK:\n%s", u.name, text)
	}
	if !strings.Contains(u.invited, "m=audio") {
		u.checkMuxAnswer(u.said["INVITE"], text)
	}
	u.agrees(u.said["INVITE"], false)
	u.talk(header(u.invited, "To")+";tag="+u.tag, header(u.invited, "From"), header(u.invited, "Call-ID"))
}
