package sip

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/e164"
	"maskline/routing"
	"maskline/sip/message"
	"maskline/testbench/await"
	"maskline/testbench/leak"
)

// fakeSMS is the side of SMPP: it keeps what it is handed and answers when told.
type fakeSMS struct {
	mu     sync.Mutex
	taken  []routing.Message
	answer []func(routing.Delivery)
	fate   *routing.Delivery // not nil: at once
}

func (f *fakeSMS) Deliver(m *routing.Message, done func(routing.Delivery)) {
	f.mu.Lock()
	kept := *m
	kept.Text = append([]byte(nil), m.Text...)
	f.taken, f.answer = append(f.taken, kept), append(f.answer, done)
	fate := f.fate
	f.mu.Unlock()
	if fate != nil {
		done(*fate)
	}
}

// answerAll answers what comes from now on at once.
func (f *fakeSMS) answerAll(fate routing.Fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fate = &routing.Delivery{Fate: fate}
}

func (f *fakeSMS) all() []routing.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]routing.Message(nil), f.taken...)
}

func newTextBed(t *testing.T, change func(*Config), setUp ...func(*Edge)) (*bed, *fakeSMS) {
	t.Helper()
	side := &fakeSMS{}
	return newBed(t, func(c *Config) {
		c.Messenger = side
		if change != nil {
			change(c)
		}
	}, setUp...), side
}

// text is Alice writing to the mask; key tells messages apart.
func (p *peer) text(key, body string) string {
	text := withBody(fmt.Sprintf("MESSAGE sip:%s@edge SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%s@home>;tag=%s\r\nTo: <sip:%s@edge>\r\nCall-ID: %s\r\nCSeq: 1 MESSAGE\r\n",
		simMaskA.Reveal(), p.over.via(), p.addr, key, simAlice.Reveal(), key, simMaskA.Reveal(), key), body)
	return strings.Replace(text, "application/sdp", "text/plain", 1)
}

func TestTextIsTakenIn(t *testing.T) {
	for _, over := range []transport{overUDP, overTCP} {
		t.Run(over.String(), func(t *testing.T) {
			side := &fakeSMS{}
			b := newBedOver(t, over, nil, func(c *Config) { c.Messenger, c.Trunks[0].Country = side, "gb" })
			b.caller.send(b.caller.text("one", "Grüße, Bob"))
			eventually(t, "it is handed on", func() bool { return len(side.all()) == 1 })
			b.caller.silence() // nothing is said before the downstream has it
			m := side.all()[0]
			if m.To != simMaskA || m.From != simAlice || m.Dialled != simMaskA.Reveal() || string(m.Text) != "Grüße, Bob" {
				t.Error("another message was handed on")
			}
			if *m.Origin != (routing.Origin{Carrier: "alfa", Country: "gb"}) || time.Until(m.AnswerBy) > textWithin {
				t.Errorf("%+v, %v", m.Origin, time.Until(m.AnswerBy))
			}
			b.caller.send(b.caller.text("one", "Grüße, Bob"))
			b.caller.silence() // a repeated one is not handed on again
			side.answer[0](routing.Delivery{Fate: routing.FateDelivered})
			answer := b.caller.expect("SIP/2.0 202")
			if strings.Contains(answer, "Contact:") || !strings.Contains(header(answer, "To"), "tag=") {
				t.Errorf("got\n%s", answer)
			}
			b.caller.send(b.caller.text("one", "Grüße, Bob"))
			if again := b.caller.expect("SIP/2.0"); again != answer {
				t.Errorf("answered otherwise:\n%s", again)
			}
			if len(side.all()) != 1 || b.count("messages_total", "trunk", "in", "direction", "in", "outcome", "delivered") != 1 {
				t.Error("not counted as one")
			}
			b.checkLog()
		})
	}
}

