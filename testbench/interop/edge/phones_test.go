//go:build peers

package edge

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maskline/e164"
	"maskline/testbench/capture"
	"maskline/testbench/leak"
)

// wish is what a person does with a phone in a call.
type wish int

const (
	hold wish = iota
	resume
	press // a key
	hangUp
)

// news is what a phone tells.
type news int

const (
	established news = iota
	pressed          // the other side's key
	closed
)

// handset is a phone of any make.
type handset interface {
	dial(to e164.Number)
	do(w wish, key string)
	await(n news, key string)
	heard() []float64 // all that came in so far
}

// person has a handset.
type person struct {
	handset
	name       string
	tone       float64 // Hz, the voice
	own, other e164.Number
	said       func() string // the handset's log of SIP
	addr       netip.AddrPort
	line       line
	listener   int // of the edge's, that it calls
	reaches    func(edge netip.AddrPort)
	deaf       bool // it records nothing after a re-INVITE: baresip 1.0, without an edge too
}

// baresipHandset is baresip as a handset.
type baresipHandset struct{ *baresip }

func (p baresipHandset) do(w wish, key string) {
	p.t.Helper()
	if w == press {
		p.command("sndcode", key)
		return
	}
	p.command(map[wish]string{hold: "hold", resume: "resume", hangUp: "hangup"}[w], "")
}

func (p baresipHandset) await(n news, key string) {
	p.t.Helper()
	e := p.baresip.await(map[news]string{established: "CALL_ESTABLISHED", pressed: "CALL_DTMF_START", closed: "CALL_CLOSED"}[n])
	if n == pressed && e.Param != key {
		p.t.Errorf("baresip heard the key %q", e.Param)
	}
}

func (p baresipHandset) heard() []float64 {
	p.t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "dump-*-dec.wav"))
	if err != nil {
		p.t.Fatal(err)
	}
	slices.Sort(files)
	var samples []float64
	for _, file := range files {
		samples = append(samples, readWAV(p.t, file)...)
	}
	return samples
}

// makes is a phone to be: who made it, and how it speaks.
type makes struct {
	kind string // "linphone" or "baresip"
	line line
}

// newPerson gives somebody a phone, as the subscriber of a carrier.
func newPerson(t *testing.T, m makes, carrier string, own, other e164.Number, tone float64) *person {
	t.Helper()
	if m.line.over == "" {
		m.line.over = "udp"
	}
	one := &person{name: carrier, tone: tone, own: own, other: other, line: m.line}
	if m.kind == "linphone" {
		p := newLinphone(t, own, tone, m.line)
		one.handset, one.said, one.addr = p, p.said, p.addr
		one.reaches = func(edge netip.AddrPort) { p.edge = edge }
		return one
	}
	over := m.line.over
	if over == "udp" {
		over = ""
	}
	p := newBaresipOver(t, own, tone, over, m.line.names)
	one.handset, one.said, one.deaf, one.addr = baresipHandset{p}, p.said, true, p.addr
	one.reaches = func(edge netip.AddrPort) { p.edge = edge }
	return one
}

// carrier is the configuration of the one that serves somebody.
func (p *person) carrier() string {
	more := ""
	switch p.line.over {
	case "tcp":
		more = fmt.Sprintf(", allow: [127.0.0.1/32, %s/32]", p.addr.Addr()) // the former is whence phones connect to us
	case "tls":
		file := p.line.names.File
		more = fmt.Sprintf(", allow: [\"0.0.0.0/0\"], tls: {ca: %s, cert: %s, key: %s, name: phone.example, peer: [phone.example]}",
			file("ca.pem"), file("edge.pem"), file("edge.key"))
	}
	probe := "1s"
	if p.line.callsOnly {
		probe = "0s"
	}
	return fmt.Sprintf("  - {name: %s, sip: [{addr: \"%s://%s\", media_from: [127.0.0.0/8], codecs: [PCMA, telephone-event], probe: {every: %s}%s}]}\n",
		p.name, p.line.over, p.addr, probe, more)
}

