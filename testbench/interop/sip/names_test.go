//go:build peers

package sip

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"maskline/sip"
	"maskline/sip/naming"
)

// dnsmasq is a running name server.
type dnsmasq struct {
	cmd    *exec.Cmd
	addr   netip.AddrPort
	hosts  string // the file that its addresses are in
	output syncBuffer
}

// startDnsmasq runs one with records of its options and addresses of hosts. It tells
// that answers hold for a second.
func startDnsmasq(t *testing.T, hosts string, options ...string) *dnsmasq {
	t.Helper()
	own := reserve(t)
	self, err := osuser.Current()
	if err != nil {
		t.Fatal(err)
	}
	d := &dnsmasq{
		addr:  netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(own.number)),
		hosts: filepath.Join(t.TempDir(), "hosts"),
	}
	d.write(t, hosts)
	d.cmd = exec.Command("dnsmasq", append([]string{
		"--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--user=" + self.Username, "--log-facility=-",
		"--listen-address=127.0.0.1", "--bind-interfaces", fmt.Sprintf("--port=%d", own.number),
		"--no-resolv", "--no-hosts", "--addn-hosts=" + d.hosts, "--local=/example/", "--local-ttl=1", "--edns-packet-max=512",
	}, options...)...)
	d.cmd.Stdout, d.cmd.Stderr = &d.output, &d.output
	own.release()
	if err := d.cmd.Start(); err != nil {
		t.Fatalf("dnsmasq is needed (Debian: apt-get install dnsmasq-base): %v", err)
	}
	t.Cleanup(func() {
		_ = d.cmd.Process.Kill()
		_ = d.cmd.Wait()
		if t.Failed() {
			t.Logf("dnsmasq said\n%s", tail(d.output.bytes()))
		}
	})
	eventually(t, "dnsmasq listens", func() bool { return taken(t, "udp", own.number) && taken(t, "tcp", own.number) })
	return d
}

func (d *dnsmasq) write(t *testing.T, hosts string) {
	t.Helper()
	if err := os.WriteFile(d.hosts, []byte(hosts), 0o600); err != nil {
		t.Fatal(err)
	}
}

