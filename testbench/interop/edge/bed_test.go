//go:build peers

package edge

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"maskline/e164"
	"maskline/smpp/pdu"
	"maskline/testbench/await"
	"maskline/testbench/exchange"
	"maskline/testbench/loopback"
	"maskline/testbench/process"
	"maskline/testbench/smppsim"
)

// The people. All numbers are from ranges reserved for fiction.
var (
	rider    = e164.MustParse("+447700900101")
	driver   = e164.MustParse("+447700900202")
	customer = e164.MustParse("+447700900303")
	stranger = e164.MustParse("+447700900404")
	guest    = e164.MustParse("+447700900505")

	riderDials  = e164.MustParse("+442079460011") // reaches the driver
	driverDials = e164.MustParse("+442079460022") // reaches the rider
	shopNumber  = e164.MustParse("+442079460033") // public, reaches the shop's account
	outletShows = e164.MustParse("+442079460044") // the outlet's mask towards the shop
	guestDials  = e164.MustParse("+442079460055") // reaches the driver by the carrier delta
)

const bindings = `mask,party,to,present,services,carriers,expires_at,tenant
+442079460011,+447700900101,tel:+447700900202,+442079460022,sms+voice,,,shop
+442079460022,+447700900202,tel:+447700900101,+442079460011,sms+voice,,,shop
+442079460033,*,smpp:shop,+442079460033,sms,,,shop
`

const (
	patience = 30 * time.Second // for anything that must come, where others want the processors too
	drainEnd = 20 * time.Second // for a process that must end
)

// carrier is a simulated carrier.
type carrier struct {
	name     string
	smsc     *smppsim.SMSC
	exchange *exchange.Exchange
}

// settings are what tests change of the bed's configuration.
type settings struct {
	drainSMS, drainCalls string // 2s
	bindTimeout          string // 5s
	database             string // url; empty: SQLite
	tenants              string // more tenants, accounts, peers and carriers, as YAML
	accounts             string
	peers                string
	carriers             string
	foreign              string // carriers alfa and bravo instead of the simulated ones
	listeners            string // of SIP, beside the one over UDP
	prompts              string // folder
	media                string // addresses of the relay, beside the one over IPv4
}

// bed is an edge between two simulated carriers.
type bed struct {
	t           *testing.T
	ip          netip.Addr // the edge's own: all its sockets are bound to it
	backend     string     // of its media; empty: auto
	dir         string
	alfa, bravo *carrier
	edge        *process.Edge
}

// newBed starts the carriers, not the edge.
func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, ip: loopback.Addr(), dir: t.TempDir()}
	b.alfa, b.bravo = b.startCarrier("alfa"), b.startCarrier("bravo")
	return b
}

// sub runs a subtest that the bed can fail. An edge that it starts ends with it.
func (b *bed) sub(name string, f func(t *testing.T)) {
	b.t.Run(name, func(t *testing.T) {
		parent := b.t
		b.t = t
		defer func() { b.t = parent }()
		f(t)
	})
}

func (b *bed) startCarrier(name string) *carrier {
	b.t.Helper()
	c := &carrier{name: name}
	var err error
	if c.smsc, err = smppsim.StartSMSC(name); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(c.smsc.Close)
	if c.exchange, err = exchange.Start(name); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(c.exchange.Close)
	return c
}

// config is a whole configuration file.
func (b *bed) config(s settings) string {
	or := func(value, otherwise string) string {
		if value == "" {
			return otherwise
		}
		return value
	}
	var text strings.Builder
	fmt.Fprintf(&text, `node: test
data_dir: ./data
drain: {sms: %s, calls: %s}
log: {level: debug}
database: {url: "%s", max_stale: 2s}
api: {listen: "%[4]s:0"}
tenants: [{name: shop}%[5]s]
smpp:
  listen: [{addr: "%[4]s:0"}]
  bind_timeout: %[6]s
  answer_within: 10s
  accounts:
    - {system_id: shop, password: demo, tenant: shop}
%[7]ssip:
  listen: [{addr: "udp://%[4]s:0"}%[9]s]
  peers: [%[8]s]
media: {addr: ["%[4]s"%[11]s], ports: 20000-20399, prompts: "%[10]s", backend: %[12]s}
observe: {cdr: {dir: cdr}}
carriers:
`, or(s.drainSMS, "2s"), or(s.drainCalls, "2s"), s.database, b.ip, s.tenants, or(s.bindTimeout, "5s"), s.accounts, s.peers, s.listeners, s.prompts, s.media, or(b.backend, "auto"))
	text.WriteString(s.foreign)
	simulated := []*carrier{b.alfa, b.bravo}
	if s.foreign != "" {
		simulated = nil
	}
	for priority, c := range simulated {
		fmt.Fprintf(&text, `  - name: %s
    priority: %d
    smpp: [{addr: "%s", local: %s, system_id: maskline, password: demo, reconnect: {min: 50ms, max: 200ms, per_minute: 0}, response_timeout: 5s}]
    sip: [{addr: "udp://%s", media_from: [127.0.0.0/8], first_response: 2s, probe: {every: 1s, down_after: 30}}]
`, c.name, 10*priority, c.smsc.Addr(), b.ip, c.exchange.Addr())
	}
	text.WriteString(s.carriers)
	return text.String()
}

