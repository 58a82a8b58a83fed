//go:build peers

package edge

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"maskline/e164"
)

// floods are an edge with calls up, and those who trouble it.
type floods struct {
	*phones
	t        *testing.T
	standing []standing
	flooder  *phone // a carrier
	stranger *phone // of the trunk that is open to everybody with a password
	tcp      netip.AddrPort
	steady   int64 // octets
}

type standing struct{ caller, callee *leg }

const (
	standingCalls = 100
	openTrunk     = "  auth: {realm: edge.example, algorithms: [md5]}\n  peers: [{tenant: shop, allow: [0.0.0.0/0], media_from: [127.0.0.0/8], auth_in: {username: pbx, password: hunter2}}]\n"
)

// TestFloods troubles an edge with 100 calls up. Meanwhile it holds less than one
// and a half times as much memory as before, and all calls talk on and end well.
func TestFloods(t *testing.T) {
	f := &floods{t: t, flooder: newPhone(t, "foxtrot"), stranger: newPhone(t, "nobody")}
	f.phones = startPhones(t, func(text string) string {
		text = strings.Replace(text, `:0"}]`+"\n  peers: []\n", `:0"}, {addr: "tcp://`+strings.SplitN(strings.SplitN(text, `udp://`, 2)[1], ":", 2)[0]+`:0"}]`+"\n"+openTrunk, 1)
		return strings.Replace(text, "media: {", "media: {timeout: {initial: 5m}, ", 1) + f.flooder.carrier()
	})
	f.flooder.edge, f.stranger.edge, f.tcp = f.edge.Listeners().SIP[0], f.edge.Listeners().SIP[0], f.edge.Listeners().SIP[1]
	for range standingCalls {
		a := f.caller.dial(guest, guestDials)
		b := f.first.ring(driver)
		b.answer()
		a.answered()
		f.standing = append(f.standing, standing{a, b})
	}
	f.talk()
	for range 2000 { // common traffic
		if code := final(f.caller, invitation(f.caller)); code != "404" {
			t.Fatalf("an unknown mask met %s", code)
		}
	}
	f.steady = f.rss()
	for _, trouble := range []struct {
		name string
		make func(t *testing.T)
	}{
		{"spoofed BYE from a wrong source", f.spoof},
		{"replayed Authorization", f.replay},
		{"60,000 sources", f.sources},
		{"half-open TCP", f.halfOpen},
		{"slow drip", f.drip},
		{"INVITE without ACK", f.noACK},
	} {
		f.sub(trouble.name, func(t *testing.T) {
			trouble.make(t)
			f.unharmed(t)
		})
	}
	for i, c := range f.standing {
		if i%2 == 0 {
			c.caller.bye()
			c.callee.hungUp()
		} else {
			c.callee.hangUp()
			c.caller.hungUp()
		}
	}
	f.eventually("all calls have ended", func() bool { return f.metrics().Sum("maskline_sip_channels") == 0 })
	if n := f.metrics().Sum("maskline_sip_panics_total"); n > 0 {
		t.Errorf("%v panics", n)
	}
	f.stop()
}

func (f *floods) rss() int64 {
	u, err := f.edge.Usage()
	if err != nil {
		f.t.Fatal(err)
	}
	return u.RSS
}