// TestPhonesThroughHold has phones of two makes talk through the edge. Each hears
// the other's tone after the answer, after a hold of its own and after one of the
// other's, and the other's keys, each time through another backend of the media. All
// that the edge sends is recorded and searched.
func TestPhonesThroughHold(t *testing.T) {
	for _, c := range []struct{ name, rider, driver, backend string }{
		{"linphone and baresip", "linphone", "baresip", "kernel"},
		{"baresip and linphone", "baresip", "linphone", "steer"},
		{"linphone and linphone", "linphone", "linphone", "portable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			b.through(c.backend)
			b.phonesThroughHold(makes{kind: c.rider}, makes{kind: c.driver}, nil)
		})
	}
}

// phonesThroughHold has the rider call the driver. during, if any, is what happens
// before the call ends.
func (b *bed) phonesThroughHold(riders, drivers makes, during func(caller, callee *person)) {
	b.t.Helper()
	t := b.t
	caller, callee := newPerson(t, riders, "charlie", rider, driver, 440), newPerson(t, drivers, "delta", driver, rider, 880)
	people := []*person{caller, callee}
	recorder, err := capture.Start(t.Context(), filepath.Join(b.dir, "sent.pcap"), b.ip)
	if err != nil {
		t.Fatal(err)
	}
	set := settings{carriers: caller.carrier() + callee.carrier()}
	j := newJudge(b)
	for i, p := range people {
		j.lines[p.addr] = p.line.over
		switch p.line.over {
		case "tcp":
			set.listeners += fmt.Sprintf(`, {addr: "tcp://%s:0"}`, b.ip)
		case "tls":
			file := p.line.names.File
			set.listeners += fmt.Sprintf(`, {addr: "tls://%s:0", tls: {cert: %s, key: %s, client_ca: %s}}`, b.ip, file("edge.pem"), file("edge.key"), file("ca.pem"))
		default:
			continue
		}
		people[i].listener = strings.Count(set.listeners, "addr:")
	}
	b.start(set)
	for _, p := range people {
		listener := b.edge.Listeners().SIP[p.listener]
		j.lines[listener] = p.line.over
		p.reaches(listener)
	}
	csv := strings.ReplaceAll(bindings, ",sms+voice,,,", ",sms+voice,%s,,")
	b.imports(fmt.Sprintf(csv, "delta", "charlie"))
	b.eventually("the phones answer their probes", func() bool {
		m := b.metrics()
		return m.Sum("maskline_routing_carrier_up", "carrier", "charlie") == 1 && m.Sum("maskline_routing_carrier_up", "carrier", "delta") == 1
	})
	b.checkBackend()
	phases := b.talkThroughHold(caller, callee, during, func(phase string) {
		if err := recorder.Mark(t.Context(), []byte(phase)); err != nil {
			t.Fatal(err)
		}
	})
	b.stop()
	for _, p := range people {
		if len(leak.NewScanner(p.own).Find([]byte(p.said()))) == 0 {
			t.Errorf("%s's phone has logged no messages", p.name)
		}
		if found := leak.NewScanner(p.other).Find([]byte(p.said())); len(found) > 0 {
			t.Errorf("%s's phone, which logs every SIP message, has seen the other's number: %v", p.name, found)
		}
	}
	recording, err := recorder.Stop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checkTones(t, recording, phases, caller, callee)
	checkTones(t, recording, phases, callee, caller)
	j.recording(recording)
	for _, f := range j.found {
		t.Error(f)
	}
	if slices.ContainsFunc(recording.Datagrams, func(d capture.Datagram) bool { return strings.HasPrefix(string(d.Payload), "INFO ") }) {
		t.Error("the keys went by INFO, not by RFC 4733")
	}
	least := 30
	for _, p := range people {
		switch p.line.over {
		case "tls":
			least -= 15
			if j.seen["TLS"] == 0 {
				t.Errorf("nothing went to %s over TLS", p.name)
			}
		}
	}
	if j.seen["SIP"] < least {
		t.Errorf("only %d messages were judged", j.seen["SIP"])
	}
}

