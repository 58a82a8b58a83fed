//go:build peers

package sms

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
	"maskline/sip"
	"maskline/smpp"
	"maskline/testbench/leak"
	"maskline/testbench/loopback"
	"maskline/testbench/process"
)

const maskDesk = "441110000004" // leads to the user desk of the shop's PBX

// phones are both sides of the edge, wired as the program does, with SIPp as what
// is behind the trunk and as the shop's PBX.
type phones struct {
	*edge
	t            *testing.T
	sip          *sip.Edge
	ip           netip.Addr // of the phones
	caller, desk int        // ports
	log          *logBuffer
}

// toSIP hands messages to a side that is made later.
type toSIP struct{ p *phones }

func (s toSIP) Deliver(m *routing.Message, done func(routing.Delivery)) { s.p.sip.Deliver(m, done) }

// logBuffer keeps a log.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// Sync does nothing; zap wants it.
func (b *logBuffer) Sync() error { return nil }

func startPhones(t *testing.T, carriers ...*smsc) *phones {
	t.Helper()
	p := &phones{edge: &edge{registry: prometheus.NewRegistry()}, t: t, ip: loopback.Addr(), log: &logBuffer{}}
	p.caller, p.desk = freeUDPPort(t, p.ip), freeUDPPort(t, p.ip)
	bindings := table()
	bindings.Apply([]numberdb.Change{{Binding: numberdb.Binding{
		Mask: e164.MustParse(maskDesk), To: numberdb.Endpoint{Kind: numberdb.SIP, Name: fmt.Sprint("desk@", p.at(p.desk))},
		Present: e164.MustParse(maskOfAlice), Tenant: "shop", Services: numberdb.SMS,
	}}})
	routes := routing.Config{
		Breaker:   routing.BreakerConfig{Window: 10 * time.Second, Ratio: 0.5, Min: 50, HalfOpenAfter: 500 * time.Millisecond},
		Carriers:  []routing.CarrierConfig{{Name: "trunk", Services: routing.Voice}},
		Emergency: routing.EmergencyConfig{Numbers: map[string][]string{"default": {"911"}}},
	}
	cfg := smpp.Config{
		Listen: []smpp.ListenConfig{{Addr: "127.0.0.1:0"}}, AnswerWithin: 5 * time.Second, BindTimeout: 10 * time.Second, Drain: 3 * time.Second,
		Accounts: []smpp.AccountConfig{{SystemID: "shop", Password: "sesame", Tenant: "shop"}}, Messenger: toSIP{p},
	}
	for _, c := range carriers {
		routes.Carriers = append(routes.Carriers, routing.CarrierConfig{Name: c.name, Services: routing.SMS})
		cfg.Carriers = append(cfg.Carriers, smpp.CarrierConfig{Name: c.name, Binds: []smpp.BindConfig{{
			Addr: fmt.Sprint("127.0.0.1:", c.port), SystemID: "maskline", Password: "secret", ResponseTimeout: 10 * time.Second,
			Reconnect: smpp.Reconnect{Min: 50 * time.Millisecond, Max: 200 * time.Millisecond},
		}}})
	}
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), p.log, zapcore.DebugLevel))
	router, err := routing.New(bindings, routes, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if p.Edge, err = smpp.New(cfg, router, smpp.Volatile{}, log, p.registry); err != nil {
		t.Fatal(err)
	}
	trunk := func(name string, port int) sip.TrunkConfig {
		return sip.TrunkConfig{Name: name, Addr: fmt.Sprint("udp://", p.at(port)), Probe: sip.Probe{Every: -1}, Allow: []netip.Prefix{netip.PrefixFrom(p.ip, 32)}}
	}
	in, pbx := trunk("trunk", p.caller), trunk("shop/pbx1", p.desk)
	in.Carrier, pbx.Tenant = "trunk", "shop"
	p.sip, err = sip.New(sip.Config{
		Listen: []sip.Listen{{Addr: "udp://127.0.0.1:0"}}, Trunks: []sip.TrunkConfig{in, pbx}, Messenger: p.Edge,
	}, router, nil, log, p.registry)
	if err != nil {
		t.Fatal(err)
	}
	p.run()
	for _, c := range carriers {
		eventually(t, c.name+" is bound", func() bool { return p.bound(c.name) })
	}
	return p
}

func (p *phones) at(port int) netip.AddrPort { return netip.AddrPortFrom(p.ip, uint16(port)) }

