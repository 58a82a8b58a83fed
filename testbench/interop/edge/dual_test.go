//go:build peers

package edge

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// TestBaresipFromIPv4ToIPv6 has one baresip on IPv4 and the other on IPv6, signalling
// and media both: they hear each other, whoever calls, and neither is told an address
// of the other's version.
func TestBaresipFromIPv4ToIPv6(t *testing.T) {
	b := newBed(t)
	riderPhone := newBaresip(t, rider, 440)
	driverPhone := newBaresipAt(t, netip.IPv6Loopback(), driver, 880, "", nil)
	b.start(settings{
		listeners: `, {addr: "udp://[::1]:0"}`,
		media:     `, "::1"`,
		carriers: fmt.Sprintf(`  - {name: charlie, sip: [{addr: "udp://%s", media_from: [127.0.0.0/8], probe: {every: 1s}}]}
  - {name: delta, sip: [{addr: "udp://%s", media_from: ["::1/128"], probe: {every: 1s}}]}
`, riderPhone.addr, driverPhone.addr),
	})
	listeners := b.edge.Listeners().SIP
	riderPhone.edge, driverPhone.edge = listeners[0], listeners[1]
	csv := strings.ReplaceAll(bindings, ",sms+voice,,,", ",sms+voice,%s,,")
	csv = strings.Replace(csv, "%s", "delta", 1)   // the driver's
	csv = strings.Replace(csv, "%s", "charlie", 1) // the rider's
	b.imports(csv)
	b.eventually("baresip answers its probes", func() bool {
		m := b.metrics()
		return m.Sum("maskline_routing_carrier_up", "carrier", "charlie") == 1 && m.Sum("maskline_routing_carrier_up", "carrier", "delta") == 1
	})
	b.sub("from IPv4", func(*testing.T) { b.toneCall(riderPhone, driverPhone, riderDials, driverDials.Reveal()) })
	b.sub("from IPv6", func(*testing.T) { b.toneCall(driverPhone, riderPhone, driverDials, riderDials.Reveal()) })
	b.stop()
	if said := riderPhone.said(); strings.Contains(said, "IP6") || !strings.Contains(said, "c=IN IP4 "+b.ip.String()) {
		t.Error("the one on IPv4 was told of IPv6, or not of the edge")
	}
	if said := driverPhone.said(); strings.Contains(said, "IP4") || !strings.Contains(said, "c=IN IP6 ::1") {
		t.Error("the one on IPv6 was told of IPv4, or not of the edge")
	}
}
