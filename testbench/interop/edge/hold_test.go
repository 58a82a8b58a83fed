//go:build peers

package edge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"maskline/e164"
	"maskline/testbench/leak"
)

// Of two baresip processes one puts the other on hold and resumes, the caller
// first, then the called side: silence on hold, and both hear each other before and
// after. It is the same through each backend of the media.
func TestBaresipHoldsAndResumes(t *testing.T) {
	for _, backend := range []string{"portable", "steer", "kernel"} {
		t.Run(backend, func(t *testing.T) {
			b := newBed(t)
			b.through(backend)
			b.baresipHoldsAndResumes()
		})
	}
}

func (b *bed) baresipHoldsAndResumes() {
	t := b.t
	t.Helper()
	riderPhone, driverPhone := newBaresip(t, rider, 440), newBaresip(t, driver, 880)
	var carriers strings.Builder
	for _, c := range []struct {
		name  string
		phone *baresip
	}{{"charlie", riderPhone}, {"delta", driverPhone}} {
		fmt.Fprintf(&carriers, "  - {name: %s, sip: [{addr: \"udp://%s\", media_from: [127.0.0.0/8], probe: {every: 1s}}]}\n", c.name, c.phone.addr)
	}
	b.start(settings{carriers: carriers.String()})
	riderPhone.edge, driverPhone.edge = b.edge.Listeners().SIP[0], b.edge.Listeners().SIP[0]
	csv := strings.ReplaceAll(bindings, ",sms+voice,,,", ",sms+voice,%s,,")
	b.imports(strings.Replace(strings.Replace(csv, "%s", "delta", 1), "%s", "charlie", 1))
	b.eventually("baresip answers its probes", func() bool {
		m := b.metrics()
		return m.Sum("maskline_routing_carrier_up", "carrier", "charlie") == 1 && m.Sum("maskline_routing_carrier_up", "carrier", "delta") == 1
	})

	b.checkBackend()
	b.sub("the caller holds", func(*testing.T) { b.heldCall(riderPhone, driverPhone, riderPhone) })
	b.sub("the called side holds", func(*testing.T) { b.heldCall(riderPhone, driverPhone, driverPhone) })
	b.stop()
	for _, p := range []struct {
		phone *baresip
		other e164.Number
	}{{riderPhone, driver}, {driverPhone, rider}} {
		if found := leak.NewScanner(p.other).Find([]byte(p.phone.said())); len(found) > 0 {
			t.Errorf("a phone has seen the other's number: %v", found)
		}
	}
}

// heldCall lets one call the other and the holder hold, resume and hang up.
func (b *bed) heldCall(caller, callee, holder *baresip) {
	b.t.Helper()
	caller.t, callee.t = b.t, b.t
	held := caller
	if holder == caller {
		held = callee
	}
	relayed := func() float64 {
		return b.metrics().Sum("maskline_media_packets_total", "direction", "out", "protocol", "rtp")
	}
	pass := func(what string, packets float64) {
		before := relayed()
		b.eventually(what, func() bool { return relayed()-before >= packets })
	}
	said := func(p *baresip, text string) func() bool {
		before := strings.Count(p.said(), text)
		return func() bool { return strings.Count(p.said(), text) > before }
	}
	ended := func() int { return bytes.Count(b.log(), []byte(`"call ended"`)) }
	before := ended()
	caller.dial(riderDials)
	callee.await("CALL_ESTABLISHED")
	caller.await("CALL_ESTABLISHED")
	pass("they have talked", 3*talk/2) // one may begin later

	toldHold, toldHeld := said(held, "a=sendonly"), said(holder, "a=recvonly")
	holder.command("hold", "")
	b.eventually("the other side is told of the hold", toldHold)
	b.eventually("the holder is told that it is heard alone", toldHeld)
	last, since := relayed(), time.Now()
	b.eventually("baresip, which sends nothing on hold, is silent", func() bool {
		if now := relayed(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 300*time.Millisecond
	})

	resumed := said(held, "a=sendrecv")
	holder.command("resume", "")
	b.eventually("the other side is told to talk again", resumed)
	pass("they have talked again", 3*talk/2)

	holder.command("hangup", "")
	callee.await("CALL_CLOSED")
	caller.await("CALL_CLOSED")
	b.eventually("the end is logged", func() bool { return ended() > before })
	holder.judge(held.tone)
	held.judge(holder.tone)
	for side, packets := range b.packetsOfLastCall() {
		if packets < talk*3/4 {
			b.t.Errorf("%d packets came from %s, %d before the hold and as many after it are due", packets, side, talk/2)
		}
	}
}

// judge wants the other's tone alone in what was recorded. Baresip's recorder stops at
// the first hold, so that what came after it is counted by the relay alone.
func (p *baresip) judge(tone float64) {
	p.t.Helper()
	heard := p.heard()
	other, own := share(heard, tone), share(heard, p.tone)
	p.t.Logf("heard %d ms: %.3f of the other's tone, %.5f of its own", len(heard)*1000/sampleRate, other, own)
	if len(heard) < talk/4*packetSamples || other < wholeTone || own > noTone {
		p.t.Errorf("heard %d samples, %.3f of them the other's tone, %.5f its own", len(heard), other, own)
	}
}

// packetsOfLastCall reads what the edge logs at a call's end.
func (b *bed) packetsOfLastCall() map[string]int {
	b.t.Helper()
	packets := map[string]int{}
	for line := range bytes.Lines(b.log()) {
		if !bytes.Contains(line, []byte(`"call ended"`)) {
			continue
		}
		var end struct {
			A int `json:"packets_a"`
			B int `json:"packets_b"`
		}
		if err := json.Unmarshal(line, &end); err != nil {
			b.t.Fatal(err)
		}
		packets["the caller"], packets["the called side"] = end.A, end.B
	}
	if len(packets) == 0 {
		b.t.Fatal("no call has ended")
	}
	return packets
}