// run serves both sides until the test ends.
func (p *phones) run() {
	p.t.Helper()
	if err := p.Listen(); err != nil {
		p.t.Fatal(err)
	}
	if err := p.sip.Listen(); err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			p.t.Error(err)
		}
	})
	running.Go(func() { p.sip.Run(ctx) })
	p.t.Cleanup(func() {
		cancel()
		running.Wait()
		p.log.mu.Lock()
		defer p.log.mu.Unlock()
		for _, number := range []string{alice, bob, carol} {
			if leak.Contains(p.log.text.Bytes(), e164.MustParse(number)) {
				p.t.Error("a number in the log")
			}
		}
	})
}

func freeUDPPort(t *testing.T, ip netip.Addr) int {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port
}

// sippRun is one SIPp at work.
type sippRun struct {
	t     *testing.T
	trace string
	out   bytes.Buffer
	done  chan error
}

// sipp runs a scenario of testdata with words put in for keys. Without a target it
// waits to be written to.
func (p *phones) sipp(scenario string, port int, number string, words map[string]string, target ...string) *sippRun {
	p.t.Helper()
	dir := p.t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", scenario+".xml"))
	if err != nil {
		p.t.Fatal(err)
	}
	for key, word := range words {
		text = bytes.ReplaceAll(text, []byte("["+key+"]"), []byte(word))
	}
	file := filepath.Join(dir, "scenario.xml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		p.t.Fatal(err)
	}
	s := &sippRun{t: p.t, trace: filepath.Join(dir, "messages"), done: make(chan error, 1)}
	args := append([]string{
		"-sf", file, "-i", p.ip.String(), "-p", fmt.Sprint(port), "-m", "1", "-nostdin", "-timeout", "60", "-timeout_error", "-recv_timeout", "30000",
		"-key", "real", "+" + number, "-trace_msg", "-message_file", s.trace,
	}, target...)
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	cmd := exec.CommandContext(ctx, "sipp", args...)
	cmd.Stdout, cmd.Stderr = &s.out, &s.out
	if err := cmd.Start(); err != nil {
		p.t.Fatalf("sipp is needed (Debian: apt-get install sip-tester): %v", err)
	}
	go func() {
		defer cancel()
		s.done <- cmd.Wait()
	}()
	if len(target) == 0 {
		eventually(p.t, "sipp listens", func() bool {
			holds, err := process.Holds(cmd.Process.Pid, "udp", port)
			if err != nil {
				p.t.Fatal(err)
			}
			return holds
		})
	}
	return s
}

// wait wants the scenario to have gone as written, and returns what the edge sent.
func (s *sippRun) wait() string {
	s.t.Helper()
	err := <-s.done
	trace, _ := os.ReadFile(s.trace)
	if err != nil {
		s.t.Fatalf("%v\n%s\n%s", err, s.out.String()[max(0, s.out.Len()-2000):], trace)
	}
	var got strings.Builder
	for part := range strings.SplitSeq(string(trace), "-----------------------------------------------") {
		if _, message, found := strings.Cut(part, " message received ["); found {
			got.WriteString(message)
		}
	}
	return got.String()
}

// write has SIPp send a text from Alice, and wants it answered so.
func (p *phones) write(to, kind, body, code string) string {
	p.t.Helper()
	target := fmt.Sprint("127.0.0.1:", p.sip.Addrs()[0].Port())
	return p.sipp("text_sent", p.caller, alice, map[string]string{"kind": kind, "body": body, "code": code}, "-s", to, target).wait()
}

// From a phone to a carrier's SMSC: the text arrives as it was written, from the
// mask, and 202 says that the carrier has it.
func TestSIPpTextsACarrier(t *testing.T) {
	alfa := startSMSC(t, "alfa", nodeModules(t))
	p := startPhones(t, alfa)
	for i, c := range []struct {
		name, text string
		parts      int
	}{
		{"GSM", "Hello @lice, 5€ {ok}?", 1},
		{"UCS2", "Привет, мир 😀", 1},
		{"long", strings.TrimSpace(longText), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(alfa.submits("accept"))
			received := p.write("+"+maskOfBob, "text/plain;charset=UTF-8", c.text, "202")
			eventually(t, "the carrier tells of it", func() bool { return len(alfa.submits("accept")) >= before+c.parts })
			got := alfa.submits("accept")[before:]
			if len(got) != c.parts {
				t.Fatalf("%d messages", len(got))
			}
			text := ""
			for _, m := range got {
				if m.From != maskOfAlice || m.To != bob {
					t.Error("the addresses are not the masked ones")
				}
				text += m.Text
			}
			if text != c.text {
				t.Errorf("got %q", text)
			}
			if leak.Contains([]byte(received), e164.MustParse(bob)) {
				t.Error("the sender learns the receiver's number")
			}
			if n := p.counter(t, "messages_total", map[string]string{"from": "sip", "to": "alfa", "outcome": "accepted"}); n != i+1 {
				t.Errorf("counted as %d", n)
			}
		})
	}
}