// start runs the edge and waits until both carriers can be used.
func (b *bed) start(s settings) {
	b.t.Helper()
	b.launch(s)
	b.awaitCarriers()
}

// launch runs the edge and waits until it is ready.
func (b *bed) launch(s settings) {
	b.t.Helper()
	e, err := process.Start(b.t.Context(), process.Config{Binary: binaryPath, Dir: b.dir, Text: b.config(s)})
	b.running(e, err)
}

// running takes over a process; at the end of the test it is gone.
func (b *bed) running(e *process.Edge, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.log())
	}
	b.edge = e
	b.t.Cleanup(func() {
		if err := e.Kill(); err != nil {
			b.t.Error(err)
		}
		if b.t.Failed() {
			b.t.Logf("the edge's log:\n%s", tail(b.log()))
		}
	})
}

func tail(log []byte) []byte { return log[max(0, len(log)-16<<10):] }

// again kills the edge as a power cut would, and starts it on what it left.
func (b *bed) again() {
	b.t.Helper()
	if err := b.edge.Kill(); err != nil {
		b.t.Fatal(err)
	}
	e, err := b.edge.Again(b.t.Context())
	b.running(e, err)
	b.awaitCarriers()
}

func (b *bed) log() []byte {
	if b.edge == nil {
		return nil
	}
	log, err := b.edge.Log()
	if err != nil {
		return []byte(err.Error())
	}
	return log
}

func (b *bed) awaitCarriers() {
	b.t.Helper()
	b.eventually("the carriers are up", func() bool {
		m := b.metrics()
		return m.Sum("maskline_routing_carrier_up", "carrier", "alfa") == 2 && m.Sum("maskline_routing_carrier_up", "carrier", "bravo") == 2
	})
}

// imports loads bindings through the command line.
func (b *bed) imports(csv string) {
	b.t.Helper()
	if err := b.edge.Import(b.t.Context(), csv); err != nil {
		b.t.Fatal(err)
	}
}

// stop drains the edge.
func (b *bed) stop() {
	b.t.Helper()
	if err := b.edge.Stop(drainEnd); err != nil {
		b.t.Fatalf("%v\n%s", err, tail(b.log()))
	}
}

func (b *bed) metrics() *process.Metrics {
	b.t.Helper()
	m, err := b.edge.Metrics(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *bed) eventually(what string, ok func() bool) {
	b.t.Helper()
	await.That(b.t, patience, what, ok)
}

// bind binds an account.
func (b *bed) bind(systemID string) *smppsim.ESME {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	esme, err := smppsim.BindESME(ctx, b.edge.Listeners().SMPP[0], systemID, "demo")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(esme.Close)
	return esme
}

// deliver hands a message from a carrier's subscriber to the edge.
func (b *bed) deliver(c *carrier, from, to e164.Number, text string) pdu.Status {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	status, err := c.smsc.Deliver(ctx, digits(from), digits(to), text)
	if err != nil {
		b.t.Fatal(err)
	}
	return status
}

// submit hands a message from an account to the edge and wants it accepted.
func (b *bed) submit(esme *smppsim.ESME, from, to e164.Number, text string) []string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	ids, status, err := esme.Submit(ctx, digits(from), digits(to), text)
	if err != nil || status != pdu.ROK {
		b.t.Fatalf("submitting: %v, status 0x%02X", err, uint32(status))
	}
	return ids
}

// call lets a carrier's subscriber call.
func (b *bed) call(c *carrier, from, to e164.Number, talk time.Duration) exchange.Call {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience+talk)
	defer cancel()
	call, err := c.exchange.Call(ctx, b.edge.Listeners().SIP[0], from.Reveal(), to.Reveal(), talk)
	if err != nil {
		b.t.Fatal(err)
	}
	return call
}

// healthy proves that a message and a call pass as ever.
func (b *bed) healthy() {
	b.t.Helper()
	before := len(b.alfa.smsc.Submitted())
	if status := b.deliver(b.alfa, rider, riderDials, "are you there?"); status != pdu.ROK {
		b.t.Fatalf("a healthy message was answered 0x%02X", uint32(status))
	}
	if all := b.alfa.smsc.Submitted(); len(all) != before+1 || all[before].Source != digits(driverDials) {
		b.t.Fatal("a healthy message did not arrive masked")
	}
	call := b.call(b.bravo, driver, driverDials, 200*time.Millisecond)
	if !call.Answered || call.Received == 0 {
		b.t.Fatalf("a healthy call failed: %+v", call)
	}
}

func digits(n e164.Number) string { return string(n.AppendDigits(nil)) }
