package smpp

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/e164"
	"maskline/routing"
	"maskline/smpp/pdu"
	"maskline/testbench/leak" //nolint:depguard // the judge of what may be seen is not ours
)

// simWorld is an edge without sockets, goroutines or real time, and all its
// peers. The clock, the writes, answers, losses and silence come from a seed.
type simWorld struct {
	rand    *rand.Rand
	start   time.Time
	now     time.Time
	step    int
	calm    bool // everybody behaves
	cfg     Config
	breaker routing.BreakerConfig
	edge    *Edge
	turn    *turn
	journal *simJournal

	registry *prometheus.Registry

	watch *leak.Watch
	peers []*simPeer

	sweeping []*session

	links  int
	events []simEvent
	faults []string

	count    int                     // messages
	wants    map[string]byte         // registered_delivery of a message
	intents  map[string]string       // whose number a message has to reach; "": an account
	remotes  map[string][]*simRemote // by carrier
	returned []simEvent              // receipts that the edge left with their carriers
	heard    []string                // ids that were given out
	own      int                     // receipts that the edge may have to write itself
}

func newSimWorld(seed uint64) *simWorld {
	w := blankWorld(seed)
	w.configure()
	w.boot()
	return w
}

// plainWorld has one transceiver of each account and of each of two carriers,
// all bound.
func plainWorld() *simWorld {
	w := blankWorld(1)
	w.cfg = baseConfig()
	for _, a := range w.cfg.Accounts {
		w.peers = append(w.peers, &simPeer{
			w: w, name: a.SystemID, account: true, command: pdu.BindTransceiver, bind: &simBind{upstream: true, window: 256, timeout: time.Hour},
		})
	}
	for _, name := range []string{"alfa", "bravo"} {
		w.cfg.Carriers = append(w.cfg.Carriers, carrierAt(name, "192.0.2.1:2775"))
		w.peers = append(w.peers, &simPeer{w: w, name: name, bind: &simBind{window: 128, timeout: time.Hour}})
	}
	w.calm = true
	w.boot()
	for _, p := range w.peers {
		p.connect()
	}
	for range 2 {
		w.pump()
		w.each(func(p *simPeer) {
			p.arrive(-1)
			p.deliver(-1)
		})
	}
	return w
}

func blankWorld(seed uint64) *simWorld {
	r := rand.New(rand.NewPCG(seed, 2))
	w := &simWorld{
		rand: r, start: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), journal: &simJournal{rand: r},
		watch: leak.NewWatch(e164.MustParse(alice), e164.MustParse(bob), e164.MustParse(carol)),
		wants: map[string]byte{}, intents: map[string]string{}, remotes: map[string][]*simRemote{},
		breaker: routing.BreakerConfig{Window: 30 * time.Second, Ratio: 0.5, Min: 5 + 1000*r.IntN(2), HalfOpenAfter: time.Second},
	}
	w.now = w.start
	return w
}

// configure draws accounts and carriers and makes their far ends.
func (w *simWorld) configure() {
	r := w.rand
	w.cfg = baseConfig()
	w.cfg.AnswerWithin = time.Duration(4+r.IntN(7)) * time.Second
	w.cfg.Auth.Delay = -1
	w.cfg.EnquireLink = time.Duration(2+r.IntN(30)) * time.Second
	for i := range w.cfg.Accounts {
		a := &w.cfg.Accounts[i]
		a.Window = 1 + r.IntN(16)
		if r.IntN(4) == 0 {
			a.TPS = 10
		}
		commands := []pdu.Command{pdu.BindTransceiver, pdu.BindTransceiver}
		if r.IntN(2) == 0 {
			commands = []pdu.Command{pdu.BindTransmitter, pdu.BindReceiver}
		}
		for _, c := range commands {
			w.peers = append(w.peers, &simPeer{w: w, name: a.SystemID, account: true, command: c, bind: &simBind{
				upstream: true, window: a.Window, timeout: w.cfg.AnswerWithin,
			}})
		}
	}
	for _, name := range []string{"alfa", "bravo", "charlie"} {
		w.cfg.Carriers = append(w.cfg.Carriers, w.carrier(name))
	}
	if r.IntN(3) == 0 {
		w.bindingCarrier("delta")
	}
}

// bindingCarrier is a carrier that binds to us and takes messages as deliver_sm.
func (w *simWorld) bindingCarrier(name string) {
	a := AccountConfig{SystemID: name + simOwnAccount, Password: "sesame", Carrier: name, Window: 1 + w.rand.IntN(8)}
	w.cfg.Accounts = append(w.cfg.Accounts, a)
	w.cfg.Carriers = append([]CarrierConfig{{Name: name}}, w.cfg.Carriers...)
	for range 2 {
		w.peers = append(w.peers, &simPeer{w: w, name: a.SystemID, account: true, command: pdu.BindTransceiver, bind: &simBind{
			upstream: true, window: a.Window, timeout: w.cfg.AnswerWithin,
		}})
	}
}

// simOwnAccount ends the name of a carrier's own account.
const simOwnAccount = "-in"

func (w *simWorld) hasBindingCarrier() bool { return len(w.cfg.Carriers[0].Binds) == 0 }

