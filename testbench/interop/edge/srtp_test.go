//go:build peers

package edge

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"maskline/testbench/authority"
)

// secureBed is two phones over TLS, each with its own trunk and its own word of SRTP.
func secureBed(t *testing.T, riders, drivers, ridersTrunk, driversTrunk string) (b *bed, riderPhone, driverPhone *baresip) {
	t.Helper()
	b = newBed(t)
	names := authority.New(t)
	names.Issue(t, "edge", "edge.example")
	names.Issue(t, "rider", "sbc.charlie.example")
	names.Issue(t, "driver", "sbc.delta.example")
	with := func(secure, shows string) func(*baresip) {
		return func(p *baresip) { p.secure, p.shows = secure, shows }
	}
	riderPhone = newBaresipOver(t, rider, 440, "tls", names, with(riders, "rider"))
	driverPhone = newBaresipOver(t, driver, 880, "tls", names, with(drivers, "driver"))
	var carriers strings.Builder
	for _, c := range []struct {
		name, srtp string
		phone      *baresip
	}{{"charlie", ridersTrunk, riderPhone}, {"delta", driversTrunk, driverPhone}} {
		fmt.Fprintf(&carriers, `  - {name: %[1]s, sip: [{addr: "tls://%[2]s", allow: ["0.0.0.0/0"], media_from: [127.0.0.0/8], probe: {every: 1s}, srtp: %[3]s,
     tls: {ca: %[4]s, cert: %[5]s, key: %[6]s, name: sbc.%[1]s.example, peer: [sbc.%[1]s.example]}}]}
`, c.name, c.phone.addr, c.srtp, names.File("ca.pem"), names.File("edge.pem"), names.File("edge.key"))
	}
	b.start(settings{
		listeners: fmt.Sprintf(`, {addr: "tls://%s:0", tls: {cert: %s, key: %s, client_ca: %s}}`,
			b.ip, names.File("edge.pem"), names.File("edge.key"), names.File("ca.pem")),
		carriers: carriers.String(),
	})
	riderPhone.edge, driverPhone.edge = b.edge.Listeners().SIP[1], b.edge.Listeners().SIP[1]
	csv := strings.ReplaceAll(bindings, ",sms+voice,,,", ",sms+voice,%s,,")
	b.imports(strings.Replace(strings.Replace(csv, "%s", "delta", 1), "%s", "charlie", 1))
	b.eventually("baresip answers its probes", func() bool {
		m := b.metrics()
		return m.Sum("maskline_routing_carrier_up", "carrier", "charlie") == 1 && m.Sum("maskline_routing_carrier_up", "carrier", "delta") == 1
	})
	return b, riderPhone, driverPhone
}

var inlineKey = regexp.MustCompile(`inline:([A-Za-z0-9+/]{38,})`)

// keysIn are those that a phone has seen or told, as it printed its messages.
func keysIn(p *baresip) map[string]bool {
	keys := map[string]bool{}
	for _, m := range inlineKey.FindAllStringSubmatch(p.said(), -1) {
		keys[m[1]] = true
	}
	return keys
}

// checkKeysApart wants no key in both legs, none in the log, and hardly a packet
// dropped for want of a tag.
func (b *bed) checkKeysApart(riderPhone, driverPhone *baresip) {
	b.t.Helper()
	const pinholes = 20 // baresip begins, and resumes, with plain packets that only open its NAT
	if n := b.metrics().Sum("maskline_media_dropped_total", "reason", "srtp_tag"); n > pinholes {
		b.t.Errorf("%v packets dropped for their tags", n)
	}
	one, other := keysIn(riderPhone), keysIn(driverPhone)
	for key := range one {
		if other[key] {
			b.t.Error("both phones know a key")
		}
	}
	for _, keys := range []map[string]bool{one, other} {
		for key := range keys {
			if bytes.Contains(b.log(), []byte(key)) || bytes.Contains(b.log(), []byte(key[:16])) {
				b.t.Error("a key is in the log")
			}
		}
	}
}

// TestBaresipWithSRTP has one side protected, then both, each with keys of its own.
func TestBaresipWithSRTP(t *testing.T) {
	for _, c := range []struct{ name, riders, drivers, ridersTrunk, driversTrunk string }{
		{"one side", "srtp-mand", "", "required", "off"},
		{"both sides", "srtp-mand", "srtp-mand", "required", "required"},
		{"where it may be", "srtp", "", "optional", "optional"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, riderPhone, driverPhone := secureBed(t, c.riders, c.drivers, c.ridersTrunk, c.driversTrunk)
			b.sub("the rider calls", func(*testing.T) { b.toneCall(riderPhone, driverPhone, riderDials, driverDials.Reveal()) })
			b.sub("the driver calls", func(*testing.T) { b.toneCall(driverPhone, riderPhone, driverDials, riderDials.Reveal()) })
			b.sub("with hold and resume", func(*testing.T) { b.heldCall(riderPhone, driverPhone, riderPhone) })
			b.checkKeysApart(riderPhone, driverPhone)
			if len(keysIn(riderPhone)) == 0 || (len(keysIn(driverPhone)) == 0) != (c.driversTrunk == "off") {
				t.Error("there was no SRTP")
			}
			t.Logf("suites: %v", suitesOf(riderPhone, driverPhone))
			b.stop()
		})
	}
}

var cryptoLine = regexp.MustCompile(`a=crypto:\d+ (\w+)`)

// suitesOf counts the names in all descriptions that phones have seen or told.
func suitesOf(phones ...*baresip) map[string]int {
	names := map[string]int{}
	for _, p := range phones {
		for _, m := range cryptoLine.FindAllStringSubmatch(p.said(), -1) {
			names[m[1]]++
		}
	}
	return names
}

// TestBaresipWithoutTheSRTPThatItsTrunkRequires is refused.
func TestBaresipWithoutTheSRTPThatItsTrunkRequires(t *testing.T) {
	b, riderPhone, _ := secureBed(t, "", "", "required", "off")
	riderPhone.dial(riderDials)
	if e := riderPhone.await("CALL_CLOSED"); !strings.Contains(e.Param, "488") {
		t.Errorf("closed with %q", e.Param)
	}
	b.eventually("it is counted", func() bool { return b.metrics().Sum("maskline_sip_calls_total", "why", "sdp_srtp") == 1 })
	b.stop()
}