// talk passes a packet both ways in every call.
func (f *floods) talk() {
	f.t.Helper()
	for i, c := range f.standing {
		for _, l := range []*leg{c.caller, c.callee} {
			if _, err := l.p.rtp.WriteToUDPAddrPort(voicePacket(uint16(i), "hello "), l.toEdge); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	all := len(f.standing)
	if a, b := len(received(f.caller.rtp, all)), len(received(f.first.rtp, all)); a != all || b != all {
		f.t.Fatalf("of the packets in %d calls %d and %d came", all, a, b)
	}
}

// unharmed wants memory to be in bounds and all calls to talk.
func (f *floods) unharmed(t *testing.T) {
	t.Helper()
	now := f.rss()
	t.Logf("%d of %d KiB", now>>10, f.steady>>10)
	if now*2 > f.steady*3 {
		t.Errorf("the process grew from %d to %d KiB", f.steady>>10, now>>10)
	}
	if got := f.metrics().Sum("maskline_sip_channels", "trunk", "charlie"); got != standingCalls {
		t.Fatalf("%v calls stand", got)
	}
	f.talk()
}

// spoof knows all of every dialog, and has another address.
func (f *floods) spoof(t *testing.T) {
	for _, c := range f.standing {
		for _, l := range []*leg{c.caller, c.callee} {
			l.cseq += 100
			f.stranger.send(strings.ReplaceAll(l.request("BYE", "z9hG4bK"+rand.Text(), ""), local(l.p.sip).String(), local(f.stranger.sip).String()))
			l.cseq -= 100
		}
	}
	answers := received(f.stranger.sip, 1) // to the first; the others are dropped
	if len(answers) == 0 {
		t.Fatal("no answers came")
	}
	for _, b := range answers {
		if m := readMessage(b); !strings.HasPrefix(m.start, "SIP/2.0 481 ") {
			t.Fatalf("answered with %q", m.start)
		}
	}
}

// invitation is an INVITE to nobody's mask.
func invitation(p *phone, more ...string) *leg {
	nobody := e164.MustParse("+442079469999")
	l := &leg{
		p: p, callID: rand.Text(), branch: "z9hG4bK" + rand.Text(), cseq: 1,
		local:  "<sip:" + guest.Reveal() + "@" + local(p.sip).String() + ">;tag=" + rand.Text(),
		target: "sip:" + nobody.Reveal() + "@" + p.edge.String(),
	}
	l.remote = "<" + l.target + ">"
	p.send(l.request("INVITE", l.branch, p.offer("-"), append(more, "Contact: <sip:a@"+local(p.sip).String()+">")...))
	return l
}

// replay has a right answer to a challenge once, and uses it again and again.
func (f *floods) replay(t *testing.T) {
	guesser := newPhone(t, "nobody")
	guesser.edge = f.stranger.edge
	l := invitation(guesser)
	m := l.refused(401)
	_, nonce, _ := strings.Cut(m.header("WWW-Authenticate"), `nonce="`)
	nonce, _, _ = strings.Cut(nonce, `"`)
	hash := func(text string) string {
		sum := md5.Sum([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	answer := hash(strings.Join([]string{hash("pbx:edge.example:hunter2"), nonce, "00000001", "xyz", "auth", hash("INVITE:" + l.target)}, ":"))
	credentials := fmt.Sprintf(`Authorization: Digest username="pbx", realm="edge.example", nonce="%s", uri="%s", response="%s", algorithm=MD5, qop=auth, nc=00000001, cnonce="xyz"`,
		nonce, l.target, answer)
	if code := final(guesser, invitation(guesser, credentials)); code != "404" && code != "403" {
		t.Fatalf("the right answer met %s", code)
	}
	for range 1000 {
		if code := final(guesser, invitation(guesser, credentials)); code != "401" {
			t.Fatalf("a replay met %s", code)
		}
	}
}

// final acknowledges the final answer, and is its code.
func final(p *phone, l *leg) string {
	for {
		m := p.await("SIP/2.0 ")
		if code := strings.Fields(m.start)[1]; m.header("Call-ID") == l.callID && code[0] != '1' {
			l.remote = m.header("To")
			p.send(l.request("ACK", l.branch, ""))
			return code
		}
	}
}

// sources are as many addresses, each with an INVITE, well made.
func (f *floods) sources(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	l := &leg{p: f.stranger, callID: rand.Text(), cseq: 1, local: "<sip:a@example.com>;tag=1", target: "sip:" + guestDials.Reveal() + "@" + f.stranger.edge.String()}
	l.remote = "<" + l.target + ">"
	invite := []byte(l.request("INVITE", "z9hG4bKflood", f.stranger.offer("-"), "Contact: <sip:a@example.com>"))
	const sources = 60_000
	dropped := func() float64 { return f.metrics().Sum("maskline_sip_dropped_total", "reason", "newcomer") }
	before, began := dropped(), time.Now()
	for i := range sources {
		control := unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: [4]byte{127, 1 + byte(i>>16), byte(i >> 8), byte(i)}})
		if _, _, err := conn.WriteMsgUDPAddrPort(invite, control, f.stranger.edge); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 { // at the pace of the edge: its socket holds as many
			f.alive()
		}
	}
	const within = 1000 // a second may pass, of all newcomers
	if got := dropped() - before; got < min(sources*0.95, sources-within*(time.Since(began).Seconds()+1)) {
		t.Errorf("only %v of them were dropped", got)
	}
}

// alive has a call's own request answered, which is repeated as over any path that
// loses some.
func (f *floods) alive() {
	f.t.Helper()
	l := f.standing[0].caller
	l.cseq++
	request := l.request("OPTIONS", "z9hG4bK"+rand.Text(), "")
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		f.caller.send(request)
		again := time.Now().Add(time.Second)
		for m := f.caller.next(again); m != nil; m = f.caller.next(again) {
			if strings.HasPrefix(m.start, "SIP/2.0 200") && m.header("CSeq") == fmt.Sprint(l.cseq, " OPTIONS") {
				return
			}
		}
	}
	f.t.Fatal("a call's own request is not answered")
}

// dials is a connection from an address of its own.
func (f *floods) dials(t *testing.T, i int) net.Conn {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 3, byte(i>>8), byte(i))}, Timeout: patience}
	conn, err := dialer.DialContext(t.Context(), "tcp", f.tcp.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// cutOff waits until the edge has closed a connection.
func cutOff(t *testing.T, conn net.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if n, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection was not closed: %d octets came", n)
	}
}

// halfOpen are connections that say nothing.
func (f *floods) halfOpen(t *testing.T) {
	var all []net.Conn
	for i := range 1000 {
		all = append(all, f.dials(t, i))
	}
	f.unharmed(t)
	for _, conn := range all {
		cutOff(t, conn)
	}
}

// drip are connections that say it octet by octet.
func (f *floods) drip(t *testing.T) {
	var all []net.Conn
	for i := range 200 {
		all = append(all, f.dials(t, i))
	}
	text := "INVITE sip:" + guestDials.Reveal() + "@" + f.tcp.String() + " SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKdrip\r\n"
	for _, octet := range []byte(text) { // it would take longer to say than anybody has
		for _, conn := range all {
			if _, err := conn.Write([]byte{octet}); err != nil {
				break // they are closed
			}
		}
		_ = all[0].SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // the pace
		if _, err := all[0].Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	for _, conn := range all {
		cutOff(t, conn)
	}
}

// noACK is a carrier that acknowledges nothing.
func (f *floods) noACK(t *testing.T) {
	answers, sent := map[string]int{}, 0
	const forgets = 32 * time.Second // what is not acknowledged. RFC 3261 §17.2.1
	for end := time.Now().Add(forgets * 3 / 4); sent < 5000 && time.Now().Before(end); sent++ {
		l := invitation(f.flooder)
		for {
			m := f.flooder.await("SIP/2.0 ")
			if code := strings.Fields(m.start)[1]; m.header("Call-ID") == l.callID && code[0] != '1' {
				answers[code]++
				break
			}
		}
	}
	t.Logf("answered: %v", answers)
	if sent < 1500 || answers["404"] != 1000 || answers["503"] != sent-1000 {
		t.Errorf("answered: %v", answers)
	}
}
