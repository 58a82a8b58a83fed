//go:build peers

package edge

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskline/e164"
)

const (
	promptHertz = 440.0
	heardOfIt   = 0.5 // least share of the prompt's tone, with its pauses, in what is heard
)

var noMask = e164.MustParse("+442079460099") // no mask

// writePrompts makes the operator's own prompts: seconds of a tone.
func writePrompts(t *testing.T, seconds int, names ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	minute := filepath.Join(t.TempDir(), "minute.wav")
	writeTone(t, minute, promptHertz)
	b, err := os.ReadFile(minute)
	if err != nil {
		t.Fatal(err)
	}
	b = b[:wavHeader+seconds*sampleRate*2]
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	binary.LittleEndian.PutUint32(b[wavHeader-4:], uint32(len(b)-wavHeader))
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name+".wav"), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// SIPp calls a number that is no mask: 183, two times one second of the prompt in
// packets of 20 ms with a second between, then 404. The shipped prompt is replaced.
func TestSIPpHearsAnAnnouncement(t *testing.T) {
	b := newBed(t)
	caller := newPhone(t, "echo")
	b.start(settings{
		prompts: writePrompts(t, 1, "unknown"), carriers: caller.carrier() + "routing:\n  unknown_mask: {voice: {announce: unknown}}\n",
	})
	ear := local(caller.rtp)
	from := local(caller.sip)
	if err := caller.sip.Close(); err != nil { // SIPp takes it
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sipp", "-sf", "testdata/caller_announced.xml", "-i", from.Addr().String(), "-p", strconv.Itoa(int(from.Port())),
		"-mi", ear.Addr().String(), "-key", "ear", strconv.Itoa(int(ear.Port())), "-key", "real", stranger.Reveal(), "-s", noMask.Reveal(),
		"-m", "1", "-nostdin", "-timeout", "30", "-timeout_error", "-recv_timeout", "15000", b.edge.Listeners().SIP[0].String())
	done := make(chan error, 1)
	var said []byte
	go func() {
		var err error
		said, err = cmd.CombinedOutput()
		done <- err
	}()
	var packets []announced
	buffer := make([]byte, 2048)
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("SIPp: %v\n%s", err, said)
			}
			running = false
		default:
		}
		_ = caller.rtp.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if n, err := caller.rtp.Read(buffer); err == nil {
			packets = append(packets, readAnnounced(t, buffer[:n]))
		}
	}
	b.judgePackets(packets, 150)
	if n := b.metrics().Sum("maskline_sip_announcements_total", "announcement", "unknown", "outcome", "played"); n != 1 {
		t.Errorf("%v announcements are counted", n)
	}
	b.stop()
}

// announced is one packet of a prompt.
type announced struct {
	seq       uint16
	timestamp uint32
	ssrc      uint32
	marker    bool
}

func readAnnounced(t *testing.T, p []byte) announced {
	t.Helper()
	if len(p) != 172 || p[0] != 0x80 || p[1]&0x7f != 8 {
		t.Fatalf("%d octets, beginning %#x", len(p), p[:2])
	}
	return announced{binary.BigEndian.Uint16(p[2:]), binary.BigEndian.Uint32(p[4:]), binary.BigEndian.Uint32(p[8:]), p[1]&0x80 != 0}
}

func (b *bed) judgePackets(packets []announced, want int) {
	b.t.Helper()
	if len(packets) != want {
		b.t.Fatalf("%d packets were heard, want %d", len(packets), want)
	}
	for i, p := range packets {
		if p.marker != (i == 0) {
			b.t.Errorf("packet %d: marker %v", i, p.marker)
		}
		if i == 0 {
			continue
		}
		before := packets[i-1]
		if p.ssrc != before.ssrc || p.seq != before.seq+1 || (p.timestamp-before.timestamp)%160 != 0 {
			b.t.Errorf("packet %d does not go on: %+v after %+v", i, p, before)
		}
	}
}

// callers are baresip processes beside the bed's carriers.
func (b *bed) phones(s settings, phones map[string]*baresip) {
	b.t.Helper()
	var text strings.Builder
	for name, p := range phones {
		fmt.Fprintf(&text, "  - {name: %s, priority: 90, sip: [{addr: \"udp://%s\", media_from: [127.0.0.0/8], probe: {every: 1s}}]}\n", name, p.addr)
	}
	s.carriers = text.String() + s.carriers
	b.start(s)
	for name, p := range phones {
		p.edge = b.edge.Listeners().SIP[0]
		b.eventually("baresip answers its probes", func() bool { return b.metrics().Sum("maskline_routing_carrier_up", "carrier", name) == 1 })
	}
}

