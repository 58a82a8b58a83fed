//go:build peers

package edge

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/e164"
	"maskline/testbench/leak"
	"maskline/testbench/process"
)

// callRecord is a line of a file of records, as docs/cdr.md has it.
type callRecord struct {
	ID, Node, Tenant                   string
	Received, Ringing, Answered, Ended time.Time
	Talked                             float64
	EndedBy                            string `json:"ended_by"`
	Bye, Reason                        string
	Code, Cause                        int
	FromTrunk                          string `json:"from_trunk"`
	ToTrunk                            string `json:"to_trunk"`
	Mask, Presented, Prefix            string
	Caller, Called, Sealed, Codec      string
	RTP                                struct {
		Caller, Callee struct{ Packets, Octets, Lost int }
	}
	Attempts []struct {
		Trunk, Outcome string
		Code, Cause    int
	}
	Parties struct{ Caller, Called, Dialled string }
}

// outcomes are the attempts in one text.
func (r *callRecord) outcomes() string {
	var all []string
	for _, a := range r.Attempts {
		all = append(all, fmt.Sprint(a.Trunk, " ", a.Outcome, " ", a.Code))
	}
	return strings.Join(all, ", ")
}

func readRecords(t *testing.T, text []byte) (all []callRecord) {
	t.Helper()
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var r callRecord
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%v: %s", err, lines.Bytes())
		}
		all = append(all, r)
	}
	return all
}

// recordFiles is what stands in all files of a folder with this ending, one after
// the other.
func recordFiles(t *testing.T, dir, ending string) []byte {
	t.Helper()
	var text []byte
	for _, name := range recordNames(t, dir, ending) {
		part, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, part...)
	}
	return text
}

func recordNames(t *testing.T, dir, ending string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+ending))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// phones are an edge with records between a caller and two phones that are
// carriers of their own.
type phones struct {
	*bed
	caller, first, second *phone
}

const phoneBindings = bindings + hostileBindings +
	"+442079460066,+447700900505,tel:+447700900202,+442079460022,voice,delta|echo,,shop\n"

var guestDialsTwo = e164.MustParse("+442079460066") // reaches the driver by delta, else by echo

func startPhones(t *testing.T, change func(config string) string) *phones {
	t.Helper()
	p := &phones{bed: newBed(t), caller: newPhone(t, "charlie"), first: newPhone(t, "delta"), second: newPhone(t, "echo")}
	text := p.config(settings{carriers: p.caller.carrier() + p.first.carrier() + p.second.carrier()})
	e, err := process.Start(t.Context(), process.Config{Binary: binaryPath, Dir: p.dir, Text: change(text)})
	p.running(e, err)
	p.awaitCarriers()
	for _, one := range []*phone{p.caller, p.first, p.second} {
		one.edge = p.edge.Listeners().SIP[0]
	}
	p.imports(phoneBindings)
	return p
}

// converse has both sides send one packet.
func converse(t *testing.T, caller, callee *leg) {
	t.Helper()
	for _, side := range []*leg{caller, callee} {
		if _, err := side.p.rtp.WriteToUDPAddrPort(voicePacket(1, "hello "), side.toEdge); err != nil {
			t.Fatal(err)
		}
	}
	if len(received(caller.p.rtp, 1)) != 1 || len(received(callee.p.rtp, 1)) != 1 {
		t.Fatal("the packets did not pass")
	}
}

