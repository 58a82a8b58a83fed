//go:build peers

package edge

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskline/e164"
	"maskline/smpp/pdu"
	"maskline/testbench/capture"
	"maskline/testbench/loopback"
)

// masked is a bed whose carriers are foreign, with a pool of masks, and all that
// the edge sends recorded. Sessions are made by the command line through the
// control socket.
type masked struct {
	*bed
	node     map[string]*nodeSMSC      // node-smpp, by carrier
	phone    map[string]netip.AddrPort // where a carrier's SIPp is
	recorder *capture.Recorder
	judge    *judge
	texts    int
}

// shown is a session as the command line shows it.
type shown struct {
	ID, State    string
	ExpiresAt    time.Time `json:"expires_at"`
	Participants []struct{ Dial, Second string }
}

func (s *shown) dial(i int) e164.Number   { return e164.MustParse(s.Participants[i].Dial) }
func (s *shown) second(i int) e164.Number { return e164.MustParse(s.Participants[i].Second) }

// What the answers of an ended session are told apart by: a stranger's call hears
// 404 and a stranger's text is dropped.
const endedAnswers = "routing:\n  ended_session: {sms: reject, voice: 486}\n  out_of_session: {sms: drop, voice: 404}\n"

// newMasked starts it with masks of the hosts, and the pool's policy.
func newMasked(t *testing.T, present string, hosts []string, policy ...string) *masked {
	t.Helper()
	m := &masked{bed: newBed(t), node: map[string]*nodeSMSC{}, phone: map[string]netip.AddrPort{}}
	var err error
	if m.recorder, err = capture.Start(t.Context(), filepath.Join(m.dir, "sent.pcap"), m.ip); err != nil {
		t.Fatal(err)
	}
	m.judge = newJudge(m.bed)
	var carriers strings.Builder
	for i, name := range []string{"alfa", "bravo", "charlie"} {
		reserved := udp(t, loopback.Addr())
		m.phone[name] = local(reserved)
		reserved.Close()       // SIPp takes it
		if name == "charlie" { // whose subscribers call
			fmt.Fprintf(&carriers, `  - {name: charlie, priority: 90, present: %s, sip: [{addr: "udp://%s", media_from: [127.0.0.0/8], probe: {every: 0s}}]}
`, present, m.phone[name])
			continue
		}
		m.node[name] = m.startNode(name)
		m.judge.lines[m.node[name].addr] = "smpp"
		fmt.Fprintf(&carriers, `  - name: %s
    priority: %d
    present: %s
    smpp: [{addr: "%s", local: %s, system_id: maskline, password: demo, reconnect: {min: 50ms, max: 200ms, per_minute: 0}, response_timeout: 2s}]
    sip: [{addr: "udp://%s", media_from: [127.0.0.0/8], first_response: 2s, probe: {every: 0s}}]
`, name, 10*i, present, m.node[name].addr, m.ip, m.phone[name])
	}
	m.start(settings{foreign: carriers.String() + endedAnswers})
	m.ok(append([]string{"pools", "create", "uk", "--quarantine", "24h"}, policy...)...)
	masks := "number,country,carrier\n"
	for i, host := range hosts {
		masks += fmt.Sprintf("+4420794601%02d,GB,%s\n", i, host)
	}
	file := filepath.Join(m.dir, "masks.csv")
	if err := os.WriteFile(file, []byte(masks), 0o600); err != nil {
		t.Fatal(err)
	}
	m.ok("numbers", "import", file, "--pool", "uk")
	return m
}

var anyHost = make([]string, 12)

// sub runs a subtest that the peers can fail too.
func (m *masked) sub(name string, f func(t *testing.T)) { m.bed.sub(name, f) }

// ok runs a command against the edge; nobody's number may be in what it says.
func (m *masked) ok(args ...string) []byte {
	m.t.Helper()
	output, code, err := m.edge.Run(m.t.Context(), args...)
	if err != nil || code != 0 {
		m.t.Fatalf("%v: %v, code %d: %s", args[:2], err, code, output)
	}
	m.judge.text("maskline "+args[0], output)
	return output
}

func (m *masked) session(args ...string) (s shown) {
	m.t.Helper()
	if output := m.ok(append([]string{"sessions"}, append(args, "--json")...)...); json.Unmarshal(output, &s) != nil || s.ID == "" {
		m.t.Fatalf("no session: %s", output)
	}
	return s
}

func (m *masked) between(parties []e164.Number, args ...string) shown {
	m.t.Helper()
	args = append([]string{"create", "--pool", "uk", "--tenant", "shop"}, args...)
	for _, p := range parties {
		args = append(args, "--party", p.Reveal())
	}
	return m.session(args...)
}