func TestTextsAreAnsweredByTheirFate(t *testing.T) {
	b, side := newTextBed(t, nil)
	for i, c := range []struct {
		d    routing.Delivery
		want int
	}{
		{routing.Delivery{Fate: routing.FateDelivered}, 202},
		{routing.Delivery{Fate: routing.FateDelivered, Verdict: routing.OptOut}, 202},
		{routing.Delivery{Fate: routing.FateRefused}, 403},
		{routing.Delivery{Fate: routing.FateNoReceiver}, 404},
		{routing.Delivery{Fate: routing.FateTooLong}, 413},
		{routing.Delivery{Fate: routing.FateTemporary}, 480},
		{routing.Delivery{Fate: routing.FateUnknown}, 504},
		{routing.Delivery{Fate: routing.FateNoReceiver, Verdict: routing.UnknownMask}, 404},
		{routing.Delivery{Fate: routing.FateNoReceiver, Verdict: routing.UnknownMask, Answer: routing.Answer{Code: 480}}, 480},
		{routing.Delivery{Fate: routing.FateNoReceiver, Verdict: routing.EmergencyRefused}, 403},
		{routing.Delivery{Fate: routing.FateRefused, Verdict: routing.OptedOut}, 603},
		{routing.Delivery{Fate: routing.FateTemporary, Verdict: routing.NoCarrier}, 503},
		{routing.Delivery{Fate: routing.FateTemporary, Verdict: routing.OptOutFull}, 480},
	} {
		side.mu.Lock()
		side.fate = &c.d
		side.mu.Unlock()
		b.caller.send(b.caller.text(fmt.Sprint("fate", i), "x"))
		if answer := b.caller.expect("SIP/2.0 "); !strings.HasPrefix(answer, fmt.Sprint("SIP/2.0 ", c.want, " ")) {
			t.Errorf("%+v: %.20q, want %d", c.d, answer, c.want)
		}
	}
}

func TestTextsThatAreRefusedAtOnce(t *testing.T) {
	b, side := newTextBed(t, nil)
	good := func(key string) string { return b.caller.text(key, "hello") }
	typed := func(key, kind string) string { return strings.Replace(good(key), "text/plain", kind, 1) }
	for _, c := range []struct{ name, text, want, header string }{
		{"message/cpim", typed("1", "message/cpim"), "415", "Accept: text/plain;charset=utf-8"},
		{"typing", typed("2", "application/im-iscomposing+xml"), "415", "Accept: text/plain"},
		{"another charset", typed("3", `text/plain; charset="utf-16"`), "415", ""},
		{"no type", strings.Replace(good("4"), "Content-Type: text/plain\r\n", "", 1), "415", ""},
		{"compressed", strings.Replace(good("5"), "CSeq:", "Content-Encoding: gzip\r\nCSeq:", 1), "415", ""},
		{"no UTF-8", b.caller.text("6", "\xff\xfe"), "400", ""},
		{"too long", b.caller.text("7", strings.Repeat("x", routing.MaxText+1)), "413", ""},
		{"too many hops", strings.Replace(good("8"), "Max-Forwards: 70", "Max-Forwards: 0", 1), "483", ""},
		{"a needed extension", strings.Replace(good("9"), "CSeq:", "Require: path\r\nCSeq:", 1), "420", "Unsupported: path"},
		{"our own", strings.Replace(good("10"), "\r\nMax-Forwards", ", SIP/2.0/UDP 127.0.0.1;branch="+
			b.edge.tokens.branch(token{call: 1, kind: textToken})+"\r\nMax-Forwards", 1), "482", ""},
		{"in a call of nobody's", strings.Replace(good("11"), "@edge>\r\nCall-ID", "@edge>;tag=x\r\nCall-ID", 1), "481", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.caller.send(c.text)
			answer := b.caller.expect("SIP/2.0 ")
			if !strings.HasPrefix(answer, "SIP/2.0 "+c.want+" ") || !strings.Contains(answer, c.header) {
				t.Errorf("got\n%s", answer)
			}
		})
	}
	if len(side.all()) != 0 {
		t.Error("handed on")
	}
	b.caller.send(b.caller.other("OPTIONS"))
	if answer := b.caller.expect("SIP/2.0 200"); !strings.Contains(answer, ", MESSAGE\r\n") || !strings.Contains(answer, "Accept: "+message.Accept+", text/plain\r\n") {
		t.Errorf("got\n%s", answer)
	}
}