// TestCallRecords makes a call of each kind, kills the edge with one more up, and
// finds a record of each that had ended.
func TestCallRecords(t *testing.T) {
	p := startPhones(t, func(text string) string {
		text = strings.Replace(text, "media: {", "media: {timeout: {initial: 5s}, ", 1)
		return strings.ReplaceAll(text, "probe: {every: 0s}", "probe: {every: 0s}, ring: 3s")
	})
	connect := func(to e164.Number, callee *phone) (*leg, *leg) {
		a := p.caller.dial(guest, to)
		b := callee.ring(driver)
		b.answer()
		a.answered()
		return a, b
	}
	kinds := []struct {
		name, why, endedBy string
		code               int
		outcomes           string
		call               func()
	}{
		{"answered", "caller", "caller", 200, "delta answered 200", func() {
			a, b := connect(guestDials, p.first)
			converse(t, a, b)
			a.bye()
			b.hungUp()
		}},
		{"refused", "refused", "callee", 486, "delta refused 486", func() {
			a := p.caller.dial(guest, guestDials)
			b := p.first.ring(driver)
			b.respond(b.inbound, "486 Busy Here", "")
			a.refused(486)
		}},
		{"cancelled", "cancelled", "caller", 487, "delta cancelled 0", func() {
			a := p.caller.dial(guest, guestDials)
			b := p.first.ring(driver)
			p.caller.await("SIP/2.0 180")
			a.cancel()
			b.cancelled()
			a.refused(487)
		}},
		{"failed over", "callee", "callee", 200, "delta refused 503, echo answered 200", func() {
			a := p.caller.dial(guest, guestDialsTwo)
			b := p.first.ring(driver)
			b.respond(b.inbound, "503 Service Unavailable", "")
			c := p.second.ring(driver)
			c.answer()
			a.answered()
			converse(t, a, c)
			c.hangUp()
			a.hungUp()
		}},
		{"no answer", "no_answer", "edge", 480, "delta no_answer 480", func() {
			a := p.caller.dial(guest, guestDials)
			b := p.first.ring(driver)
			b.cancelled()
			a.refused(480)
		}},
		{"media that never came", "media_timeout", "edge", 200, "delta answered 200", func() {
			a, b := connect(guestDials, p.first)
			a.hungUp()
			b.hungUp()
		}},
		{"unknown mask", "unknown_mask", "edge", 404, "", func() {
			p.caller.dial(guest, stranger).refused(404)
		}},
	}
	for _, k := range kinds {
		p.sub(k.name, func(*testing.T) { k.call() })
	}
	p.eventually("the last record is written", func() bool {
		return len(readRecords(t, recordFiles(t, filepath.Join(p.dir, "cdr"), ".part"))) == len(kinds)
	})
	connect(guestDials, p.first)
	p.again() // killed
	text := recordFiles(t, filepath.Join(p.dir, "cdr"), ".jsonl")
	records := readRecords(t, text)
	if len(records) != len(kinds) {
		t.Fatalf("%d records of %d calls", len(records), len(kinds))
	}
	for i, k := range kinds {
		r := records[i]
		if r.Reason != k.why || r.EndedBy != k.endedBy || r.Code != k.code || r.outcomes() != k.outcomes || r.FromTrunk != "charlie" || r.Caller == "" || r.Called == "" {
			t.Errorf("%s: %+v", k.name, r)
		}
		if answered := k.code == 200; answered == r.Answered.IsZero() || answered != (r.Bye != "") || answered != (r.Codec == "PCMA/8000") {
			t.Errorf("%s: %+v", k.name, r)
		}
		if r.Caller != records[0].Caller {
			t.Errorf("%s: the same caller has another pseudonym", k.name)
		}
	}
	if r := records[0]; r.Mask != guestDials.Reveal() || r.Presented != driverDials.Reveal() || r.Prefix != "44" || r.Tenant != "shop" ||
		r.RTP.Caller.Packets != 1 || r.RTP.Callee.Octets != 168 || r.Node != "test" {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(string(p.edgeLogs(t)), `"call":"`+records[0].ID+`"`) {
		t.Error("the log does not know the record's id")
	}
	for _, f := range leak.NewScanner(rider, driver, customer, stranger, guest).Find(text) {
		t.Errorf("the records show %v", f)
	}
	names, err := filepath.Glob(filepath.Join(p.dir, "cdr", "*.jsonl"))
	if err != nil || len(names) != 1 {
		t.Fatalf("%v %v", names, err)
	}
	output, code, err := p.edge.Run(t.Context(), "cdr", "open", names[0])
	if err != nil || code != 0 {
		t.Fatalf("%v, code %d: %s", err, code, output)
	}
	opened := readRecords(t, output)
	if got := opened[0].Parties; got.Caller != guest.Reveal() || got.Called != driver.Reveal() || opened[0].Sealed != "" {
		t.Errorf("opened: %+v", opened[0])
	}
	if got := opened[len(kinds)-1].Parties; got.Dialled != stranger.Reveal() {
		t.Errorf("opened: %+v", got)
	}
}

// edgeLogs is the log of all lives.
func (b *bed) edgeLogs(t *testing.T) []byte {
	t.Helper()
	log, err := os.ReadFile(b.edge.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// hangUp ends a call from the called side.
func (l *leg) hangUp() {
	l.p.t.Helper()
	l.p.send(l.request("BYE", "z9hG4bK"+fmt.Sprint(time.Now().UnixNano()), ""))
	l.p.await("SIP/2.0 200")
}

// TestReloadWithCallsUp takes trunks in and out with 500 calls up. All of them go
// on, with media, and end as they would have.
func TestReloadWithCallsUp(t *testing.T) {
	const calls = 500
	var configured string
	p := startPhones(t, func(text string) string {
		configured = strings.Replace(text, "ports: 20000-20399", "ports: 20000-22399, timeout: {initial: 5m}", 1)
		return configured
	})
	type call struct{ caller, callee *leg }
	var up []call
	connect := func(to e164.Number, callee *phone) call {
		a := p.caller.dial(guest, to)
		b := callee.ring(driver)
		b.answer()
		a.answered()
		return call{a, b}
	}
	reload := func(change ...string) string {
		t.Helper()
		text := strings.NewReplacer(change...).Replace(configured)
		if err := os.WriteFile(filepath.Join(p.dir, "edge.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		output, code, err := p.edge.Run(t.Context(), "reload")
		if err != nil || code != 0 {
			t.Fatalf("%v, code %d: %s", err, code, output)
		}
		return string(output)
	}
	standing := func(want int) {
		t.Helper()
		m := p.metrics()
		if got := m.Sum("maskline_sip_channels", "trunk", "charlie"); int(got) != want {
			t.Fatalf("%v of %d calls stand", got, want)
		}
	}
	for range calls {
		up = append(up, connect(guestDials, p.first))
	}
	standing(calls)

	if out := reload(p.first.carrier(), "", "[127.0.0.0/8], first_response: 2s", "[127.0.0.0/8], first_response: 3s"); out != "applied: carriers[alfa].sip\napplied: carriers[bravo].sip\napplied: carriers[delta] (removed)\n" {
		t.Errorf("told: %s", out)
	}
	p.caller.dial(guest, guestDials).refused(503)
	standing(calls)
	second := connect(guestDialsTwo, p.second) // by the carrier that stays
	converse(t, up[0].caller, up[0].callee)
	up[0].callee.hangUp()
	up[0].caller.hungUp()
	up[1].caller.bye()
	up[1].callee.hungUp()
	up = append(up[2:], second)
	standing(calls - 1)

	if out := reload(); !strings.Contains(out, "applied: carriers[delta] (added)") {
		t.Errorf("told: %s", out)
	}
	up = append(up, connect(guestDials, p.first))

	if out := reload(p.caller.carrier(), ""); out != "applied: carriers[charlie] (removed)\n" {
		t.Errorf("told: %s", out)
	}
	p.caller.send(up[0].caller.request("OPTIONS", "z9hG4bKx", "")) // in a call: as ever
	p.caller.await("SIP/2.0 200")
	p.caller.dial(guest, guestDials).refused(503)
	standing(calls)
	for i, c := range up {
		if i%2 == 0 {
			c.caller.bye()
			c.callee.hungUp()
		} else {
			c.callee.hangUp()
			c.caller.hungUp()
		}
	}
	p.eventually("all calls have ended", func() bool { return p.metrics().Sum("maskline_sip_channels") == 0 })
	p.stop()
	ended := map[string]int{}
	for _, r := range readRecords(t, recordFiles(t, filepath.Join(p.dir, "cdr"), ".jsonl")) {
		ended[r.Reason]++
	}
	if ended["caller"]+ended["callee"] != calls+2 || ended["no_carrier"] != 1 || len(ended) != 3 {
		t.Errorf("ended: %v", ended)
	}
}
