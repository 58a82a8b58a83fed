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
	ip         netip.Addr
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

// TestPhonesThroughHold has phones of two makes talk through the edge. Each hears
// the other's tone after the answer, after a hold of its own and after one of the
// other's, and the other's keys. All that the edge sends is recorded and searched.
func TestPhonesThroughHold(t *testing.T) {
	for _, c := range []struct{ name, rider, driver string }{
		{"linphone and baresip", "linphone", "baresip"},
		{"baresip and linphone", "baresip", "linphone"},
		{"linphone and linphone", "linphone", "linphone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			var reached []func(edge netip.AddrPort)
			var carriers string
			phone := func(kind, carrier string, own, other e164.Number, tone float64) *person {
				one := &person{name: carrier, tone: tone, own: own, other: other}
				var addr netip.AddrPort
				if kind == "linphone" {
					p := newLinphone(t, own, tone)
					one.handset, one.said, addr = p, p.said, p.addr
					reached = append(reached, func(edge netip.AddrPort) { p.edge = edge })
				} else {
					p := newBaresip(t, own, tone)
					one.handset, one.said, one.deaf, addr = baresipHandset{p}, p.said, true, p.addr
					reached = append(reached, func(edge netip.AddrPort) { p.edge = edge })
				}
				one.ip = addr.Addr()
				carriers += fmt.Sprintf("  - {name: %s, sip: [{addr: \"udp://%s\", media_from: [127.0.0.0/8], codecs: [PCMA, telephone-event], probe: {every: 1s}}]}\n", carrier, addr)
				return one
			}
			riders, drivers := phone(c.rider, "charlie", rider, driver, 440), phone(c.driver, "delta", driver, rider, 880)
			recorder, err := capture.Start(t.Context(), filepath.Join(b.dir, "sent.pcap"), b.ip)
			if err != nil {
				t.Fatal(err)
			}
			b.start(settings{carriers: carriers})
			for _, f := range reached {
				f(b.edge.Listeners().SIP[0])
			}
			csv := strings.ReplaceAll(bindings, ",sms+voice,,,", ",sms+voice,%s,,")
			b.imports(fmt.Sprintf(csv, "delta", "charlie"))
			b.eventually("the phones answer their probes", func() bool {
				m := b.metrics()
				return m.Sum("maskline_routing_carrier_up", "carrier", "charlie") == 1 && m.Sum("maskline_routing_carrier_up", "carrier", "delta") == 1
			})
			phases := b.talkThroughHold(riders, drivers, func(phase string) {
				if err := recorder.Mark(t.Context(), []byte(phase)); err != nil {
					t.Fatal(err)
				}
			})
			b.stop()
			for _, p := range []*person{riders, drivers} {
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
			checkTones(t, recording, phases, riders, drivers)
			checkTones(t, recording, phases, drivers, riders)
			j := newJudge(b)
			j.recording(recording)
			for _, f := range j.found {
				t.Error(f)
			}
			if slices.ContainsFunc(recording.Datagrams, func(d capture.Datagram) bool { return strings.HasPrefix(string(d.Payload), "INFO ") }) {
				t.Error("the keys went by INFO, not by RFC 4733")
			}
			if j.seen["SIP"] < 30 {
				t.Errorf("only %d messages were judged", j.seen["SIP"])
			}
		})
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
		if d.To.Addr() == ear.ip && len(d.Payload) > header && d.Payload[0]>>6 == 2 && d.Payload[1]&0x7F == pcma {
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
func (b *bed) talkThroughHold(caller, callee *person, mark func(phase string)) (phases []string) {
	b.t.Helper()
	caller.dial(riderDials)
	callee.await(established, "")
	caller.await(established, "")
	both := func(phase string) {
		b.t.Helper()
		mark(phase)
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