func TestTextsThatAreTaken(t *testing.T) {
	b, side := newTextBed(t, nil)
	side.answerAll(routing.FateDelivered)
	for i, c := range []struct{ kind, body string }{
		{"Text/Plain ; charset=UTF-8", "ü"},
		{`text/plain;charset="us-ascii"`, "u"},
		{"text/plain", strings.Repeat("ü", routing.MaxText)},
		{"text/plain;format=flowed", "x"},
	} {
		b.caller.send(strings.Replace(b.caller.text(fmt.Sprint("ok", i), c.body), "text/plain", c.kind, 1))
		b.caller.expect("SIP/2.0 202")
		if got := side.all(); string(got[i].Text) != c.body {
			t.Errorf("%s: another text", c.kind)
		}
	}
	b.caller.send(b.caller.text("empty", ""))
	b.caller.expect("SIP/2.0 202")
}

func TestTextOverTwoWays(t *testing.T) {
	b, side := newTextBed(t, nil)
	b.caller.send(b.caller.text("one", "x"))
	eventually(t, "it is handed on", func() bool { return len(side.all()) == 1 })
	b.caller.send(strings.Replace(b.caller.text("one", "x"), "z9hG4bKone", "z9hG4bKother", 1))
	b.caller.expect("SIP/2.0 482")
	side.answer[0](routing.Delivery{Fate: routing.FateDelivered})
	b.caller.expect("SIP/2.0 202")
}

func TestTextLimits(t *testing.T) {
	var backlog atomic.Int64
	b, side := newTextBed(t, func(c *Config) { c.Trunks[0].CPS = 1 }, behind(&backlog))
	b.caller.send(b.caller.text("one", "x"))
	b.caller.send(b.caller.text("two", "x"))
	b.caller.expect("SIP/2.0 503")
	b.tenant.send(b.tenant.text("three", "x"))
	eventually(t, "another trunk is not concerned", func() bool { return len(side.all()) == 2 })
	if b.count("busy_total", "trunk", "in", "reason", "cps") != 1 {
		t.Error("not counted")
	}
	state := b.pbx().state
	state.waiting[inbound].Store(mostTextsWaiting)
	b.tenant.send(b.tenant.text("four", "x"))
	b.tenant.expect("SIP/2.0 480")
	state.waiting[inbound].Store(1)
	backlog.Store(60)
	b.awaitLoad(loadShedding)
	b.tenant.send(b.tenant.text("five", "x"))
	if answer := b.tenant.expect("SIP/2.0 503"); !strings.Contains(answer, "Retry-After:") {
		t.Errorf("got\n%s", answer)
	}
	for _, done := range side.answer {
		done(routing.Delivery{Fate: routing.FateDelivered})
	}
	if n := state.waiting[inbound].Load(); n != 0 {
		t.Errorf("%d wait", n)
	}
}

// TestTextsOfOneTrunk fills the memory for texts from one trunk: others have room.
func TestTextsOfOneTrunk(t *testing.T) {
	b, _ := newTextBed(t, nil)
	x, greedy, modest := b.edge.texts, b.edge.set().byName["in"], b.edge.set().byName["pbx"]
	enter := func(from *trunk, n uint64) added {
		in := &textIn{texts: x, trunk: from, key: callKey{n, uint64(from.socket)}, merged: callKey{n, 1}}
		in.answer = []byte("kept")
		how := in.enter()
		b.edge.timers.clear(&in.alarm)
		return how
	}
	taken := uint64(0)
	for enter(greedy, taken) == addedNew {
		taken++
	}
	if taken != mostTexts/2 {
		t.Errorf("one trunk has %d", taken)
	}
	for i := range uint64(1000) {
		if how := enter(modest, mostTexts+i); how != addedNew {
			t.Fatalf("the %dth of another trunk: %v", i, how)
		}
	}
	b.caller.send(b.caller.text("one", "x"))
	b.caller.expect("SIP/2.0 503")
	if b.count("busy_total", "trunk", "in", "reason", "messages") != 1 {
		t.Error("not counted")
	}
	x.mu.Lock()
	var some *textIn
	for _, in := range x.in {
		if in.trunk == greedy && some == nil {
			some = in
		}
	}
	x.mu.Unlock()
	before := greedy.state.texts
	some.overdue()
	if greedy.state.texts != before-1 {
		t.Error("its place is not given back")
	}
}