func (w *simWorld) carrier(name string) CarrierConfig {
	r := w.rand
	c := carrierAt(name, "192.0.2.1:2775")
	b := c.Binds[0]
	b.Window = 1 + r.IntN(4)
	b.Sessions = 1 + r.IntN(2)
	b.ResponseTimeout = time.Duration(1+r.IntN(12)) * time.Second
	b.EnquireLink = time.Duration(2+r.IntN(30)) * time.Second
	b.UnknownNext = r.IntN(4) == 0
	b.Receipts = Receipts(r.IntN(3))
	if r.IntN(4) == 0 {
		b.TPS = 5
	}
	second := b
	switch r.IntN(4) {
	case 0:
		b.BindType, second.BindType, second.Sessions = Transmitter, Receiver, 1
	case 1:
		second.Backup, second.Sessions = true, 1
	default:
		second.Sessions = 0
	}
	c.Binds[0] = b
	if second.Sessions > 0 {
		c.Binds = append(c.Binds, second)
	}
	dialer := 0
	for _, b := range c.Binds {
		for range b.Sessions {
			w.peers = append(w.peers, &simPeer{w: w, name: name, dialer: dialer, command: b.BindType.command(), bind: &simBind{
				window: b.Window, next: b.UnknownNext, timeout: b.ResponseTimeout, backup: b.Backup,
			}})
			dialer++
		}
	}
	return c
}

// boot starts the edge, again after a crash.
func (w *simWorld) boot() {
	cfg := routing.Config{
		Breaker:   w.breaker,
		Emergency: routing.EmergencyConfig{Numbers: map[string][]string{"default": {"112"}}},
	}
	for i, c := range w.cfg.Carriers {
		cfg.Carriers = append(cfg.Carriers, routing.CarrierConfig{Name: c.Name, Priority: i, Services: routing.SMS})
	}
	router, err := routing.New(testTable(), cfg, prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	w.registry = prometheus.NewRegistry()
	w.edge, err = newEdge(w.cfg, router, w.journal, zap.NewNop(), w.registry, func() time.Time { return w.now })
	if err != nil {
		panic(err)
	}
	w.turn = w.edge.newTurn()
	if err := w.edge.restore(context.Background()); err != nil {
		panic(err)
	}
}

// crash kills the edge and starts it again.
func (w *simWorld) crash() {
	for _, p := range w.peers {
		if p.session != nil {
			p.session, p.bound = nil, false
			p.arrive(w.rand.IntN(len(p.conn.out) + 1))
			w.record(p.event(simDown))
		}
	}
	w.journal.crash()
	w.record(simEvent{kind: simCrashed})
	w.now = w.now.Add(time.Second)
	w.boot()
}

func (w *simWorld) at() time.Duration { return w.now.Sub(w.start) }

func (w *simWorld) record(e simEvent) {
	e.step, e.at = w.step, w.at()
	w.events = append(w.events, e)
}

func (w *simWorld) fault(what string) {
	w.faults = append(w.faults, fmt.Sprintf("step %d: %s", w.step, what))
}

// sweepFor lets time pass as the sweeper sees it.
func (w *simWorld) sweepFor(d, every time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(every)
		w.turn.begin()
		w.sweeping = w.sweeping[:0]
		for _, p := range w.peers {
			if p.session != nil {
				w.sweeping = append(w.sweeping, p.session)
			}
		}
		w.edge.sweepAll(w.turn, w.sweeping)
		w.pump()
	}
}

// pump lets the goroutines do what is due: write, and end.
func (w *simWorld) pump() {
	for busy := true; busy; {
		busy = false
		for _, p := range w.peers {
			if p.session == nil {
				continue
			}
			if !p.conn.closed && p.write() {
				busy = true
			}
			if p.conn.closed {
				p.ended()
				busy = true
			}
		}
	}
}

// scan judges a PDU that leaves.
func (w *simWorld) scan(p *simPeer, f frame) {
	whole := append(make([]byte, pdu.HeaderLen), f.body...)
	pdu.AppendHeader(whole[:0], f.Command, f.Status, f.Sequence)
	var known []e164.Number
	if f.Command == pdu.DeliverSM {
		var m pdu.Message
		if m.Decode(f.body) == nil && (m.ESMClass&pdu.ESMType != 0 || p.ofCarrier()) {
			n, _ := e164.Parse(m.Destination.Digits) // the originator's own, or whom a carrier delivers to
			known = append(known, n)
		}
	}
	if len(w.watch.SMPP(whole, known...)) > 0 {
		w.record(p.event(simLeaked))
	}
}

// intent checks that a message has come to the right party, from a mask.
func (w *simWorld) intent(p *simPeer, m *pdu.Message, e simEvent) {
	if mask := string(m.Source.Digits); mask != maskOfAlice && mask != maskOfBob && mask != maskShop {
		w.fault("no number of the other party: " + e.message + " does not come from a mask")
	}
	want, known := w.intents[e.message]
	if got := string(m.Destination.Digits); !known || (want != "" || p.ofCarrier()) && got != want || p.account && !p.ofCarrier() && want != "" {
		e.kind = simLeaked
		w.record(e)
	}
}
