package sip

import (
	"fmt"
	"strings"

	"maskline/sip/message"
)

// simGuard is a callee's wish for a digest: what it says to one new INVITE after
// the other, and whether it wants one for BYE too.
type simGuard struct {
	answered bool     // the trunk has credentials
	says     []string // "plain", "stale", "foreign"
	bye      bool
	rotates  bool // a nonce gets too old in the call, once

	nonce   string
	refused map[string]string // by branch: the challenge, for repetitions
	heard   map[string]bool   // by branch: acknowledged
	closed  bool              // no further INVITE may come
	cseq    int
	count   int
}

const simRealm, simUser, simPassword = "carrier.example", "maskline", "secret word"

func (g *simGuard) plan(u *simUA) {
	g.refused, g.heard = map[string]string{}, map[string]bool{}
	switch u.s.rnd.IntN(10) {
	case 0, 1:
		g.says = []string{"plain"}
	case 2:
		g.says = []string{"plain", "stale"}
	case 3:
		g.says = []string{"plain", "plain"}
	case 4:
		g.says = []string{"foreign"}
	case 5:
		g.says = []string{"plain", "stale", "stale"}
	}
	g.bye, g.rotates = u.s.rnd.IntN(3) == 0, u.s.rnd.IntN(2) == 0
}

func (u *simUA) challenge(request, kind string) string {
	g := &u.guard
	g.count++
	realm, stale := simRealm, ""
	switch kind {
	case "foreign":
		realm = "elsewhere.example"
	case "stale":
		stale = ", stale=true"
	}
	g.nonce = fmt.Sprintf("%s%d", u.name, g.count)
	code, name := 401, "WWW-Authenticate"
	if g.count%2 == 0 {
		code, name = 407, "Proxy-Authenticate"
	}
	text := u.reply(request, code, u.tag+"401", "")
	line := fmt.Sprintf("%s: Digest realm=\"%s\", nonce=\"%s\", algorithm=%s, qop=\"auth\"%s\r\n", name, realm, g.nonce, []string{"MD5", "SHA-256"}[g.count%2], stale)
	return strings.Replace(text, "Warning:", line+"Warning:", 1)
}

// proves holds the credentials of a request against the latest challenge.
func (u *simUA) proves(request string) {
	value := header(request, "Authorization") + header(request, "Proxy-Authorization")
	c, err := message.ParseCredentials(value)
	method, rest, _ := strings.Cut(request, " ")
	uri, _, _ := strings.Cut(rest, " ")
	user := message.NewDigestUser(simUser, simPassword, simRealm)
	if err != nil || c.Nonce != u.guard.nonce || c.URI != uri || c.Response != user.Response(&c, method) {
		u.s.fail("%s got wrong credentials (%v) in\n%s", u.name, err, request)
	}
}

// guards takes an INVITE that is answered with a challenge.
func (u *simUA) guards(text string) bool {
	g := &u.guard
	of := transaction(text)
	if reply, known := g.refused[of]; known {
		if !g.heard[of] {
			u.send(reply)
		}
		return true
	}
	if u.invited != "" {
		return false
	}
	if u.tooShort(text) {
		return true
	}
	var cseq int
	_, _ = fmt.Sscanf(header(text, "CSeq"), "%d", &cseq)
	if cseq <= g.cseq || g.closed {
		u.s.fail("%s got an INVITE that it did not ask for:\n%s", u.name, text)
	}
	g.cseq = cseq
	if g.nonce != "" {
		u.proves(text)
	}
	if len(g.says) == 0 {
		return false
	}
	kind := g.says[0]
	g.says = g.says[1:]
	g.closed = !g.answered || kind == "foreign" || g.count > 0 && kind == "plain" || g.count == mostTry
	reply := u.challenge(text, kind)
	g.refused[of] = reply
	u.repeatUntil(reply, t1, 11, func() bool { return g.heard[of] })
	return true
}

// guardsDialog takes a request in the dialog that is answered with a challenge. Our
// BYE of a further answer is left without.
func (u *simUA) guardsDialog(text string) bool {
	g := &u.guard
	of := transaction(text)
	if reply, known := g.refused[of]; known {
		if !g.heard[of] {
			u.send(reply)
		}
		return true
	}
	method, _, _ := strings.Cut(text, " ")
	if !g.bye || !g.answered || strings.Contains(header(text, "To"), "fork") {
		return false
	}
	kind := "plain"
	if strings.Contains(text, "Authorization: ") {
		if !g.rotates {
			return false
		}
		kind, g.rotates = "stale", false
	}
	reply := u.challenge(text, kind)
	g.refused[of] = reply
	u.s.challenged[method]++
	if method == message.Invite {
		u.repeatUntil(reply, t1, 11, func() bool { return g.heard[of] || u.ended })
	} else {
		u.send(reply)
	}
	return true
}

// provesAny holds the credentials of a request inside the dialog against any
// challenge that was made.
func (u *simUA) provesAny(request string) {
	c, err := message.ParseCredentials(header(request, "Authorization") + header(request, "Proxy-Authorization"))
	method, _, _ := strings.Cut(request, " ")
	if err != nil || c.Response != message.NewDigestUser(simUser, simPassword, simRealm).Response(&c, method) {
		u.s.fail("%s got wrong credentials (%v) in\n%s", u.name, err, request)
	}
}