func TestTextNeedsTheDigest(t *testing.T) {
	b, side := newTextBed(t, withAuthIn)
	side.answerAll(routing.FateDelivered)
	far := newPeer(t, "127.0.0.77")
	far.edge = b.addr
	far.send(far.text("one", "x"))
	c := challenges(t, far.expect("SIP/2.0 401"))[0]
	k := credentials(c, inUser, inPassword, 1)
	k.Response = message.NewDigestUser(inUser, inPassword, c.Realm).Response(&k, message.Message)
	far.send(strings.Replace(far.text("two", "x"), "CSeq:", c2line(k)+"CSeq:", 1))
	far.expect("SIP/2.0 202")
	if got := side.all(); len(got) != 1 {
		t.Errorf("%d handed on", len(got))
	}
}

func c2line(k message.Credentials) string { return k.Line(false) + "\r\n" }

func TestLateTextIsAnsweredOnce(t *testing.T) {
	b, side := newTextBed(t, nil)
	b.caller.send(b.caller.text("one", "x"))
	eventually(t, "it is handed on", func() bool { return len(side.all()) == 1 })
	b.edge.texts.mu.Lock()
	var x *textIn
	for _, x = range b.edge.texts.in {
	}
	b.edge.texts.mu.Unlock()
	x.overdue()
	b.caller.expect("SIP/2.0 504")
	side.answer[0](routing.Delivery{Fate: routing.FateDelivered})
	b.caller.silence()
	x.overdue()
	if n := b.edge.texts.size(); n[inbound] != 0 {
		t.Errorf("%d in memory", n[inbound])
	}
}

// pbx is the tenant's trunk.
func (b *bed) pbx() *trunk {
	_, t := b.edge.peer("desk@" + b.tenant.addr.String())
	return t
}

// deskAt is a message for a user of the tenant's PBX.
func deskAt(b *bed, body string) *routing.Message {
	return &routing.Message{
		Peer: "desk%20one@" + b.tenant.addr.String(), From: simMaskB, Text: []byte(body), AnswerBy: time.Now().Add(3 * time.Second),
	}
}

func (b *bed) deliver(m *routing.Message) <-chan routing.Delivery {
	done := make(chan routing.Delivery, 2) // a second one would be a fault
	b.edge.Deliver(m, func(d routing.Delivery) { done <- d })
	return done
}

func fate(t *testing.T, done <-chan routing.Delivery) routing.Fate {
	t.Helper()
	return await.From(t, 10*time.Second, "an answer", done).Fate
}

func TestTextToPeer(t *testing.T) {
	b, _ := newTextBed(t, func(c *Config) {
		c.Trunks[3].CLI = CLI{Header: []string{"from", "pai"}, Format: "plain", Domain: "edge.example"}
	})
	done := b.deliver(deskAt(b, "Grüße"))
	got := b.tenant.expect("MESSAGE ")
	plain := strings.TrimPrefix(simMaskB.Reveal(), "+")
	for _, want := range []string{
		"MESSAGE sip:desk%20one@" + b.tenant.addr.String() + " SIP/2.0\r\n",
		"\r\nFrom: <sip:" + plain + "@edge.example>;tag=", "\r\nP-Asserted-Identity: <sip:" + plain + "@edge.example>\r\n",
		"\r\nContent-Type: text/plain;charset=utf-8\r\nContent-Length: 7\r\n\r\nGrüße",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "Contact:") || leak.Contains([]byte(got), simAlice) || leak.Contains([]byte(got), simBob) {
		t.Errorf("got\n%s", got)
	}
	if again := b.tenant.expect("MESSAGE "); again != got {
		t.Error("repeated otherwise")
	}
	b.tenant.send(b.tenant.reply(got, 100, ""))
	b.tenant.send(b.tenant.reply(got, 202, ""))
	if f := fate(t, done); f != routing.FateDelivered {
		t.Errorf("%v", f)
	}
	if b.count("messages_total", "trunk", "pbx", "direction", "out", "outcome", "delivered") != 1 || b.edge.texts.size() != [2]int{} {
		t.Error("not counted, or kept")
	}
}