// What is refused, as a phone hears it; and a carrier that is silent: the phone
// repeats its request, the carrier gets it once, and the answer is 504.
func TestSIPpTextsThatAreRefused(t *testing.T) {
	alfa := startSMSC(t, "alfa", nodeModules(t))
	p := startPhones(t, alfa)
	for _, c := range []struct{ name, to, kind, code string }{
		{"unknown mask", "+441119999999", "text/plain", "404"},
		{"out of session", "+" + maskOfAlice, "text/plain", "404"},
		{"emergency", "911", "text/plain", "403"},
		{"message/cpim", "+" + maskOfBob, "message/cpim", "415"},
	} {
		t.Run(c.name, func(*testing.T) { p.write(c.to, c.kind, "hello", c.code) })
	}
	if n := len(alfa.all("submit")); n != 0 {
		t.Fatalf("the carrier has %d", n)
	}
	alfa.tell(t, map[string]any{"mode": "throttle"})
	p.write("+"+maskOfBob, "text/plain", "busy", "480")
	alfa.tell(t, map[string]any{"mode": "silent"})
	p.write("+"+maskOfBob, "text/plain", "once", "504")
	if n := len(alfa.submits("silent")); n != 1 {
		t.Errorf("the carrier has it %d times", n)
	}
}

// From a phone to an application behind Kannel.
func TestSIPpTextsKannel(t *testing.T) {
	p := startPhones(t)
	k := startKannel(t, p.edge)
	eventually(t, "Kannel is bound", func() bool { return p.bound("shop") })
	p.write("+"+maskShop, "text/plain", "Where is my parcel?", "202")
	eventually(t, "Kannel has it", func() bool { k.mu.Lock(); defer k.mu.Unlock(); return len(k.delivered) == 1 })
	k.mu.Lock()
	defer k.mu.Unlock()
	got := k.delivered[0]
	if strings.TrimPrefix(got.from, "+") != maskOfAlice || strings.TrimPrefix(got.to, "+") != maskShop || plain(got) != "Where is my parcel?" {
		t.Error("another text, or the addresses are not the masked ones")
	}
}

// From a carrier's subscriber to a phone: a text, three segments as one text, and
// the phone's answer as the carrier hears it.
func TestCarrierTextsSIPp(t *testing.T) {
	alfa := startSMSC(t, "alfa", nodeModules(t))
	p := startPhones(t, alfa)
	parts := []string{longText[:150], longText[150:300], longText[300:]}
	for _, c := range []struct {
		name, code, text string
		status           int
		pdus             []map[string]any
	}{
		{"text", "200", "Grüße?", 0, []map[string]any{{"short_message": "Grüße?", "data_coding": 8}}},
		{"segments", "202", longText, 0, []map[string]any{
			{"short_message": parts[1], "data_coding": 0, "udh": "0500035a0302"},
			{"short_message": parts[0], "data_coding": 0, "udh": "0500035a0301"},
			{"short_message": parts[2], "data_coding": 0, "udh": "0500035a0303"},
		}},
		{"refused", "603", "no", 0x65, []map[string]any{{"short_message": "no", "data_coding": 0}}},
		{"busy", "480", "later", 0x64, []map[string]any{{"short_message": "later", "data_coding": 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			phone := p.sipp("text_taken", p.desk, bob, map[string]string{"code": c.code})
			for _, f := range c.pdus {
				alfa.tell(t, map[string]any{"deliver": addressed(carol, maskDesk, f), "tag": c.name})
			}
			received := phone.wait()
			if !strings.HasPrefix(received[strings.Index(received, "MESSAGE "):], fmt.Sprint("MESSAGE sip:desk@", p.at(p.desk), " SIP/2.0")) ||
				!strings.Contains(received, "From: <sip:+"+maskOfAlice+"@") || !strings.Contains(received, c.text) {
				t.Errorf("got\n%s", received)
			}
			if leak.Contains([]byte(received), e164.MustParse(carol)) {
				t.Error("the phone learns the sender's number")
			}
			eventually(t, "every part was answered", func() bool {
				n := 0
				for _, e := range alfa.all("deliver_resp") {
					if e.Tag == c.name && e.Status == c.status {
						n++
					}
				}
				return n == len(c.pdus)
			})
		})
	}
}
