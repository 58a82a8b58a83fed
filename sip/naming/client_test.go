package naming

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"maskline/testbench/await"
)

const goodNAPTR = "\x00\x0a\x00\x14\x01s\x07SIP+D2U\x00\x04_sip\x04_udp\x04alfa\x07example\x00"

func TestAddrs(t *testing.T) {
	records := []dnsmessage.Resource{
		a("sip.example.", "192.0.2.1", 300), a("sip.example.", "192.0.2.2", 60), aaaa("sip.example.", "2001:db8::1", 90),
		a("four.example.", "192.0.2.4", 1), aaaa("six.example.", "2001:db8::6", 1<<31+5), a("long.example.", "192.0.2.9", 1<<30),
		cname("alias.example.", "next.example.", 40), cname("next.example.", "sip.example.", 3600),
		cname("loop.example.", "pool.example.", 60), cname("pool.example.", "loop.example.", 60),
		cname("dead.example.", "nowhere.example.", 25),
	}
	for i := range 9 {
		records = append(records, cname(fmt.Sprintf("deep%d.example.", i), fmt.Sprintf("deep%d.example.", i+1), 60))
	}
	records = append(records, a("deep9.example.", "192.0.2.9", 60))
	for i := range 100 {
		records = append(records, a("many.example.", fmt.Sprintf("198.51.100.%d", i), 60))
	}
	s := newServer(t, zone(records...))
	cases := []struct {
		name, network, host string
		want                string
		life                time.Duration
	}{
		{"all of both, in order, for the shortest life", "ip", "sip.example", "[192.0.2.1 192.0.2.2 2001:db8::1]", time.Minute},
		{"one family", "ip6", "SIP.Example", "[2001:db8::1]", 90 * time.Second},
		{"a life of a second", "ip4", "four.example", "[192.0.2.4]", leastLife},
		{"a life with its highest bit", "ip6", "six.example", "[2001:db8::6]", leastLife},
		{"a life of years", "ip4", "long.example", "[192.0.2.9]", mostLife},
		{"aliases", "ip4", "alias.example.", "[192.0.2.1 192.0.2.2]", 40 * time.Second},
		{"nine aliases", "ip4", "deep0.example", "too many aliases", 0},
		{"eight aliases", "ip4", "deep1.example", "[192.0.2.9]", time.Minute},
		{"aliases in a ring", "ip4", "loop.example", "too many aliases", 0},
		{"an alias of nothing", "ip4", "dead.example", "[]", 20 * time.Second},
		{"of another family only", "ip6", "four.example", "[]", 20 * time.Second},
		{"unknown", "ip", "nowhere.example", "[]", 20 * time.Second},
		{"too many", "ip4", "many.example", "64", time.Minute},
		{"not a name", "ip4", "no such.example", "not a name", 0},
		{"localhost", "ip4", "localhost", "[127.0.0.1]", defaultUnknown},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			all, life, err := client(s).Addrs(t.Context(), c.network, c.host)
			got := fmt.Sprint(all)
			if len(all) > 10 {
				got = fmt.Sprint(len(all))
			}
			if err != nil {
				got = err.Error()
			}
			if got != c.want || life != c.life {
				t.Errorf("%s for %s, want %s for %s", got, life, c.want, c.life)
			}
		})
	}
}

// TestAliasOfAnotherServer has the records behind an alias asked for, where an answer
// ends with it.
func TestAliasOfAnotherServer(t *testing.T) {
	s := newServer(t, func(query dnsmessage.Message, _ string) [][]byte {
		m := respond(query, a("host.example.", "192.0.2.1", 60))
		if query.Questions[0].Name.String() == "alias.example." {
			m.Answers = []dnsmessage.Resource{cname("alias.example.", "host.example.", 50)}
		}
		return [][]byte{pack(m)}
	})
	all, life, err := client(s).Addrs(t.Context(), "ip4", "alias.example")
	if err != nil || len(all) != 1 || life != 50*time.Second {
		t.Errorf("%v for %s, %v", all, life, err)
	}
}