func (m *masked) submitted(carrier string) (all []smscEvent) { return m.node[carrier].all("submit") }

// text sends a text that no other one is like, from bravo's subscriber.
func (m *masked) text(from, to e164.Number) (text string, status pdu.Status) {
	m.t.Helper()
	m.texts++
	text = "text " + strconv.Itoa(m.texts)
	return text, m.node["bravo"].deliver(from, to, text)
}

// reach sends a text from bravo's subscriber and wants it at one of a carrier's. It
// returns whom that one sees.
func (m *masked) reach(from, to e164.Number, carrier string, reader e164.Number) (sender e164.Number) {
	m.t.Helper()
	before := len(m.submitted(carrier))
	text, status := m.text(from, to)
	if status != pdu.ROK {
		m.t.Fatalf("%s is answered 0x%02X", text, uint32(status))
	}
	m.eventually("node-smpp tells of it", func() bool { return len(m.submitted(carrier)) > before })
	all := m.submitted(carrier)[before:]
	if len(all) != 1 || all[0].To != digits(reader) || all[0].Text != text {
		m.t.Fatalf("%s took %d messages, not the one", carrier, len(all))
	}
	return e164.MustParse("+" + all[0].From)
}

// refused sends a text that nobody may get, and wants the answer.
func (m *masked) refused(from, to e164.Number, want pdu.Status) {
	m.t.Helper()
	before := len(m.submitted("alfa")) + len(m.submitted("bravo"))
	if text, status := m.text(from, to); status != want {
		m.t.Errorf("%s is answered 0x%02X, not 0x%02X", text, uint32(status), uint32(want))
	}
	if got := len(m.submitted("alfa")) + len(m.submitted("bravo")) - before; got != 0 {
		m.t.Errorf("%d messages were sent on", got)
	}
}

// dials plays charlie's subscriber who calls.
func (m *masked) dials(scenario string, from, to e164.Number) *sippRun {
	m.t.Helper()
	return m.sipp(scenario, m.phone["charlie"], from, "-s", to.Reveal(), m.edge.Listeners().SIP[0].String())
}

var callerSeen = regexp.MustCompile(`(?m)^From:.*sip:(\+[0-9]+)@`)

// calls lets charlie's subscriber call, and wants one of a carrier's to see a mask.
func (m *masked) calls(from, to e164.Number, carrier string, reader, mask e164.Number) {
	m.t.Helper()
	callee := m.sipp("callee_answers", m.phone[carrier], reader)
	m.dials("caller_hangs_up", from, to).wait()
	received := callee.wait()
	if seen := callerSeen.FindStringSubmatch(received); seen == nil || seen[1] != mask.Reveal() {
		m.t.Errorf("the called person does not see the mask:\n%s", received)
	}
}

// converse has the rider and the driver write and call, each by its mask: each sees the
// number by which it reaches the other.
func (m *masked) converse(first, second e164.Number) {
	m.t.Helper()
	m.sub("texts", func(t *testing.T) {
		if from := m.reach(rider, first, "alfa", driver); from != second {
			t.Error("the driver cannot answer by the number that it sees")
		}
		if from := m.reach(driver, second, "alfa", rider); from != first {
			t.Error("the rider does not see the number that it wrote to")
		}
	})
	m.sub("calls", func(*testing.T) {
		m.calls(rider, first, "alfa", driver, second)
		m.calls(driver, second, "alfa", rider, first)
	})
}

// comesLate has both try what has ended.
func (m *masked) comesLate(s *shown) {
	m.t.Helper()
	for i, late := range []e164.Number{rider, driver} {
		m.refused(late, s.dial(i), pdu.RxPAppn)
		m.dials("caller_refused_486", late, s.dial(i)).wait()
	}
}

func (m *masked) decided(verdict string) float64 {
	m.t.Helper()
	return m.metrics().Sum("maskline_routing_decisions_total", "verdict", verdict)
}

// finish judges everything that the edge has sent and told.
func (m *masked) finish(least map[string]int) {
	m.t.Helper()
	m.judge.told()
	m.stop()
	m.judge.text("log", m.log())
	m.judge.text("record", recordFiles(m.t, filepath.Join(m.dir, "cdr"), ".jsonl"))
	recording, err := m.recorder.Stop(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	m.judge.recording(recording)
	for _, f := range m.judge.found {
		m.t.Error(f)
	}
	for kind, n := range least {
		if m.judge.seen[kind] < n {
			m.t.Errorf("only %d frames of %s were judged", m.judge.seen[kind], kind)
		}
	}
	m.t.Logf("judged: %v", m.judge.seen)
}
