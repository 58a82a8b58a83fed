//go:build peers

package edge

import (
	"fmt"
	"strings"
	"testing"

	"maskline/testbench/authority"
	"maskline/testbench/leak"
)

// TestBaresipOverStreams has the rider's carrier speak TCP and the driver's TLS with
// certificates on both sides: they hear each other, whoever calls.
func TestBaresipOverStreams(t *testing.T) {
	b := newBed(t)
	names := authority.New(t)
	names.Issue(t, "edge", "edge.example")
	names.Issue(t, "phone", "sbc.delta.example")
	riderPhone := newBaresipOver(t, rider, 440, "tcp", nil)
	driverPhone := newBaresipOver(t, driver, 880, "tls", names)
	b.start(settings{
		listeners: fmt.Sprintf(`, {addr: "tcp://%[1]s:0"}, {addr: "tls://%[1]s:0", tls: {cert: %[2]s, key: %[3]s, client_ca: %[4]s}}`,
			b.ip, names.File("edge.pem"), names.File("edge.key"), names.File("ca.pem")),
		carriers: fmt.Sprintf(`  - {name: charlie, sip: [{addr: "tcp://%s", media_from: [127.0.0.0/8], probe: {every: 1s}}]}
  - {name: delta, sip: [{addr: "tls://%s", allow: ["0.0.0.0/0"], media_from: [127.0.0.0/8], probe: {every: 1s},
     tls: {ca: %s, cert: %s, key: %s, name: sbc.delta.example, peer: [sbc.delta.example]}}]}
`, riderPhone.addr, driverPhone.addr, names.File("ca.pem"), names.File("edge.pem"), names.File("edge.key")),
	})
	listeners := b.edge.Listeners().SIP
	riderPhone.edge, driverPhone.edge = listeners[1], listeners[2]
	csv := strings.ReplaceAll(bindings, ",sms+voice,,,", ",sms+voice,%s,,")
	csv = strings.Replace(csv, "%s", "delta", 1)   // the driver's
	csv = strings.Replace(csv, "%s", "charlie", 1) // the rider's
	b.imports(csv)
	b.eventually("baresip answers its probes", func() bool {
		m := b.metrics()
		return m.Sum("maskline_routing_carrier_up", "carrier", "charlie") == 1 && m.Sum("maskline_routing_carrier_up", "carrier", "delta") == 1
	})
	b.sub("the rider calls, over TCP", func(*testing.T) { b.toneCall(riderPhone, driverPhone, riderDials, driverDials.Reveal()) })
	b.sub("the driver calls, over TLS", func(*testing.T) { b.toneCall(driverPhone, riderPhone, driverDials, riderDials.Reveal()) })
	for _, over := range []string{"tcp", "tls"} {
		if b.metrics().Sum("maskline_sip_octets_total", "transport", over, "direction", "in") == 0 {
			t.Errorf("nothing came over %s", over)
		}
	}
	b.stop()
	if found := leak.NewScanner(driver).Find([]byte(riderPhone.said())); len(found) > 0 {
		t.Errorf("the rider's baresip has seen the driver's number: %v", found)
	}
	if found := leak.NewScanner(rider).Find([]byte(driverPhone.said())); len(found) > 0 {
		t.Errorf("the driver's baresip has seen the rider's number: %v", found)
	}
}
