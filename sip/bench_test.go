package sip

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	gosip "github.com/emiago/sipgo/sip"

	"maskline/sip/message"
)

// bench drives one call by hand.
type bench struct {
	t          testing.TB
	call       *call
	now        time.Time
	trunkA     *trunk
	trunks     []*trunk
	routed     evRouted
	strange    int       // so many times, the caller is new to the mask
	remotes    [2]Remote // what the relay was told last
	begins     bool
	ports      bool
	mediaFault string
	delayed    bool // the INVITE has no offer
	offer      string
	answer     string
	routes     string // Record-Route of answers
	headers    string // more of the caller's INVITE
	rseq       string // of the latest reliable answer to the caller

	invite  string            // the caller's
	opened  map[string]string // the INVITE that each candidate got
	asked   map[string]string // the last re-INVITE, UPDATE or INFO that each side got
	allow   string            // in what peers send; empty: no Allow
	tag     string            // ours towards the caller
	last    map[string]string // what each side got last
	sentTo  map[string]netip.AddrPort
	summary summary

	events   []event // all that the call was given
	everSent map[string]bool
	repeated bool // the last step sent only what had been sent before
}

func newBench(t testing.TB) *bench {
	ids, err := newTokens(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{
		t: t, call: newCall(7, ids, 6), now: simStart, begins: true, ports: true,
		opened: map[string]string{}, asked: map[string]string{}, last: map[string]string{}, sentTo: map[string]netip.AddrPort{}, everSent: map[string]bool{},
		trunkA: testTrunk(t, TrunkConfig{Name: "in", Carrier: "in", Addr: "192.0.2.10:5062", MaxDuration: time.Hour}),
	}
	description := "v=0\r\no=- 1 1 IN IP4 ADDR\r\ns=-\r\nc=IN IP4 ADDR\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
	b.offer = strings.ReplaceAll(description, "ADDR", "192.0.2.10")
	b.answer = strings.ReplaceAll(description, "ADDR", "198.51.100.1")
	b.routed = evRouted{present: simMaskB, to: simBob, otherwise: refusal{503, causeNoCircuit, "no_carrier"}}
	for i := range 2 {
		tr := testTrunk(t, TrunkConfig{Name: "out" + strconv.Itoa(i), Carrier: "out", Addr: fmt.Sprintf("198.51.100.%d:5070", i+1)})
		b.trunks = append(b.trunks, tr)
		b.routed.candidates = append(b.routed.candidates, candidate{trunk: tr})
	}
	return b
}

// step does one input and describes what came of it.
func (b *bench) step(in string) string {
	var out []string
	if d, err := time.ParseDuration(in); err == nil {
		end := b.now.Add(d)
		for {
			wake := b.call.wake()
			if wake.IsZero() || wake.After(end) {
				break
			}
			b.now = wake
			b.repeated = false
			if got := b.handle(evTick{}); !b.repeated || d < 20*time.Second { // long waits leave repetitions out
				out = append(out, got...)
			}
		}
		b.now = end
		return strings.Join(out, ", ")
	}
	words := strings.Fields(in)
	ev := b.event(words)
	return strings.Join(b.handle(ev), ", ")
}

func (b *bench) handle(ev event) []string {
	var out []string
	var results []event
	b.events = append(b.events, ev)
	for _, a := range b.call.handle(ev, b.now) {
		text, result := b.do(a)
		out = append(out, text)
		if result != nil {
			results = append(results, result)
		}
	}
	for _, r := range results {
		out = append(out, b.handle(r)...)
	}
	return out
}

func (b *bench) name(c candidate) string {
	for i := len(b.call.b) - 1; i >= 0; i-- {
		if b.call.b[i].trunk == c.trunk {
			return "B" + strconv.Itoa(i)
		}
	}
	return "B0"
}

func (b *bench) do(a action) (string, event) {
	switch a := a.(type) {
	case actSend:
		return b.sent(a), nil
	case actRoute:
		if b.strange > 0 {
			b.strange--
			return "route", b.first()
		}
		return "route", b.routed
	case actOpen:
		return "open", nil
	case actContacted:
		return "contact " + a.outcome.String(), nil
	case actAllocate:
		if !b.ports {
			return "allocate", evAllocated{}
		}
		return "allocate", evAllocated{netip.MustParseAddrPort("203.0.113.1:20000"), netip.MustParseAddrPort("203.0.113.1:20002")}
	case actBegin:
		return "begin", evBegun{ok: b.begins}
	case actRemote:
		b.remotes[a.side] = a.remote
		side := string('A' + rune(a.side))
		if side == b.mediaFault {
			return "remote " + side, evMediaFault{a.side}
		}
		return "remote " + side, nil
	case actAnswered:
		return "answered", nil
	case actRinging:
		return "ring", nil
	case actReport:
		verdict := "bad"
		if a.ok {
			verdict = "ok"
		}
		return "report " + b.name(a.candidate) + " " + verdict, nil
	case actAttempt:
		return fmt.Sprintf("attempt %s %s %d", b.name(a.candidate), a.outcome, a.code), nil
	case actOver:
		b.summary = a.summary
		return fmt.Sprintf("over %s %d", a.summary.why, a.summary.code), nil
	case actGone:
		return "gone", nil
	case actPlay:
		return "play " + string('A'+rune(a.side)) + " " + a.prompt.Name, evPlaying{a.side, true}
	case actHush:
		return "hush " + string('A'+rune(a.side)), nil
	case actSeparate:
		if a.apart {
			return "apart", nil
		}
		return "together", nil
	case actListen:
		return "listen", nil
	}
	return "?", nil
}

func (b *bench) sent(a actSend) string {
	side := "A"
	if a.leg != legA {
		side = "B" + strconv.Itoa(int(a.leg))
	}
	text := string(a.data)
	b.last[side], b.sentTo[side] = text, a.to
	b.repeated, b.everSent[text] = b.everSent[text], true
	switch a.method {
	case message.Invite, message.Update, message.Info, message.Prack:
		if base, _ := splitTry(a.seq); a.code == 0 && base >= seqDialog {
			b.asked[side] = text
		} else if a.code == 0 {
			b.opened[side] = text
		}
	}
	if a.code == 0 {
		if !strings.HasPrefix(text, a.method+" ") {
			b.t.Fatalf("called %s:\n%s", a.method, text)
		}
		if base, _ := splitTry(a.seq); described(text) != "" && base != seqInvite {
			return side + " " + a.method + described(text)
		}
		return side + " " + a.method
	}
	if !strings.HasPrefix(text, fmt.Sprintf("SIP/2.0 %d ", a.code)) {
		b.t.Fatalf("called %d:\n%s", a.code, text)
	}
	if side == "A" && a.method == message.Invite && a.code > 100 {
		_, b.tag, _ = strings.Cut(header(text, "To"), ";tag=")
		if rseq := header(text, "RSeq"); rseq != "" {
			b.rseq = rseq
		}
	}
	return fmt.Sprintf("%s %d%s", side, a.code, described(text))
}

func (b *bench) event(words []string) event {
	side := words[0]
	switch side {
	case "end":
		return evEnd{words[1]}
	case "slot":
		return evOpened{words[1] == "opened"}
	case "key": // of the called side
		return evDigit{SideB, words[1][0]}
	case "played": // to the caller
		return evPlayed{SideA}
	}
	number := uint8(legA)
	if side != "A" {
		n, err := strconv.Atoi(side[1:])
		if err != nil {
			b.t.Fatal(err)
		}
		number = uint8(n)
	}
	switch {
	case words[1] == "icmp":
		return evUnreachable{number, seqInvite}
	case words[1] == "lost": // the connection of the last request inside the dialog
		_, branch, _ := strings.Cut(header(b.asked[side], "Via"), "branch=")
		k, _ := b.call.tokens.openBranch(branch, branchToken)
		return evUnreachable{number, k.seq}
	case words[1][0] >= '0' && words[1][0] <= '9':
		return b.response(side, number, words[1:])
	case side == "A" && len(words) == 2 && words[1] == message.Invite:
		if b.invite != "" {
			return evRepeated{}
		}
		b.invite = b.inviteText()
		return evInvite{req: b.parse(b.invite, "192.0.2.10:5062"), trunk: b.trunkA, over: b.trunkA.over, own: "203.0.113.1:5060", secret: testSecret}
	default:
		return b.request(side, number, words[1:])
	}
}

func (b *bench) inviteText() string {
	offer := b.offer
	if b.delayed {
		offer = ""
	}
	return withBody("INVITE sip:+441110000001@edge SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n"+
		"From: \"Alice\" <sip:+447700900001@home>;tag=a\r\nTo: <sip:+441110000001@edge>\r\nCall-ID: secret\r\nCSeq: 1 INVITE\r\n"+
		"Contact: <sip:192.0.2.10:5062>\r\nP-Asserted-Identity: <tel:+447700900001>\r\nGeolocation: <cid:here@home>\r\nX-Real: 1\r\n"+b.allow+b.headers, offer)
}

func (b *bench) parse(text, from string) *message.Request {
	msg, err := gosip.NewParser().ParseSIP([]byte(text))
	if err != nil {
		b.t.Fatalf("%v\n%s", err, text)
	}
	req, f := message.NewRequest(msg.(*gosip.Request), netip.MustParseAddrPort(from))
	if f != nil {
		b.t.Fatalf("%v\n%s", f, text)
	}
	return req
}

// request is one inside a dialog, or a CANCEL.
func (b *bench) request(side string, number uint8, words []string) event {
	method, cseq, kind := words[0], "50", ""
	from, to, callID := "<sip:+447700900001@home>;tag=a", "<sip:+441110000001@edge>;tag="+b.tag, "secret"
	source, contact, description, more := "192.0.2.10:5062", "", b.offer, ""
	if side != "A" {
		open := b.opened[side]
		from, to, callID = header(open, "To")+";tag=b"+side, header(open, "From"), header(open, "Call-ID")
		source, description = b.trunks[number].addr.String(), b.answer
	}
	branch, body := "z9hG4bK"+strings.Join(words, "-"), ""
	if method == message.Ack {
		cseq = "1"
	}
	if method == message.Cancel {
		to, cseq, branch = "<sip:+441110000001@edge>", "1", "z9hG4bKa"
	}
	for _, w := range words[1:] {
		more += headerWord(w)
		switch {
		case strings.HasPrefix(w, "#"):
			cseq, branch = w[1:], "z9hG4bK"+side+w[1:]
			if method == message.Cancel {
				to = "<sip:+441110000001@edge>;tag=" + b.tag
			}
		case strings.HasPrefix(w, "+"):
			body = b.variant(description, w[1:])
		case strings.HasPrefix(w, "key-"):
			kind, body = "application/dtmf-relay", "Signal="+w[len("key-"):]+"\r\nDuration=100\r\n"
		}
		switch w {
		case "rack":
			more += "RAck: " + b.rseq + " 1 INVITE\r\n"
		case "next":
			cseq = "51"
		case "with-offer":
			body = description
		case "with-new-offer":
			body = strings.Replace(description, "m=audio 4", "m=audio 5", 1)
		case "wrong-call-id":
			callID = "other"
		case "wrong-from-tag":
			from += "x"
		case "stranger":
			source = "203.0.113.66:5060"
		case "cseq-0", "old":
			cseq, body = "0", description
		case "again", "again-2":
			if method == message.Invite {
				body = description
			}
			cseq = "20"
			if w == "again-2" {
				cseq = "21"
			}
		case "newer":
			body, cseq = strings.Replace(description, "o=- 1 1", "o=- 1 2", 1), "20"
		case "changed":
			body, cseq = strings.Replace(description, "m=audio 4", "m=audio 5", 1), "20"
		case "bare":
			cseq = "20"
		case "moved":
			cseq, body, contact = "20", description, "198.51.100.1:5099"
		case "of-refresh": // a CANCEL inside the dialog
			to, cseq, branch = "<sip:+441110000001@edge>;tag="+b.tag, "20", "z9hG4bKINVITE-again"
		}
	}
	if contact == "" {
		contact = source
	}
	text := withBody(fmt.Sprintf("%s sip:edge SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s %s\r\nContact: <sip:%s>\r\n%s",
		method, source, branch, from, to, callID, cseq, method, contact, b.allow+more), body)
	if kind != "" {
		text = strings.Replace(text, "application/sdp", kind, 1)
	}
	req := b.parse(text, source)
	if method == message.Cancel && req.ToTag == "" {
		return evCancel{req}
	}
	return evRequest{number, req}
}

// headerWord is a header written as one word, "h:Min-SE:_90".
func headerWord(w string) string {
	line, ok := strings.CutPrefix(w, "h:")
	if !ok {
		return ""
	}
	return strings.ReplaceAll(line, "_", " ") + "\r\n"
}

// response is "180", "200+sdp", "200 BYE", "404 cause-3", "200+sdp tag-2".
func (b *bench) response(side string, number uint8, words []string) event {
	code, description, _ := strings.Cut(words[0], "+")
	method, tag, extra := message.Invite, "b"+side, ""
	var source string
	if side == "A" {
		source = "192.0.2.10:5062"
	} else {
		source = b.trunks[int(number)%len(b.trunks)].addr.String()
	}
	callID, inside, contact := "", false, "Contact: <sip:"+source+">\r\n"
	for _, w := range words[1:] {
		switch {
		case strings.HasPrefix(w, "cause-"):
			extra = "Reason: Q.850;cause=" + w[len("cause-"):] + ";text=\"+447700900002\"\r\n"
		case strings.HasPrefix(w, "tag-"):
			tag += w
		case strings.HasPrefix(w, "h:"):
			extra += headerWord(w)
		case strings.HasPrefix(w, "rseq-"):
			extra += "Require: 100rel\r\nRSeq: " + w[len("rseq-"):] + "\r\n"
		case w == "re": // to the last request inside the dialog
			inside = true
		case w == "stranger":
			source = "203.0.113.66:5060"
		case w == "wrong-call-id":
			callID = "other"
		case w == "no-contact":
			contact = ""
		default:
			method = w
		}
	}
	body := ""
	if description != "" {
		own := b.answer
		if side == "A" {
			own = b.offer
		}
		body = b.variant(own, description)
	}
	request := b.opened[side]
	if method != message.Invite {
		request = b.last[side]
	}
	if inside {
		request = b.asked[side]
		_, method, _ = strings.Cut(header(request, "CSeq"), " ")
	}
	if callID == "" {
		callID = header(request, "Call-ID")
	}
	to := header(request, "To")
	if !strings.Contains(to, "tag=") {
		to += ";tag=" + tag
	}
	cseq, _, _ := strings.Cut(header(request, "CSeq"), " ")
	text := withBody(fmt.Sprintf("SIP/2.0 %s x\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s %s\r\n%s%s%s",
		code, header(request, "Via"), header(request, "From"), to, callID, cseq, method, contact, b.routes, b.allow+extra), body)
	msg, err := gosip.NewParser().ParseSIP([]byte(text))
	if err != nil {
		b.t.Fatalf("%v\n%s", err, text)
	}
	res, f := message.NewResponse(msg.(*gosip.Response))
	if f != nil {
		b.t.Fatal(f)
	}
	k, ok := b.call.tokens.openBranch(res.Branch, branchToken)
	if !ok || k.leg != number {
		b.t.Fatalf("branch of %s: %+v", side, k)
	}
	return evResponse{leg: k.leg, seq: k.seq, res: res, source: netip.MustParseAddrPort(source)}
}

// variant is a side's description by name.
func (b *bench) variant(text, name string) string {
	replace := func(old, with string) string { return strings.Replace(text, old, with, 1) }
	switch name {
	case "sdp":
		return text
	case "newer":
		return replace("o=- 1 1", "o=- 1 2")
	case "bad":
		return strings.ReplaceAll(strings.ReplaceAll(text, "198.51.100.1", "127.0.0.1"), "192.0.2.10", "127.0.0.1")
	case "ipv6":
		return strings.ReplaceAll(strings.ReplaceAll(text, "IP4 198.51.100.1", "IP6 2001:db8::1"), "IP4 192.0.2.10", "IP6 2001:db8::1")
	case "hold":
		return text + "a=sendonly\r\n"
	case "held":
		return text + "a=recvonly\r\n"
	case "zero":
		return strings.ReplaceAll(strings.ReplaceAll(text, "c=IN IP4 198.51.100.1", "c=IN IP4 0.0.0.0"), "c=IN IP4 192.0.2.10", "c=IN IP4 0.0.0.0")
	case "moved":
		return replace("m=audio 4", "m=audio 5")
	case "codec":
		return replace("RTP/AVP 8 101", "RTP/AVP 0 101")
	case "two":
		return replace("m=audio", "m=video 41000 RTP/AVP 31\r\nm=audio")
	case "fax":
		return replace("m=audio 40000 RTP/AVP 8 101", "m=image 40000 udptl t38")
	case "mux":
		return text + "a=rtcp-mux\r\n"
	case "junk":
		return "junk"
	}
	b.t.Fatalf("no description %q", name)
	return ""
}

// described tells what a message's description has, if there is one.
func described(text string) string {
	switch {
	case strings.Contains(text, "m=audio"):
		return "+sdp"
	case strings.Contains(text, "m=image"):
		return "+fax"
	default:
		return ""
	}
}