// checkTones wants that the edge sent an ear the other's tone in each phase.
func checkTones(t *testing.T, r *capture.Recording, phases []string, ear, mouth *person) {
	t.Helper()
	phase, sent := "", map[string][]float64{}
	for _, d := range r.Datagrams {
		if text := string(d.Payload); slices.Contains(phases, text) {
			phase = text
		}
		const header, pcma = 12, 8
		if d.To.Addr() == ear.addr.Addr() && len(d.Payload) > header && d.Payload[0]>>6 == 2 && d.Payload[1]&0x7F == pcma {
			for _, octet := range d.Payload[header:] {
				sent[phase] = append(sent[phase], aLaw(octet))
			}
		}
	}
	for _, phase := range phases {
		const window, least = 800, 8
		whole := 0
		for rest := sent[phase]; len(rest) >= window; rest = rest[window:] {
			if share(rest[:window], mouth.tone) >= wholeTone && share(rest[:window], ear.tone) <= noTone {
				whole++
			}
		}
		if whole < least {
			t.Errorf("%s: in %d samples sent to %s only %d times 0.1 s of the other's tone", phase, len(sent[phase]), ear.name, whole)
		}
	}
}

// aLaw is the sample that an octet stands for. ITU-T G.711.
func aLaw(octet byte) float64 {
	octet ^= 0x55
	sample, exponent := float64(octet&0x0F)*16+8, octet>>4&7
	if exponent > 0 {
		sample = (sample + 256) * float64(int(1)<<(exponent-1))
	}
	if octet&0x80 == 0 {
		return -sample
	}
	return sample
}

// talkThroughHold is a call, with a mark at the beginning of each phase in which
// both must hear each other.
func (b *bed) talkThroughHold(caller, callee *person, during func(caller, callee *person), mark func(phase string)) (phases []string) {
	b.t.Helper()
	caller.dial(riderDials)
	callee.await(established, "")
	caller.await(established, "")
	relayed := func() float64 {
		return b.metrics().Sum("maskline_media_packets_total", "direction", "out", "protocol", "rtp")
	}
	both := func(phase string) {
		b.t.Helper()
		mark(phase)
		before := relayed()
		b.eventually("they have talked "+phase, func() bool { return relayed()-before >= talk })
		phases = append(phases, phase)
		for _, side := range []struct{ ear, mouth *person }{{caller, callee}, {callee, caller}} {
			if len(phases) == 1 || !side.ear.deaf {
				b.hears(side.ear, side.mouth, phase)
			}
		}
	}
	both("after the answer")
	for _, s := range []struct{ holder, held *person }{{caller, callee}, {callee, caller}} {
		offered, answered := strings.Count(s.held.said(), "a=sendonly"), strings.Count(s.holder.said(), "a=recvonly")
		s.holder.do(hold, "")
		b.eventually("the other side is held", func() bool {
			return strings.Count(s.held.said(), "a=sendonly") > offered && strings.Count(s.holder.said(), "a=recvonly") > answered
		})
		s.holder.do(resume, "")
		both("after " + s.holder.name + "'s hold")
	}
	if during != nil {
		during(caller, callee)
	}
	caller.do(press, "7")
	callee.await(pressed, "7")
	callee.do(press, "4")
	caller.await(pressed, "4")
	caller.do(hangUp, "")
	callee.await(closed, "")
	caller.await(closed, "")
	return phases
}

// hears waits until the last second of what one side hears is the other's tone,
// a tenth of a second at a time: a phone may stretch the sound.
func (b *bed) hears(ear, mouth *person, when string) {
	b.t.Helper()
	const window, windows, enough = sampleRate / 10, 10, 8
	from := len(ear.heard())
	var got []string
	b.t.Cleanup(func() {
		if b.t.Failed() {
			b.t.Logf("%s heard %d samples %s, shares of the other's tone and its own: %v", ear.name, len(ear.heard())-from, when, got)
		}
	})
	b.eventually(ear.name+" hears the other "+when, func() bool {
		heard := ear.heard()
		if len(heard)-from < window*windows {
			return false
		}
		whole := 0
		got = nil
		for last := heard[len(heard)-window*windows:]; len(last) > 0; last = last[window:] {
			other, own := share(last[:window], mouth.tone), share(last[:window], ear.tone)
			got = append(got, fmt.Sprintf("%.2f/%.2f", other, own))
			if other >= wholeTone && own <= noTone {
				whole++
			}
		}
		return whole >= enough
	})
}
