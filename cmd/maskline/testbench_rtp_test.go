package main

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
)

// sent are the counts of a report.
type sent struct {
	Calls, Sent, Received, Lost, Foreign int
	Attack                               *struct{ Sent, Received int }
}

func TestTestbenchCallsDirectly(t *testing.T) {
	c := newCLI(t)
	var r sent
	if err := json.Unmarshal([]byte(c.ok("testbench", "rtp", "--calls", "5", "--duration", "200ms", "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Calls != 5 || r.Sent < 5 || r.Received != r.Sent || r.Attack != nil {
		t.Errorf("%+v", r)
	}
	if out := c.ok("testbench", "rtp", "--calls", "1", "--duration", "100ms"); !strings.Contains(out, "0 lost, 0 duplicated") {
		t.Error(out)
	}
}

func unused(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().String()
}

// Calls go through an edge by SIP, are attacked, and are hung up in the end.
func TestTestbenchCallsThroughAnEdge(t *testing.T) {
	c := newCLI(t)
	in, out := unused(t), unused(t)
	c.write("edge.yaml", fmt.Sprintf(`
data_dir: data
tenants: [{name: shop}]
api: {listen: "127.0.0.1:0"}
sip: {listen: [{addr: "udp://127.0.0.1:0"}]}
media: {addr: 127.9.1.1, ports: 21000-21099, drain: 0s}
carriers:
  - {name: alfa, priority: 10, prefixes: ["999"], sip: [{addr: "udp://%s", allow: [127.0.0.1/32], media_from: [127.0.0.2/32], probe: {every: 0s}}]}
  - {name: bravo, priority: 20, sip: [{addr: "udp://%s", allow: [127.0.0.1/32], media_from: [127.0.0.3/32], probe: {every: 0s}}]}
`, in, out))
	c.write("routes.csv", "mask,party,to,present,services,carriers,expires_at\n442079460011,447700900101,tel:+447700900202,442079460022,voice,,\n")
	c.ok("routes", "import", "routes.csv", "--config", "edge.yaml")
	r := startEdge(t, c)
	through := []string{
		"testbench", "rtp", "--through", "sip:" + r.sipAddrs()[0].String(), "--caller", in, "--callee", out,
		"--from", "+447700900101", "--to", "442079460011", "--calls", "5", "--settle", "10s", "--json",
	}
	for i, tt := range []struct {
		name string
		args []string
	}{
		{"calls", []string{"--duration", "200ms"}},
		{"attack", []string{"--duration", "1s", "--attack", "21000-21099", "--attack-at", "127.9.1.1", "--neighbours", "late", "--pause", "100ms"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var report sent
			if err := json.Unmarshal([]byte(c.ok(append(through, tt.args...)...)), &report); err != nil {
				t.Fatal(err)
			}
			if report.Calls != 5 || report.Sent < 10 || report.Received != report.Sent || report.Foreign != 0 {
				t.Errorf("%+v", report)
			}
			if attacked := report.Attack != nil; attacked != (tt.name == "attack") || attacked && (report.Attack.Sent < 1000 || report.Attack.Received != 0) {
				t.Errorf("%+v", report.Attack)
			}
			r.eventually("all calls are over", func() bool { return strings.Count(string(r.log.bytes()), "call ended") == 5*(i+1) })
		})
	}
	// Nobody is bound to this mask.
	code, _, errs := c.run(append(through, "--to", "442079460099")...)
	if code != 1 || !strings.Contains(errs, "the edge answered INVITE with 404") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestTestbenchRefusesCallsThatMakeNoSense(t *testing.T) {
	c := newCLI(t)
	for _, args := range [][]string{
		{"--through", "scp:127.0.0.1:1"},
		{"--through", "sip:here"},
		{"--calls", "100000"},
		{"--attack", "all"},
		{"--settle=-1s"},
	} {
		if code, _, errs := c.run(append([]string{"testbench", "rtp"}, args...)...); code != 1 || errs == "" {
			t.Errorf("%v: exit %d, %s", args, code, errs)
		}
	}
}