func TestSRV(t *testing.T) {
	s := newServer(t, zone(
		srv("_sip._udp.alfa.example.", "b.alfa.example.", 5070, 20, 0, 120), srv("_sip._udp.alfa.example.", "A.alfa.example.", 5060, 10, 7, 90),
		srv("_sip._tcp.alfa.example.", ".", 0, 0, 0, 60),
		srv("_sip._udp.odd.example.", "a b.alfa.example.", 5060, 10, 0, 60), srv("_sip._udp.odd.example.", "a.alfa.example.", 5060, 20, 0, 60),
		srv("_sip._tcp.odd.example.", "a b.alfa.example.", 5060, 10, 0, 60),
	))
	cases := []struct{ name, want string }{
		{"_sip._udp.alfa.example", "[{b.alfa.example. 5070 20 0} {a.alfa.example. 5060 10 7}] 1m30s <nil>"},
		{"_sip._tcp.alfa.example", "[{. 0 0 0}] 1m0s <nil>"},
		{"_sip._udp.odd.example", "[{a.alfa.example. 5060 20 0}] 1m0s <nil>"},
		{"_sip._tcp.odd.example", "[] 0s " + errUnusable.Error()},
		{"_sips._tcp.alfa.example", "[] 20s <nil>"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			all, life, err := client(s).SRV(t.Context(), c.name)
			if got := fmt.Sprint(all, " ", life, " ", err); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestNAPTR(t *testing.T) {
	s := newServer(t, zone(naptr("alfa.example.", goodNAPTR, 600), naptr("alfa.example.", "\x00\x01", 600)))
	all, life, err := client(s).NAPTR(t.Context(), "alfa.example")
	want := []NAPTR{{10, 20, "S", "SIP+D2U", "_sip._udp.alfa.example."}}
	if !slices.Equal(all, want) || life != 10*time.Minute || err != nil {
		t.Errorf("%v for %s, %v", all, life, err)
	}
}

func TestParseNAPTR(t *testing.T) {
	cases := []struct {
		name, data string
		ok         bool
	}{
		{"whole", goodNAPTR, true},
		{"empty", "", false},
		{"no flags", goodNAPTR[:4], false},
		{"services cut", goodNAPTR[:9], false},
		{"no replacement", goodNAPTR[:15], false},
		{"a name cut", goodNAPTR[:25], false},
		{"no last label", goodNAPTR[:len(goodNAPTR)-1], false},
		{"octets behind it", goodNAPTR + "\x00", false},
		{"the root", goodNAPTR[:15] + "\x00", false},
		{"a pointer", goodNAPTR[:15] + "\xc0\x0c", false},
		{"a dot in a label", goodNAPTR[:15] + "\x03a.b\x00", false},
		{"a space in a label", goodNAPTR[:15] + "\x03a b\x00", false},
		{"an expression", "\x00\x0a\x00\x14\x01u\x07E2U+sip\x03!a!\x00", false},
		{"too long", goodNAPTR[:15] + strings.Repeat("\x3f"+strings.Repeat("a", 63), 4) + "\x00", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := parseNAPTR([]byte(c.data)); ok != c.ok {
				t.Errorf("%v %v", got, ok)
			}
		})
	}
}

// TestServersInTurn has what one server does wrong made good by the next one.
func TestServersInTurn(t *testing.T) {
	good := zone(a("sip.example.", "192.0.2.1", 60))
	code := func(code dnsmessage.RCode) func(dnsmessage.Message, string) [][]byte {
		return func(query dnsmessage.Message, _ string) [][]byte {
			m := respond(query)
			m.RCode = code
			return [][]byte{pack(m)}
		}
	}
	wrong := func(change func(*dnsmessage.Message)) func(dnsmessage.Message, string) [][]byte {
		return func(query dnsmessage.Message, _ string) [][]byte {
			m := respond(query, a("sip.example.", "203.0.113.66", 60))
			change(&m)
			return [][]byte{pack(m)}
		}
	}
	cases := []struct {
		name  string
		first func(dnsmessage.Message, string) [][]byte
	}{
		{"silent", func(dnsmessage.Message, string) [][]byte { return nil }},
		{"fails", code(dnsmessage.RCodeServerFailure)},
		{"refuses", code(dnsmessage.RCodeRefused)},
		{"cannot read", code(dnsmessage.RCodeFormatError)},
		{"neither knows nor asks", wrong(func(m *dnsmessage.Message) { m.RecursionAvailable, m.Answers = false, nil })},
		{"another id", wrong(func(m *dnsmessage.Message) { m.ID++ })},
		{"another name", wrong(func(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("sip.example.net.") })},
		{"another type", wrong(func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeMX })},
		{"another class", wrong(func(m *dnsmessage.Message) { m.Questions[0].Class = dnsmessage.ClassCHAOS })},
		{"no question", wrong(func(m *dnsmessage.Message) { m.Questions = nil })},
		{"two questions", wrong(func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) })},
		{"a query", wrong(func(m *dnsmessage.Message) { m.Response = false })},
		{"a notification", wrong(func(m *dnsmessage.Message) { m.OpCode = 4 })},
		{"cut off over both transports", wrong(func(m *dnsmessage.Message) { m.Truncated = true })},
		{"counts beyond its octets", func(query dnsmessage.Message, _ string) [][]byte {
			msg := pack(respond(query, a("sip.example.", "203.0.113.66", 60)))
			msg[6], msg[7] = 0xff, 0xff
			return [][]byte{msg}
		}},
		{"an address of three octets", func(query dnsmessage.Message, _ string) [][]byte {
			msg := pack(respond(query, dnsmessage.Resource{
				Header: header("sip.example.", dnsmessage.TypeA, 60), Body: &dnsmessage.UnknownResource{Type: dnsmessage.TypeA, Data: []byte{203, 0, 113}},
			}))
			return [][]byte{msg}
		}},
		{"a name that points at itself", func(query dnsmessage.Message, _ string) [][]byte {
			msg := pack(respond(query))
			msg[7] = 1
			at := byte(len(msg))
			return [][]byte{append(msg, 0xc0, at, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 66)}
		}},
		{"noise", func(dnsmessage.Message, string) [][]byte { return slices.Repeat([][]byte{{1, 2, 3}}, mostStrays+1) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cl := client(newServer(t, c.first), newServer(t, good))
			all, _, err := cl.Addrs(t.Context(), "ip4", "sip.example")
			if want := addrs("192.0.2.1"); err != nil || !slices.Equal(all, want) {
				t.Fatalf("%v, %v", all, err)
			}
			if cl.good.Load() != 1 {
				t.Error("the server that answered is not asked first the next time")
			}
		})
	}
}

