package sip

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/routing"
	"maskline/udp"
)

// TestSharedAddress has several sockets on one address: calls of many sources are
// spread over them, and each goes through.
func TestSharedAddress(t *testing.T) {
	const sockets, callers = 4, 16
	b := newBed(t, func(c *Config) { c.Listen[0].Sockets = sockets })
	if n := len(b.edge.sockets[0].udp); n != min(sockets, udp.MostShared) {
		t.Fatalf("%d sockets", n)
	}
	for i := range callers {
		p := newPeer(t, "127.0.0.1")
		p.edge = b.addr
		b.hangUp(p, b.connect(p, fmt.Sprint("call", i)))
	}
	// Another edge must not take part.
	router, err := routing.New(nil, routing.Config{}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	second, err := New(Config{Listen: []Listen{{Addr: "udp://" + b.addr.String(), Sockets: sockets}}}, router, &fakeMedia{}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Listen(); err == nil {
		second.Close()
		t.Error("a second edge has opened the same address")
	}
}

// TestIPv6 has a caller on IPv4 and the called side on IPv6.
func TestIPv4ToIPv6(t *testing.T) {
	for _, over := range []transport{overUDP, overTCP} {
		t.Run(over.String(), func(t *testing.T) {
			six := &peer{t: t, over: over}
			if over == overUDP {
				conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
				if err != nil {
					t.Fatal(err)
				}
				six.conn, six.addr = conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
			} else {
				listener, err := net.Listen("tcp6", "[::1]:0")
				if err != nil {
					t.Fatal(err)
				}
				six.link, six.addr = &link{listener: listener}, listener.Addr().(*net.TCPAddr).AddrPort()
				six.link.framer.Most = 64 << 10
			}
			t.Cleanup(six.close)
			b := newBedOver(t, over, nil, func(c *Config) {
				c.Listen = append(c.Listen, Listen{Addr: over.String() + "://[::1]:0"})
				c.Trunks[1].Addr, c.Trunks[1].MediaFrom = over.String()+"://"+six.addr.String(), prefixes("127.0.0.0/8")
			})
			six.edge = b.edge.Addrs()[1]
			b.callees[0] = six
			d := b.connect(b.caller, "one")
			for _, want := range []string{
				"INVITE sip:+" + strings.TrimPrefix(simBob.Reveal(), "+") + "@" + six.addr.String() + " ",
				"Via: SIP/2.0/" + over.via() + " " + six.edge.String() + ";rport;",
				"Contact: <sip:" + six.edge.String() + over.params() + ">",
			} {
				if !strings.Contains(d.invite, want) {
					t.Errorf("no %q in\n%s", want, d.invite)
				}
			}
			b.hangUp(b.caller, d)
			if over == overUDP { // RFC 3581: the address that the request came from
				six.send(six.other("OPTIONS"))
				via := header(six.expect("SIP/2.0 200"), "Via")
				if want := fmt.Sprintf(";rport=%d;received=::1", six.addr.Port()); !strings.HasSuffix(via, want) {
					t.Errorf("Via: %s", via)
				}
			}
		})
	}
}

// TestAdvertised has peers know the edge by another address than its socket's.
func TestAdvertised(t *testing.T) {
	b := newBedOver(t, overTCP, nil, func(c *Config) { c.Listen[0].Advertise = "edge.example:5070" })
	d := b.connect(b.caller, "one")
	for _, want := range []string{"Via: SIP/2.0/TCP edge.example:5070;", "Contact: <sip:edge.example:5070;transport=tcp>"} {
		if !strings.Contains(d.invite, want) {
			t.Errorf("no %q in\n%s", want, d.invite)
		}
	}
	b.hangUp(b.caller, d)
}

// TestLongDatagram is sent whole, in fragments, where nothing says otherwise.
func TestLongDatagram(t *testing.T) {
	b := newBed(t, nil)
	long := strings.Repeat("x", 20<<10)
	if err := b.edge.sockets[0].send([]byte(long), b.caller.addr, 0); err != nil {
		t.Fatal(err)
	}
	if got := b.caller.receive(5 * time.Second); got != long {
		t.Errorf("%d octets came", len(got))
	}
}

// TestSourceOfAnyTransport finds a trunk whatever the transport.
func TestSourceOfAnyTransport(t *testing.T) {
	b := newBed(t, func(c *Config) { c.Listen = append(c.Listen, Listen{Addr: "tcp://127.0.0.1:0"}) })
	p := newStreamPeer(t, overTCP, nil)
	p.edge = b.edge.Addrs()[1]
	d := b.connect(p, "one")
	if !strings.Contains(d.invite, "Via: SIP/2.0/UDP "+b.addr.String()) {
		t.Errorf("the called side's transport is its own:\n%s", d.invite)
	}
	b.hangUp(p, d)
}

// TestAnswerGoesBackItsWay has a peer change the transport inside a call.
func TestAnswerGoesBackItsWay(t *testing.T) {
	b := newBed(t, func(c *Config) { c.Listen = append(c.Listen, Listen{Addr: "tcp://127.0.0.1:0"}) })
	p := newStreamPeer(t, overTCP, nil)
	p.edge = b.edge.Addrs()[1]

	d := b.connect(b.caller, "by datagrams")
	p.send(p.inDialog("BYE", d.answer, 2))
	p.expect("SIP/2.0 200")
	b.callees[0].send(b.callees[0].reply(b.callees[0].expect("BYE "), 200, ""))

	d = b.connect(p, "by a stream")
	b.caller.send(b.caller.inDialog("BYE", d.answer, 2))
	b.caller.expect("SIP/2.0 200")
	b.callees[0].send(b.callees[0].reply(b.callees[0].expect("BYE "), 200, ""))
}
