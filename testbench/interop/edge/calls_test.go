//go:build peers

package edge

import (
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maskline/e164"
	"maskline/testbench/capture"
	"maskline/testbench/leak"
	"maskline/testbench/loopback"
)

// called is a call as the API shows it.
type called struct{ ID, State, Outcome, Leg string }

// A program has people called: two at SIPp, of whom one hangs up or is busy, and two at
// baresip, who hear each other's tone. Everything that the edge sent to either side,
// told and logged is searched for the other one's number.
func TestCallsByAPIAmongForeignPeers(t *testing.T) {
	m := &masked{bed: newBed(t), phone: map[string]netip.AddrPort{}}
	var err error
	if m.recorder, err = capture.Start(t.Context(), filepath.Join(m.dir, "sent.pcap"), m.ip); err != nil {
		t.Fatal(err)
	}
	m.judge = newJudge(m.bed)
	riderPhone, driverPhone := newBaresip(t, rider, 440), newBaresip(t, driver, 880)
	people := map[string]e164.Number{"charlie": rider, "delta": driver, "echo": customer, "foxtrot": guest}
	m.phone["charlie"], m.phone["delta"] = riderPhone.addr, driverPhone.addr
	var carriers strings.Builder
	for name, who := range people {
		if name == "echo" || name == "foxtrot" {
			reserved := udp(t, loopback.Addr())
			m.phone[name] = local(reserved)
			reserved.Close() // SIPp takes it
		}
		fmt.Fprintf(&carriers, "  - {name: %s, prefixes: [%q], sip: [{addr: \"udp://%s\", media_from: [127.0.0.0/8], probe: {every: 0s}}]}\n", name, digits(who), m.phone[name])
	}
	m.start(settings{carriers: carriers.String()})
	m.ok("pools", "create", "uk", "--quarantine", "24h")
	masks := filepath.Join(m.dir, "masks.csv")
	if err := os.WriteFile(masks, []byte("number,country\n+442079460101,GB\n+442079460102,GB\n+442079460103,GB\n+442079460104,GB\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.ok("numbers", "import", masks, "--pool", "uk")
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	admin, err := os.ReadFile(filepath.Join(m.dir, "data", "admin.key"))
	if err != nil {
		t.Fatal(err)
	}
	var key struct{ Key string }
	if status := m.rest(strings.TrimSpace(string(admin)), http.MethodPost, "/v1/keys", `{"tenant":"shop","role":"integrator"}`, &key); status != http.StatusCreated {
		t.Fatalf("the key: %d", status)
	}
	pair := func(a, b e164.Number) (s shown) {
		m.t.Helper()
		return m.between([]e164.Number{a, b}, "--services", "voice")
	}
	begin := func(s *shown, body string) (c called) {
		m.t.Helper()
		if status := m.rest(key.Key, http.MethodPost, "/v1/sessions/"+s.ID+"/calls", body, &c); status != http.StatusCreated {
			m.t.Fatalf("the call: %d", status)
		}
		return c
	}
	until := func(c *called, state string) {
		m.t.Helper()
		m.eventually("the call is "+state, func() bool {
			m.rest(key.Key, http.MethodGet, "/v1/calls/"+c.ID, "", c)
			return c.State == state
		})
	}
	sees := func(who, received string, mask e164.Number) {
		m.t.Helper()
		if seen := callerSeen.FindStringSubmatch(received); seen == nil || seen[1] != mask.Reveal() {
			m.t.Errorf("the %s does not see the mask:\n%s", who, received)
		}
	}
	m.sub("SIPp at both ends", func(t *testing.T) {
		s := pair(customer, guest)
		first, second := m.sipp("callee_answers", m.phone["echo"], customer), m.sipp("callee_hangs_up", m.phone["foxtrot"], guest)
		c := begin(&s, "{}")
		sees("customer", first.wait(), s.dial(0))
		sees("guest", second.wait(), s.dial(1))
		if until(&c, "ended"); c.Outcome != "completed" {
			t.Errorf("it is %+v", c)
		}
	})
	m.sub("the second is busy", func(t *testing.T) {
		s := pair(customer, guest)
		first, second := m.sipp("callee_answers", m.phone["echo"], customer), m.sipp("callee_486", m.phone["foxtrot"], guest)
		c := begin(&s, fmt.Sprintf(`{"first":%q}`, customer.Reveal()))
		first.wait()
		second.wait()
		if until(&c, "ended"); c.Outcome != "busy" || c.Leg != "second" {
			t.Errorf("it is %+v", c)
		}
	})
	m.sub("baresip at both ends", func(t *testing.T) {
		riderPhone.t, driverPhone.t = t, t
		s := pair(rider, driver)
		sent := func() float64 {
			return m.metrics().Sum("maskline_media_packets_total", "direction", "out", "protocol", "rtp")
		}
		c := begin(&s, fmt.Sprintf(`{"first":%q}`, driver.Reveal()))
		for who, x := range map[string]struct {
			phone *baresip
			mask  e164.Number
		}{"rider": {riderPhone, s.dial(0)}, "driver": {driverPhone, s.dial(1)}} {
			if e := x.phone.await("CALL_ESTABLISHED"); !strings.HasPrefix(e.PeerURI, "sip:"+x.mask.Reveal()+"@") {
				t.Errorf("the %s sees %s", who, e.PeerURI)
			}
		}
		until(&c, "connected")
		before := sent()
		m.eventually("they have talked", func() bool { return sent()-before >= talk })
		var ended called
		if status := m.rest(key.Key, http.MethodDelete, "/v1/calls/"+c.ID, "", &ended); status != http.StatusOK {
			t.Errorf("the end: %d", status)
		}
		riderPhone.closed()
		driverPhone.closed()
		if until(&c, "ended"); c.Outcome != "completed" {
			t.Errorf("it is %+v", c)
		}
		for who, x := range map[string]struct{ ear, mouth *baresip }{"rider": {riderPhone, driverPhone}, "driver": {driverPhone, riderPhone}} {
			heard := x.ear.heard()
			other, own := share(heard, x.mouth.tone), share(heard, x.ear.tone)
			t.Logf("the %s heard %d ms, %.3f of the other's tone, %.5f of its own", who, len(heard)*1000/sampleRate, other, own)
			if other < heardMostly || own > noTone {
				t.Errorf("the %s heard %.3f of the other's tone and %.5f of its own", who, other, own)
			}
		}
	})
	for _, x := range []struct {
		phone *baresip
		other e164.Number
	}{{riderPhone, driver}, {driverPhone, rider}} {
		if found := leak.NewScanner(x.other).Find([]byte(x.phone.said())); len(found) > 0 {
			t.Errorf("a baresip has seen the other's number: %v", found)
		}
	}
	m.finish(map[string]int{"SIP": 20, "RTP": 200})
}

// heardMostly is the least share of the other's tone: the one who is called first hears
// ringing before.
const heardMostly = 0.6