// TestLies has a forger answer before the server does.
func TestLies(t *testing.T) {
	s := newServer(t, func(query dnsmessage.Message, _ string) [][]byte {
		lie := respond(query, a("sip.example.", "203.0.113.66", 60))
		lie.ID ^= 0x5555
		truth := respond(query, a("other.example.", "203.0.113.66", 60), a("sip.example.", "192.0.2.1", 60))
		return [][]byte{pack(lie), {0xff}, pack(truth)}
	})
	all, _, err := client(s).Addrs(t.Context(), "ip4", "sip.example")
	if want := addrs("192.0.2.1"); err != nil || !slices.Equal(all, want) {
		t.Errorf("%v, %v", all, err)
	}
}

// TestTruncated asks over TCP for what is cut off over UDP.
func TestTruncated(t *testing.T) {
	full := zone(a("sip.example.", "192.0.2.1", 60))
	s := newServer(t, func(query dnsmessage.Message, network string) [][]byte {
		if network == "udp" {
			m := respond(query)
			m.Truncated = true
			return [][]byte{pack(m)}
		}
		return full(query, network)
	})
	all, _, err := client(s).Addrs(t.Context(), "ip4", "sip.example")
	if err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	if got, want := fmt.Sprint(s.log()), "[udp sip.example. TypeA tcp sip.example. TypeA]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestWithoutEDNS asks an old server again, without what it does not know.
func TestWithoutEDNS(t *testing.T) {
	full := zone(a("sip.example.", "192.0.2.1", 60))
	s := newServer(t, func(query dnsmessage.Message, network string) [][]byte {
		if len(query.Additionals) > 0 {
			return [][]byte{pack(dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, RCode: dnsmessage.RCodeFormatError}})}
		}
		return full(query, network)
	})
	if all, _, err := client(s).Addrs(t.Context(), "ip4", "sip.example"); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	s := newServer(t, func(dnsmessage.Message, string) [][]byte { return nil })
	cl := client(s)
	if _, _, err := cl.SRV(t.Context(), "_sip._udp.secret.example"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
	if n := len(s.log()); n != rounds {
		t.Errorf("asked %d times", n)
	}
	cl.cfg.Timeout = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	context.AfterFunc(t.Context(), cancel)
	done := make(chan error, 1)
	go func() {
		_, _, err := cl.SRV(ctx, "_sip._udp.secret.example")
		done <- err
	}()
	asked := await.Within(10*time.Second, func() bool { return len(s.log()) > rounds })
	cancel()
	if err := <-done; !asked || !errors.Is(err, context.Canceled) {
		t.Errorf("asked %v, %v", asked, err)
	}
}

