//go:build peers

package edge

import (
	"fmt"
	"strings"
	"testing"

	"maskline/testbench/loopback"
)

// TestBaresipSharesThePort has one baresip with RTCP on the port of RTP and one with
// two ports, whoever calls: they hear each other, and the reports of both pass.
func TestBaresipSharesThePort(t *testing.T) {
	b := newBed(t)
	shares := newBaresipAt(t, loopback.Addr(), rider, 440, "", nil, func(p *baresip) { p.shares = true })
	apart := newBaresip(t, driver, 880)
	b.start(settings{
		carriers: fmt.Sprintf(`  - {name: charlie, sip: [{addr: "udp://%s", media_from: [127.0.0.0/8], rtcp_mux: true, probe: {every: 1s}}]}
  - {name: delta, sip: [{addr: "udp://%s", media_from: [127.0.0.0/8], probe: {every: 1s}}]}
`, shares.addr, apart.addr),
	})
	shares.edge, apart.edge = b.edge.Listeners().SIP[0], b.edge.Listeners().SIP[0]
	csv := strings.ReplaceAll(bindings, ",sms+voice,,,", ",sms+voice,%s,,")
	csv = strings.Replace(csv, "%s", "delta", 1)   // the driver's
	csv = strings.Replace(csv, "%s", "charlie", 1) // the rider's
	b.imports(csv)
	b.eventually("baresip answers its probes", func() bool {
		m := b.metrics()
		return m.Sum("maskline_routing_carrier_up", "carrier", "charlie") == 1 && m.Sum("maskline_routing_carrier_up", "carrier", "delta") == 1
	})
	compounds := func(direction string) float64 {
		return b.metrics().Sum("maskline_media_packets_total", "direction", direction, "protocol", "rtcp")
	}
	b.sub("it calls", func(*testing.T) { b.toneCall(shares, apart, riderDials, driverDials.Reveal()) })
	b.sub("it is called", func(*testing.T) { b.toneCall(apart, shares, driverDials, riderDials.Reveal()) })
	shares.dial(riderDials)
	b.eventually("reports of both have passed", func() bool { return compounds("in") >= 2 && compounds("out") >= 2 }) // every 5 s
	shares.command("hangup", "")
	shares.await("CALL_CLOSED")
	if n := b.metrics().Sum("maskline_media_dropped_total", "reason", "multiplexed"); n > 0 {
		t.Errorf("%v came where that had not been agreed", n)
	}
	b.stop()
	// Offer and answer of all calls; it prints what it sends and what it gets.
	if n := strings.Count(shares.said(), "a=rtcp-mux"); n != 6 {
		t.Errorf("the one that shares was told, or told, %d times, want 6", n)
	}
	if strings.Contains(apart.said(), "a=rtcp-mux") {
		t.Error("the one with two ports was told of a shared one")
	}
}