func TestBaresipHearsAnnouncements(t *testing.T) {
	b := newBed(t)
	phone := newBaresip(t, stranger, 880)
	b.phones(settings{
		prompts:  writePrompts(t, 2, "unknown", "unreachable"),
		carriers: "routing:\n  unknown_mask: {voice: {announce: unknown}}\n  out_of_session: {voice: {announce: unreachable, mode: answer}}\n",
	}, map[string]*baresip{"charlie": phone})
	b.imports(bindings)
	b.sub("in early media", func(t *testing.T) {
		phone.t = t
		phone.dial(noMask)
		if e := phone.closed(); !strings.Contains(e.Param, "404") {
			t.Errorf("the call was closed with %q", e.Param)
		}
		phone.heardPrompt()
	})
	b.sub("after the answer", func(t *testing.T) {
		phone.t = t
		phone.dial(riderDials) // which is not the stranger's
		phone.await("CALL_ESTABLISHED")
		phone.closed()
		phone.heardPrompt()
	})
	b.stop()
}

// closed waits for the end of a call.
func (p *baresip) closed() event {
	p.t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case e, more := <-p.events:
			if !more {
				p.t.Fatalf("baresip is gone:\n%s", p.said())
			}
			if e.Type == "CALL_CLOSED" {
				return e
			}
		case <-timeout:
			p.t.Fatalf("the call does not end\n%s", p.said())
		}
	}
}

func (p *baresip) heardPrompt() {
	p.t.Helper()
	heard := p.heard()
	got := share(heard, promptHertz)
	p.t.Logf("heard %d ms, %.3f of the prompt's tone", len(heard)*1000/sampleRate, got)
	if len(heard) < 2*sampleRate || got < heardOfIt {
		p.t.Errorf("heard %d samples, %.3f of them the prompt's tone", len(heard), got)
	}
}

// The called person hears what to press; the caller is answered after the key, and
// they hear each other. Without the key nobody is connected.
func TestBaresipAcceptsACall(t *testing.T) {
	b := newBed(t)
	riderPhone, driverPhone := newBaresip(t, rider, 880), newBaresip(t, driver, 620)
	b.phones(settings{
		prompts:  writePrompts(t, 1, "accept"),
		carriers: "routing:\n  voice: {accept: press_1, accept_within: 9s}\n",
	}, map[string]*baresip{"charlie": riderPhone, "delta": driverPhone})
	csv := strings.ReplaceAll(bindings, ",sms+voice,,,", ",sms+voice,%s,,")
	csv = strings.Replace(csv, "%s", "delta", 1)
	csv = strings.Replace(csv, "%s", "charlie", 1)
	b.imports(csv)
	sent := func() float64 {
		return b.metrics().Sum("maskline_media_packets_total", "direction", "out", "protocol", "rtp")
	}

	b.sub("with the key", func(t *testing.T) {
		riderPhone.t, driverPhone.t = t, t
		riderPhone.dial(riderDials)
		driverPhone.await("CALL_ESTABLISHED")
		b.eventually("the driver is asked", func() bool { return sent() >= 60 })
		for _, key := range []string{"5", "1"} {
			driverPhone.command("sndcode", key)
		}
		riderPhone.await("CALL_ESTABLISHED")
		before := sent()
		b.eventually("they have talked", func() bool { return sent()-before >= 300 })
		riderPhone.command("hangup", "")
		driverPhone.closed()
		riderPhone.closed()
		heard := riderPhone.heard()
		if other, prompt := share(heard, driverPhone.tone), share(heard, promptHertz); other < wholeTone || prompt > noTone {
			t.Errorf("the caller heard %.3f of the driver's tone and %.5f of the prompt", other, prompt)
		}
		heard = driverPhone.heard()
		if other, prompt := share(heard, riderPhone.tone), share(heard, promptHertz); other < 0.2 || prompt < 0.03 {
			t.Errorf("the driver heard %.3f of the rider's tone and %.5f of the prompt", other, prompt)
		}
	})
	b.sub("without", func(t *testing.T) {
		riderPhone.t, driverPhone.t = t, t
		riderPhone.dial(riderDials)
		driverPhone.await("CALL_ESTABLISHED")
		driverPhone.closed()
		if e := riderPhone.closed(); !strings.Contains(e.Param, "480") {
			t.Errorf("the caller's call was closed with %q", e.Param)
		}
		driverPhone.heardPrompt()
	})
	if n := b.metrics().Sum("maskline_sip_calls_total", "why", "not_accepted"); n != 1 {
		t.Errorf("%v calls are counted as not accepted", n)
	}
	b.stop()
}