func TestTextToPeerIsEndedByItsAnswer(t *testing.T) {
	b, _ := newTextBed(t, nil)
	for code, want := range map[int]routing.Fate{
		200: routing.FateDelivered, 302: routing.FateRefused, 404: routing.FateNoReceiver, 401: routing.FateTemporary,
		403: routing.FateRefused, 408: routing.FateTemporary, 413: routing.FateTooLong, 415: routing.FateRefused, 480: routing.FateTemporary,
		500: routing.FateTemporary, 501: routing.FateRefused, 503: routing.FateTemporary, 600: routing.FateTemporary, 603: routing.FateRefused,
	} {
		done := b.deliver(deskAt(b, "x"))
		b.tenant.send(b.tenant.reply(b.tenant.expect("MESSAGE "), code, ""))
		if f := fate(t, done); f != want {
			t.Errorf("%d: %v, want %v", code, f, want)
		}
	}
}

func TestTextToPeerAnswersItsChallenge(t *testing.T) {
	b, _ := newTextBed(t, func(c *Config) {
		c.Trunks[3].AuthOut = AuthOut{Username: authUser, Password: authPassword, Realm: authRealm}
	})
	done := b.deliver(deskAt(b, "x"))
	first := b.tenant.expect("MESSAGE ")
	b.tenant.ask(first, 407, askMD5)
	second := b.tenant.expect("MESSAGE ")
	proof(t, second)
	if header(second, "CSeq") != "2 MESSAGE" || header(second, "Call-ID") != header(first, "Call-ID") {
		t.Errorf("got\n%s", second)
	}
	b.tenant.send(b.tenant.reply(second, 200, ""))
	if f := fate(t, done); f != routing.FateDelivered {
		t.Fatalf("%v", f)
	}
	done = b.deliver(deskAt(b, "y"))
	third := b.tenant.expect("MESSAGE ")
	proof(t, third) // by the challenge that is known
	b.tenant.ask(third, 401, strings.Replace(askMD5, "n1", "n2", 1))
	fourth := b.tenant.expect("MESSAGE ")
	b.tenant.ask(fourth, 401, strings.Replace(askMD5, "n1", "n3", 1))
	if f := fate(t, done); f != routing.FateTemporary {
		t.Errorf("a password that is wrong: %v", f)
	}
}

func TestTextToPeerWithoutAnswer(t *testing.T) {
	b, _ := newTextBed(t, nil)
	m := deskAt(b, "x")
	m.AnswerBy = time.Now().Add(100 * time.Millisecond)
	late := make(chan routing.Delivery, 2)
	m.Late = func(d routing.Delivery) { late <- d }
	done := b.deliver(m)
	got := b.tenant.expect("MESSAGE ")
	if f := fate(t, done); f != routing.FateUnknown {
		t.Errorf("%v", f)
	}
	b.tenant.send(b.tenant.reply(got, 100, ""))
	b.tenant.send(b.tenant.reply(got, 200, ""))
	if f := fate(t, late); f != routing.FateDelivered {
		t.Errorf("late %v", f)
	}
	if n := b.count("late_messages_total", "trunk", "pbx", "outcome", "delivered"); n != 1 {
		t.Errorf("%v counted", n)
	}
	b.tenant.send(b.tenant.reply(got, 200, ""))
	eventually(t, "a further answer is nobody's", func() bool { return b.count("dropped_total", "reason", "stray") == 1 })
	if len(done) != 0 || len(late) != 0 {
		t.Error("told twice")
	}
	if b.edge.texts.size() != [2]int{} {
		t.Error("kept")
	}
}

