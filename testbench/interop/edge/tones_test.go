//go:build peers

package edge

import (
	"fmt"
	"strings"
	"testing"

	"maskline/e164"
	"maskline/testbench/leak"
)

const (
	deskNumber = "+442079460066" // the shop's mask for calls of its own
	talk       = 200             // packets of 20 ms, both ways together
	wholeTone  = 0.9             // least share of the other's tone in what is heard
	noTone     = 0.01            // most of one's own

	packetSamples = 160
)

// Two baresip processes, subscribers of different carriers, hear each other's
// tone and see each other's mask, whoever calls; and so does a tenant's PBX that
// calls out with its own mask.
func TestBaresipHearsTheOtherTone(t *testing.T) {
	b := newBed(t)
	riderPhone, driverPhone, desk := newBaresip(t, rider, 440), newBaresip(t, driver, 880), newBaresip(t, e164.MustParse(deskNumber), 620)
	trunk := func(p *baresip) string {
		return fmt.Sprintf(`addr: "udp://%s", media_from: [127.0.0.0/8], probe: {every: 1s}`, p.addr)
	}
	b.start(settings{
		carriers: fmt.Sprintf("  - {name: charlie, sip: [{%s}]}\n  - {name: delta, sip: [{%s}]}\n", trunk(riderPhone), trunk(driverPhone)),
		peers:    fmt.Sprintf("{tenant: shop, %s}", trunk(desk)),
	})
	for _, p := range []*baresip{riderPhone, driverPhone, desk} {
		p.edge = b.edge.Listeners().SIP[0]
	}
	csv := strings.ReplaceAll(bindings, ",sms+voice,,,", ",sms+voice,%s,,")
	csv = strings.Replace(csv, "%s", "delta", 1)   // the driver's
	csv = strings.Replace(csv, "%s", "charlie", 1) // the rider's
	b.imports(csv + deskNumber + "," + driver.Reveal() + ",sip:desk@" + desk.addr.String() + "," + riderDials.Reveal() + ",voice,delta,,shop\n")
	b.eventually("baresip answers its probes", func() bool {
		m := b.metrics()
		return m.Sum("maskline_routing_carrier_up", "carrier", "charlie") == 1 && m.Sum("maskline_routing_carrier_up", "carrier", "delta") == 1
	})

	b.sub("the rider calls", func(*testing.T) { b.toneCall(riderPhone, driverPhone, riderDials, driverDials.Reveal()) })
	b.sub("the driver calls", func(*testing.T) { b.toneCall(driverPhone, riderPhone, driverDials, riderDials.Reveal()) })
	b.sub("the shop's PBX calls", func(*testing.T) { b.toneCall(desk, driverPhone, driver, deskNumber) })
	b.stop()
	for _, p := range []struct {
		who        string
		phone      *baresip
		own, other e164.Number
	}{{"the rider's", riderPhone, rider, driver}, {"the driver's", driverPhone, driver, rider}} {
		if len(leak.NewScanner(p.own).Find([]byte(p.phone.said()))) == 0 {
			t.Errorf("%s baresip has printed no messages", p.who)
		}
		if found := leak.NewScanner(p.other).Find([]byte(p.phone.said())); len(found) > 0 {
			t.Errorf("%s baresip, which prints every SIP message, has seen the other's number: %v", p.who, found)
		}
	}
}

// toneCall lets one call the other and hang up, and judges what both heard.
func (b *bed) toneCall(caller, callee *baresip, dialled e164.Number, seen string) {
	b.t.Helper()
	caller.t, callee.t = b.t, b.t
	relayed := func() float64 {
		return b.metrics().Sum("maskline_media_packets_total", "direction", "out", "protocol", "rtp")
	}
	before := relayed()
	caller.dial(dialled)
	if e := callee.await("CALL_ESTABLISHED"); !strings.HasPrefix(e.PeerURI, "sip:"+seen+"@") {
		b.t.Errorf("the callee sees %s, not %s", e.PeerURI, seen)
	}
	caller.await("CALL_ESTABLISHED")
	b.eventually("they have talked", func() bool { return relayed()-before >= talk })
	caller.command("hangup", "")
	callee.await("CALL_CLOSED")
	caller.await("CALL_CLOSED")
	for _, side := range []struct {
		who        string
		ear, mouth *baresip
	}{{"the caller", caller, callee}, {"the callee", callee, caller}} {
		heard := side.ear.heard()
		other, own := share(heard, side.mouth.tone), share(heard, side.ear.tone)
		b.t.Logf("%s heard %d ms: %.3f of the other's tone, %.5f of its own", side.who, len(heard)*1000/sampleRate, other, own)
		if len(heard) < talk/4*packetSamples || other < wholeTone || own > noTone {
			b.t.Errorf("%s heard %d samples, %.3f of them the other's tone, %.5f its own", side.who, len(heard), other, own)
		}
	}
}
