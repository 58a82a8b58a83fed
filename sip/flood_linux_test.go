package sip

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// from sends a datagram from any address of the loopback network.
func from(t *testing.T, conn *net.UDPConn, source [4]byte, data string, b *bed) {
	t.Helper()
	control := unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: source})
	if _, _, err := conn.WriteMsgUDPAddrPort([]byte(data), control, b.addr); err != nil {
		t.Fatal(err)
	}
}

// TestSixtyThousandSources has an INVITE, well made, come from as many addresses:
// of no trunk, and of one whose network is everybody. What is kept does not grow
// with them, and a caller who is known goes on.
func TestSixtyThousandSources(t *testing.T) {
	cases := []struct {
		name   string
		allow  string
		reason string
	}{
		{"of no trunk", "127.0.0.1/32", "stranger"},
		{"of everybody's trunk", "0.0.0.0/0", "newcomer"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, func(cfg *Config) {
				withAuthIn(cfg)
				cfg.Trunks[0].Allow = prefixes(c.allow)
			})
			known := b.caller
			if c.allow == "0.0.0.0/0" {
				known = newPeer(t, "127.0.0.77")
				known.edge = b.addr
			}
			d := b.callInBy(known, "standing")
			conn, err := net.ListenUDP("udp4", &net.UDPAddr{})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			const sources = 60_000
			invite := known.invite("flood")
			flood := func(first, n int) {
				for i := range n {
					at := first + i
					from(t, conn, [4]byte{127, 1 + byte(at>>16), byte(at >> 8), byte(at)}, invite, b)
					if i%500 == 0 { // at the pace of the edge: none shall be dropped by the kernel
						known.hears(known.other("OPTIONS"), "SIP/2.0 200")
					}
				}
			}
			flood(0, 2000)
			before := heapInUse()
			began := time.Now()
			flood(2000, sources)
			if grown := heapInUse() - before; grown > 1<<20 {
				t.Errorf("the heap has grown by %d octets", grown)
			}
			within := 0.0 // what a slow machine lets pass
			if c.reason == "newcomer" {
				within = newcomersRate * (time.Since(began).Seconds() + 1)
			}
			if got := b.count("dropped_total", "reason", c.reason); got < min(sources/2, sources-within) {
				t.Errorf("%v are dropped as %s", got, c.reason)
			}
			if n := len(b.edge.calls.all()); n != 1 {
				t.Errorf("%d calls", n)
			}
			known.send(known.inDialog("BYE", d.answer, 3))
			known.expect("SIP/2.0 200")
			b.callees[0].expect("BYE ")
		})
	}
}

// hears repeats a request until its answer comes, as over a path that loses some.
func (p *peer) hears(request, answer string) {
	p.t.Helper()
	for range 10 {
		p.send(request)
		for text := p.receive(time.Second); text != ""; text = p.receive(time.Second) {
			if strings.HasPrefix(text, answer) {
				return
			}
		}
	}
	p.t.Fatalf("no %q", answer)
}

// TestInvitesWithoutACK has one trunk send INVITEs and nothing else: it fills its
// own bound, its repeated answers end, and others go on.
func TestInvitesWithoutACK(t *testing.T) {
	b := newBed(t, nil)
	d := b.connect(b.tenant, "standing")
	const calls = 4 * mostUnacknowledged
	answers := map[string]int{}
	for i := range calls {
		b.caller.send(strings.ReplaceAll(b.caller.invite(fmt.Sprint("flood", i)), simMaskA.Reveal(), "+441110000009"))
		for {
			text := b.caller.receive(1e9)
			if text == "" {
				t.Fatal("no answer")
			}
			code := text[:min(len(text), len("SIP/2.0 404"))]
			if strings.HasPrefix(code, "SIP/2.0 1") || header(text, "Call-ID") != fmt.Sprint("flood", i) {
				continue
			}
			answers[code]++
			break
		}
	}
	if n := len(b.edge.calls.all()); n > mostUnacknowledged+1 {
		t.Errorf("%d calls are kept", n)
	}
	if answers["SIP/2.0 404"] != mostUnacknowledged || answers["SIP/2.0 503"] != calls-mostUnacknowledged {
		t.Errorf("%v", answers)
	}
	if got := b.count("busy_total", "trunk", "in", "reason", "unacknowledged"); got != calls-mostUnacknowledged {
		t.Errorf("%v", got)
	}
	b.hangUp(b.tenant, d)
	b.hangUp(b.tenant, b.connect(b.tenant, "another"))
}