// TestIDs has each question draw an id.
func TestIDs(t *testing.T) {
	var mu sync.Mutex
	ids := map[uint16]bool{}
	s := newServer(t, func(query dnsmessage.Message, _ string) [][]byte {
		mu.Lock()
		defer mu.Unlock()
		ids[query.ID] = true
		return [][]byte{pack(respond(query, a("sip.example.", "192.0.2.1", 60)))}
	})
	cl := client(s)
	for range 50 {
		if _, _, err := cl.Addrs(t.Context(), "ip4", "sip.example"); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ids) < 45 {
		t.Errorf("%d ids in 50 questions", len(ids))
	}
}

// hosts is a hosts file of one line.
type hosts struct{}

func (hosts) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return addrs("::ffff:192.0.2.7"), nil
}

func TestHostsComeFirst(t *testing.T) {
	cl := New(Config{Hosts: hosts{}, Unknown: 7 * time.Second})
	all, life, err := cl.Addrs(t.Context(), "ip4", "pbx")
	if !slices.Equal(all, addrs("192.0.2.7")) || life != 7*time.Second || err != nil {
		t.Errorf("%v for %s, %v", all, life, err)
	}
}

// TestHostsFile has the machine's own file name the machine, and no question go out
// for what it does not name.
func TestHostsFile(t *testing.T) {
	if _, err := hostsFile().LookupNetIP(t.Context(), "ip4", "nowhere.invalid"); err == nil {
		t.Error("somebody answered")
	}
	s := newServer(t, zone())
	cl := New(Config{Servers: []netip.AddrPort{s.addr}})
	if all, _, err := cl.Addrs(t.Context(), "ip4", "localhost"); err != nil || !slices.Contains(all, netip.MustParseAddr("127.0.0.1")) {
		t.Errorf("%v, %v", all, err)
	}
	if got := s.log(); len(got) > 0 {
		t.Errorf("DNS was asked %v", got)
	}
}

func TestResolvConf(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"as usual", "# by hand\nsearch example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\noptions edns0\n", "[192.0.2.53:53 [2001:db8::53]:53]"},
		{"a zone", "nameserver fe80::1%eth0\n", "[[fe80::1%eth0]:53]"},
		{"three at most", strings.Repeat("nameserver 192.0.2.53\n", 5), "[192.0.2.53:53 192.0.2.53:53 192.0.2.53:53]"},
		{"none", "nameserver\nnameserver dns.example\n", "[127.0.0.1:53 [::1]:53]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "resolv.conf")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(serversOf(path)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
	if got := fmt.Sprint(serversOf("/nowhere")); got != "[127.0.0.1:53 [::1]:53]" {
		t.Errorf("no file: %s", got)
	}
}

func addrs(texts ...string) (list []netip.Addr) {
	for _, text := range texts {
		list = append(list, netip.MustParseAddr(text))
	}
	return list
}