// TestTextToPeerThatNeverAnswers is not waited for for ever.
func TestTextToPeerThatNeverAnswers(t *testing.T) {
	b, _ := newTextBed(t, nil)
	m := deskAt(b, "x")
	m.AnswerBy = time.Now().Add(100 * time.Millisecond)
	late := make(chan routing.Delivery, 2)
	m.Late = func(d routing.Delivery) { late <- d }
	done := b.deliver(m)
	b.tenant.expect("MESSAGE ")
	if f := fate(t, done); f != routing.FateUnknown {
		t.Errorf("%v", f)
	}
	b.edge.texts.mu.Lock()
	var kept *textOut
	for _, kept = range b.edge.texts.out {
	}
	b.edge.texts.mu.Unlock()
	kept.alarm.fire()
	if f := fate(t, late); f != routing.FateUnknown || b.edge.texts.size() != [2]int{} {
		t.Errorf("%v, %v in memory", f, b.edge.texts.size())
	}
	if n := b.count("late_messages_total"); n != 0 {
		t.Errorf("%v counted", n)
	}
}

func TestTextToPeerThatCannotBeSent(t *testing.T) {
	b, _ := newTextBed(t, nil)
	for name, change := range map[string]func(*routing.Message){
		"no such peer":     func(m *routing.Message) { m.Peer = "desk@127.0.0.1:1" },
		"a carrier":        func(m *routing.Message) { m.Peer = "desk@" + b.caller.addr.String() },
		"no user":          func(m *routing.Message) { m.Peer = b.tenant.addr.String() },
		"one too many":     func(*routing.Message) { b.pbx().state.waiting[outbound].Store(mostTextsWaiting) },
		"the peer is down": func(*routing.Message) { b.pbx().state.up.Store(false) },
	} {
		t.Run(name, func(t *testing.T) {
			m := deskAt(b, "x")
			change(m)
			if f := fate(t, b.deliver(m)); f != routing.FateTemporary {
				t.Errorf("%v", f)
			}
			b.pbx().state.waiting[outbound].Store(0)
			b.pbx().state.up.Store(true)
		})
	}
	if f := fate(t, b.deliver(deskAt(b, strings.Repeat("x", mostDatagram)))); f != routing.FateTooLong {
		t.Errorf("too long for a datagram: %v", f)
	}
	b.tenant.silence()
	_ = b.tenant.conn.Close()
	if f := fate(t, b.deliver(deskAt(b, "x"))); f != routing.FateTemporary {
		t.Errorf("closed port: %v", f)
	}
}

