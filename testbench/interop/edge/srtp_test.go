//go:build peers

package edge

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"maskline/testbench/authority"
	"maskline/testbench/capture"
	"maskline/testbench/leak"
)

// secureBed is two phones over TLS, each with its own trunk and its own word of SRTP.
// What the edge sends is recorded.
func secureBed(t *testing.T, riders, drivers, ridersTrunk, driversTrunk string) (b *bed, recorder *capture.Recorder, riderPhone, driverPhone *baresip) {
	t.Helper()
	b = newBed(t)
	recorder, err := capture.Start(t.Context(), filepath.Join(b.dir, "sent.pcap"), b.ip)
	if err != nil {
		t.Fatal(err)
	}
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
	return b, recorder, riderPhone, driverPhone
}

// keysIn are those that a phone has seen or told, as it printed its messages.
func keysIn(p *baresip) [][]byte { return leak.SDESKeys([]byte(p.said())) }

// checkKeys wants the keys of a phone's side nowhere but there: not with the other
// phone, nor in what the edge sent in the clear, logged, measured, recorded or said.
// It tells how much it judged.
func (b *bed) checkKeys(recorder *capture.Recorder, riderPhone, driverPhone *baresip) (seen map[string]int) {
	t := b.t
	t.Helper()
	const pinholes = 20 // baresip begins, and resumes, with plain packets that only open its NAT
	if n := b.metrics().Sum("maskline_media_dropped_total", "reason", "srtp_tag"); n > pinholes {
		t.Errorf("%v packets dropped for their tags", n)
	}
	ridersKeys, driversKeys := keysIn(riderPhone), keysIn(driverPhone)
	j := newJudge(b)
	j.keys = leak.NewKeyScanner(append(ridersKeys, driversKeys...)...)
	for _, addr := range []netip.AddrPort{b.edge.Listeners().SIP[1], riderPhone.addr, driverPhone.addr} {
		j.lines[addr] = "tls"
	}
	j.told()
	b.stop()
	j.text("log", b.log())
	records := recordFiles(t, filepath.Join(b.dir, "cdr"), ".jsonl")
	j.text("record", records)
	j.seen["call"] = len(readRecords(t, records))
	for _, file := range recordNames(t, filepath.Join(b.dir, "cdr"), ".jsonl") {
		opened, _, err := b.edge.Run(t.Context(), "cdr", "open", file)
		if err != nil {
			t.Fatal(err)
		}
		j.note("maskline cdr", j.secrets(opened)) // it shows the numbers
	}
	recording, err := recorder.Stop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j.recording(recording)
	j.note("the driver's phone", leak.NewKeyScanner(ridersKeys...).Find([]byte(driverPhone.said())))
	j.note("the rider's phone", leak.NewKeyScanner(driversKeys...).Find([]byte(riderPhone.said())))
	for _, f := range j.found {
		t.Error(f)
	}
	for kind, least := range map[string]int{"SIP": 2, "TLS": 1, "HTTP": 4, "call": 1} {
		if j.seen[kind] < least {
			t.Errorf("only %d of %s were judged", j.seen[kind], kind)
		}
	}
	return j.seen
}

// TestBaresipWithSRTP has one side protected, then both, each with keys of its own.
func TestBaresipWithSRTP(t *testing.T) {
	for _, c := range []struct{ name, riders, drivers, ridersTrunk, driversTrunk string }{
		{"one side", "srtp-mand", "", "required", "off"},
		{"both sides", "srtp-mand", "srtp-mand", "required", "required"},
		{"where it may be", "srtp", "", "optional", "optional"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, recorder, riderPhone, driverPhone := secureBed(t, c.riders, c.drivers, c.ridersTrunk, c.driversTrunk)
			b.sub("the rider calls", func(*testing.T) { b.toneCall(riderPhone, driverPhone, riderDials, driverDials.Reveal()) })
			b.sub("the driver calls", func(*testing.T) { b.toneCall(driverPhone, riderPhone, driverDials, riderDials.Reveal()) })
			b.sub("with hold and resume", func(*testing.T) { b.heldCall(riderPhone, driverPhone, riderPhone) })
			if seen := b.checkKeys(recorder, riderPhone, driverPhone); seen["RTP"] < 200 || seen["call"] != 3 {
				t.Errorf("judged: %v", seen)
			}
			if len(keysIn(riderPhone)) == 0 || (len(keysIn(driverPhone)) == 0) != (c.driversTrunk == "off") {
				t.Error("there was no SRTP")
			}
			t.Logf("suites: %v", suitesOf(riderPhone, driverPhone))
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

// TestBaresipWithoutTheSRTPThatItsTrunkRequires is refused, as is one that insists
// on what its trunk does not have.
func TestBaresipWithoutTheSRTPThatItsTrunkRequires(t *testing.T) {
	for _, c := range []struct{ name, riders, ridersTrunk, why string }{
		{"without", "", "required", "sdp_srtp"},
		{"with", "srtp-mand", "off", "sdp_media"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, recorder, riderPhone, driverPhone := secureBed(t, c.riders, "", c.ridersTrunk, "off")
			riderPhone.dial(riderDials)
			if e := riderPhone.await("CALL_CLOSED"); !strings.Contains(e.Param, "488") {
				t.Errorf("closed with %q", e.Param)
			}
			b.eventually("it is counted", func() bool { return b.metrics().Sum("maskline_sip_calls_total", "why", c.why) == 1 })
			if offered := len(keysIn(riderPhone)) > 0; offered != (c.riders != "") {
				t.Errorf("keys were offered: %v", offered)
			}
			b.checkKeys(recorder, riderPhone, driverPhone)
		})
	}
}