// change has it answer with other addresses from now on.
func (d *dnsmasq) change(t *testing.T, hosts string) {
	t.Helper()
	d.write(t, hosts)
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// TestRecordsOfDnsmasq asks for each kind of record, and for more than a datagram
// holds.
func TestRecordsOfDnsmasq(t *testing.T) {
	hosts := "192.0.2.1 a.alfa.example\n192.0.2.2 a.alfa.example\n2001:db8::1 a.alfa.example\n"
	for i := range 40 {
		hosts += fmt.Sprintf("198.51.100.%d many.alfa.example\n", i+1)
	}
	d := startDnsmasq(t, hosts,
		"--naptr-record=alfa.example,10,20,s,SIP+D2U,,_sip._udp.alfa.example", "--naptr-record=alfa.example,20,5,s,SIPS+D2T,,_sips._tcp.alfa.example",
		"--srv-host=_sip._udp.alfa.example,a.alfa.example,5060,1,70", "--srv-host=_sip._udp.alfa.example,b.alfa.example,5070,1,30",
		"--cname=alias.alfa.example,a.alfa.example")
	c := naming.New(naming.Config{Servers: []netip.AddrPort{d.addr}})
	cases := []struct {
		name string
		ask  func() (fmt.Stringer, time.Duration, error)
		want []string
	}{
		{"NAPTR", func() (fmt.Stringer, time.Duration, error) {
			all, life, err := c.NAPTR(t.Context(), "alfa.example")
			return list(all), life, err
		}, []string{"{10 20 S SIP+D2U _sip._udp.alfa.example.}", "{20 5 S SIPS+D2T _sips._tcp.alfa.example.}"}},
		{"SRV", func() (fmt.Stringer, time.Duration, error) {
			all, life, err := c.SRV(t.Context(), "_sip._udp.alfa.example")
			return list(all), life, err
		}, []string{"{a.alfa.example. 5060 1 70}", "{b.alfa.example. 5070 1 30}"}},
		{"addresses", func() (fmt.Stringer, time.Duration, error) {
			all, life, err := c.Addrs(t.Context(), "ip", "a.alfa.example")
			return list(all), life, err
		}, []string{"192.0.2.1", "192.0.2.2", "2001:db8::1"}},
		{"behind an alias", func() (fmt.Stringer, time.Duration, error) {
			all, life, err := c.Addrs(t.Context(), "ip6", "alias.alfa.example")
			return list(all), life, err
		}, []string{"2001:db8::1"}},
	}
	for _, one := range cases {
		t.Run(one.name, func(t *testing.T) {
			got, life, err := one.ask()
			if err != nil || life != 5*time.Second || got.String() != strings.Join(one.want, " ") {
				t.Errorf("%s for %s, %v; want %s", got, life, err, one.want)
			}
		})
	}
	t.Run("more than a datagram", func(t *testing.T) {
		all, _, err := c.Addrs(t.Context(), "ip4", "many.alfa.example")
		if err != nil || len(all) != 40 {
			t.Errorf("%d addresses, %v", len(all), err)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		all, life, err := c.SRV(t.Context(), "_sip._tcp.alfa.example")
		if err != nil || len(all) != 0 || life == 0 {
			t.Errorf("%v for %s, %v", all, life, err)
		}
	})
}

// sorted is a list whose order DNS does not tell.
type sorted []string

func (s sorted) String() string { return strings.Join(s, " ") }

func list[T any](all []T) (texts sorted) {
	for _, one := range all {
		texts = append(texts, fmt.Sprint(one))
	}
	slices.Sort(texts)
	return texts
}

// TestCarrierMoves has calls go to a carrier by NAPTR, SRV and addresses: past a dead
// one, and to another once DNS names that, without a restart. Then DNS is away.
func TestCarrierMoves(t *testing.T) {
	const calls = 3
	dead := reserve(t)
	dead.release()
	hosts := func(live string) string { return "127.0.0.2 dead.alfa.example\n" + live + " live.alfa.example\n" }
	var dns *dnsmasq
	b := newBed(t, func(c *sip.Config) {
		_, port, _ := strings.Cut(c.Trunks[1].Addr, "127.0.0.1:")
		dns = startDnsmasq(t, hosts("127.0.0.1"),
			"--naptr-record=alfa.example,10,10,s,SIP+D2U,,_sip._udp.sites.alfa.example",
			fmt.Sprintf("--srv-host=_sip._udp.sites.alfa.example,dead.alfa.example,%d,1,0", dead.number),
			"--srv-host=_sip._udp.sites.alfa.example,live.alfa.example,"+port+",2,0")
		c.Trunks[1].Addr, c.Nameservers = "udp://alfa.example", []netip.AddrPort{dns.addr}
	})
	at := func(ip string) func() bool {
		return func() bool {
			for _, s := range b.edge.Trunks() {
				if s.Carrier == "alfa" && s.Up && s.Addr.Addr() == netip.MustParseAddr(ip) {
					return true
				}
			}
			return false
		}
	}
	eventually(t, "the name is known", at("127.0.0.2"))
	talk := func(ip string) {
		t.Helper()
		callee := start(t, run{scenario: "callee_answers", port: b.alfa, number: bob, calls: calls, ip: ip}, "")
		caller := start(t, run{scenario: "caller_hangs_up", port: b.caller, number: alice, dials: maskA, calls: calls, rate: 5}, b.addr.String())
		caller.wait()
		callee.wait()
		checkNothingLeaks(t, b, caller, []*sipp{callee})
	}
	talk("127.0.0.1")
	dns.change(t, hosts("127.0.0.3"))
	eventually(t, "the carrier has moved", at("127.0.0.3"))
	talk("127.0.0.3")
	_ = dns.cmd.Process.Kill()
	eventually(t, "DNS is away", func() bool { return b.count("maskline_sip_lookup_failures_total", "trunk", "alfa") > 0 })
	talk("127.0.0.3")
	if got := b.count("maskline_sip_attempts_total", "trunk", "alfa", "outcome", "answered"); got != 3*calls {
		t.Errorf("%v calls were answered", got)
	}
}