func TestTextThatIsLongGoesOverTCP(t *testing.T) {
	b, _ := newTextBed(t, func(c *Config) { c.Trunks[3].TCPAbove = mostDatagram })
	if f := fate(t, b.deliver(deskAt(b, strings.Repeat("x", mostDatagram)))); f != routing.FateTooLong {
		t.Errorf("where TCP is refused: %v", f)
	}
	b.edge.streams.mu.Lock()
	clear(b.edge.streams.failed)
	b.edge.streams.mu.Unlock()
	listener, err := net.Listen("tcp", b.tenant.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	l := &peer{t: t, over: overTCP, addr: b.tenant.addr, link: &link{listener: listener}}
	l.link.framer.Most = 64 << 10
	t.Cleanup(l.close)
	done := b.deliver(deskAt(b, strings.Repeat("long ", 400)))
	got := l.expect("MESSAGE ")
	if !strings.Contains(got, "\r\nVia: SIP/2.0/TCP ") {
		t.Errorf("got\n%s", got)
	}
	l.send(l.reply(got, 200, ""))
	if f := fate(t, done); f != routing.FateDelivered {
		t.Errorf("%v", f)
	}
}

func TestTextsEndWithTheEdge(t *testing.T) {
	b, _ := newTextBed(t, nil)
	m := deskAt(b, "x")
	m.AnswerBy = time.Now().Add(200 * time.Millisecond)
	done := b.deliver(m)
	b.tenant.expect("MESSAGE ")
	b.stop()
	if f := fate(t, done); f != routing.FateUnknown {
		t.Errorf("%v", f)
	}
	if f := fate(t, b.deliver(deskAt(b, "x"))); f != routing.FateTemporary {
		t.Errorf("after the end: %v", f)
	}
}

// No number of either side crosses, wherever it is planted.
func TestTextsLeakNothing(t *testing.T) {
	b, side := newTextBed(t, nil)
	planted := e164.MustParse("447911123456")
	text := strings.Replace(b.caller.text("one", "hello"), "CSeq:", fmt.Sprintf("P-Asserted-Identity: <tel:%[1]s>\r\n"+
		"Subject: %[1]s\r\nReply-To: <sip:%[1]s@x>\r\nContact: <sip:%[1]s@x>\r\nDate: x\r\nIn-Reply-To: %[1]s@x\r\nCSeq:", planted.Reveal()), 1)
	b.caller.send(text)
	eventually(t, "it is handed on", func() bool { return len(side.all()) == 1 })
	m := side.all()[0]
	if leak.Contains([]byte(fmt.Sprint(m.Origin, m.Dialled, m.To.Reveal(), string(m.Text))), planted) {
		t.Error("it is handed on with the message")
	}
	side.answer[0](routing.Delivery{Fate: routing.FateRefused})
	done := b.deliver(deskAt(b, "hello"))
	got := b.tenant.expect("MESSAGE ")
	if leak.Contains([]byte(got), planted) || leak.Contains([]byte(got), simAlice) {
		t.Errorf("got\n%s", got)
	}
	reply := strings.Replace(b.tenant.reply(got, 488, ""), "Contact:", "Warning: 399 x \""+planted.Reveal()+"\"\r\nReason: SIP;text=\""+planted.Reveal()+"\"\r\nContact:", 1)
	b.tenant.send(reply)
	if f := fate(t, done); f != routing.FateRefused {
		t.Error(f)
	}
	b.checkLog()
	for _, entry := range b.log.All() {
		if line := fmt.Sprint(entry.Entry, entry.ContextMap()); leak.Contains([]byte(line), planted) || strings.Contains(line, "hello") {
			t.Errorf("in the log: %s", line)
		}
	}
}

// TestTextOfATrunkThatIsRemoved has a reload take both trunks away while messages
// wait: those end as they would have, and nothing is held on to.
func TestTextOfATrunkThatIsRemoved(t *testing.T) {
	b, side := newTextBed(t, func(c *Config) { c.Trunks[0].Allow = prefixes("127.0.0.77/32") })
	b.caller = newPeer(t, "127.0.0.77")
	b.caller.edge = b.addr
	b.reload(func(c *Config) { c.Trunks[0].Addr = "udp://" + b.caller.addr.String() })
	b.caller.send(b.caller.text("one", "x"))
	eventually(t, "it is handed on", func() bool { return len(side.all()) == 1 })
	done := b.deliver(deskAt(b, "x"))
	got := b.tenant.expect("MESSAGE ")
	b.reload(without("in"))
	b.reload(without("pbx"))
	b.caller.send(b.caller.text("two", "x"))
	b.caller.expect("SIP/2.0 503")
	side.answer[0](routing.Delivery{Fate: routing.FateDelivered})
	b.caller.expect("SIP/2.0 202")
	if f := fate(t, b.deliver(deskAt(b, "x"))); f != routing.FateTemporary {
		t.Errorf("to a peer that is gone: %v", f)
	}
	b.tenant.send(b.tenant.reply(got, 200, ""))
	if f := fate(t, done); f != routing.FateDelivered {
		t.Errorf("%v", f)
	}
	eventually(t, "the trunks are forgotten", func() bool { return len(b.edge.set().retired) == 0 })
}
