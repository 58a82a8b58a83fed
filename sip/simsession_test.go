package sip

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// simSession is a peer's part in RFC 4028.
type simSession struct {
	on       bool
	seconds  int       // that it asks for, or was granted
	wish     string    // the refresher that it asks for or chooses; may be empty in an INVITE
	least    int       // callee: a shorter one is refused with 422; 0: none is
	lazy     bool      // does not refresh when it should
	active   bool      // a timer runs
	ours     bool      // it refreshes
	deadline time.Time // then the session has ended
	head     string    // From, To and Call-ID of its requests
}

func (u *simUA) planSession(caller bool) {
	r := u.s.rnd
	u.ses = simSession{on: r.IntN(3) == 0, seconds: 90 + r.IntN(200), lazy: r.IntN(4) == 0}
	u.ses.wish = []string{"", "uac", "uas"}[r.IntN(3)]
	if !caller && u.ses.wish == "" {
		u.ses.wish = "uac"
	}
	if caller && r.IntN(15) == 0 {
		u.ses.seconds = 60 // refused
	}
	if !caller && r.IntN(10) == 0 {
		u.ses.least = 1900
	}
}

// proposes are the headers of a request of the agent's.
func (u *simUA) proposes() string {
	s := &u.ses
	if !s.on {
		return ""
	}
	line := "Supported: timer\r\nSession-Expires: " + strconv.Itoa(s.seconds)
	switch {
	case s.active && s.ours:
		line += ";refresher=uac"
	case s.active:
		line += ";refresher=uas"
	case s.wish != "":
		line += ";refresher=" + s.wish
	}
	return line + "\r\n"
}

// grants is the header of a 2xx to a request of the edge's.
func (u *simUA) grants(request string, code int) string {
	value := header(request, "Session-Expires")
	method, _, _ := strings.Cut(request, " ")
	if !u.ses.on || value == "" || code < 200 || code > 299 || method != "INVITE" && method != "UPDATE" {
		return ""
	}
	seconds, who, given := strings.Cut(value, ";refresher=")
	if !given {
		who = u.ses.wish
		seconds = strconv.Itoa(min(u.ses.seconds, simSeconds(seconds)))
	}
	return "Require: timer\r\nSession-Expires: " + seconds + ";refresher=" + who + "\r\n"
}

func simSeconds(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// agrees takes over what a 2xx says, its own or the edge's; asked tells whether the
// agent had sent the request.
func (u *simUA) agrees(response string, asked bool) {
	s := &u.ses
	value := header(response, "Session-Expires")
	seconds, who, _ := strings.Cut(value, ";refresher=")
	if value == "" || !s.on {
		s.active = false
		if value != "" && asked {
			u.s.fail("%s was granted a timer that it did not ask for:\n%s", u.name, response)
		}
		return
	}
	s.active, s.seconds, s.ours = true, simSeconds(seconds), (who == "uac") == asked
	if s.seconds < 90 {
		u.s.fail("a session of %d s", s.seconds)
	}
	end := u.s.now.Add(time.Duration(s.seconds) * time.Second)
	s.deadline = end
	u.s.at(end.Sub(u.s.now), func() { u.runOut(end) })
	if s.ours && !s.lazy {
		u.s.at(end.Sub(u.s.now)/2, func() { u.refreshes(end) })
	}
}

// runOut is the end of a session: nobody may be in it.
func (u *simUA) runOut(end time.Time) {
	if !u.ses.active || u.ses.deadline != end || u.ended || u.byeSent || u.dead || !u.confirmed || !u.s.clean() {
		return
	}
	u.s.fail("%s has a session that nobody refreshed in %d s", u.name, u.ses.seconds)
}

// refreshes sends an UPDATE, as soon as nothing else is under way.
func (u *simUA) refreshes(end time.Time) {
	s := &u.ses
	if !s.active || s.deadline != end || u.ended || u.byeSent || u.dead || u.s.gone > 0 {
		return
	}
	if u.busy() || !u.confirmed {
		u.s.at(time.Second, func() { u.refreshes(end) })
		return
	}
	u.d.cseq++
	key := strconv.Itoa(u.d.cseq) + " UPDATE"
	a := &simAsk{}
	a.text = withBody("UPDATE sip:edge SIP/2.0\r\n"+u.via(u.branch())+s.head+"CSeq: "+key+"\r\n"+u.d.allow+u.proposes()+u.contact(), "")
	u.d.own[key], u.d.changed = a, u.s.now
	u.repeatUntil(a.text, t1, 11, func() bool { return a.final != "" || u.ended })
	u.s.at(45*time.Second, func() { u.checkAnswered(key, a) })
}

// tooShort refuses an INVITE that asks for too short a session.
func (u *simUA) tooShort(text string) bool {
	value, _, _ := strings.Cut(header(text, "Session-Expires"), ";")
	if u.ses.least == 0 || !u.ses.on || simSeconds(value) >= u.ses.least {
		return false
	}
	of := transaction(text)
	reply := strings.Replace(u.reply(text, 422, u.tag+"401", ""), "Warning:", fmt.Sprintf("Min-SE: %d\r\nWarning:", u.ses.least), 1)
	u.guard.refused[of] = reply
	u.repeatUntil(reply, t1, 11, func() bool { return u.guard.heard[of] })
	return true
}

// sessionOf are the headers of a request inside the dialog.
func (u *simUA) sessionOf(method string) string {
	if method == "INFO" {
		return ""
	}
	return u.proposes()
}
