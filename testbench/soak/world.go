package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"maskline/e164"
	"maskline/testbench/exchange"
	"maskline/testbench/pgtest"
	"maskline/testbench/process"
	"maskline/testbench/smppsim"
)

// world is the edge and everybody around it.
type world struct {
	config
	dir     string
	keep    bool // the folder, at the end
	alfa    *carrier
	bravo   *carrier
	store   *pgtest.Server
	people  *people
	tally   *tally
	calls   callTally
	shop    *account
	outlet  *account
	user    *user
	leaks   *leaks
	trouble sync.Mutex // held while the edge or the store is away on purpose

	mu     sync.Mutex
	random *rand.Rand
	edge   *process.Edge
	faults []string
}

type carrier struct {
	name     string
	smsc     *smppsim.SMSC
	exchange *exchange.Exchange
}

const (
	database   = "soak"
	edgeConfig = `node: soak
data_dir: ./data
drain: {sms: 5s, calls: 5s}
database: {url: "%s"}
lifecycle: {parties_per_mask: 0}
api:
  listen: "127.0.0.1:0"
  abuse: {sequential: 0, rotations: 0}
  webhooks: {allow_private: [127.0.0.1/32]}
tenants: [{name: shop}]
smpp:
  listen: [{addr: "127.0.0.1:0"}]
  answer_within: 5s
  accounts:
    - {system_id: shop, password: soak, tenant: shop}
    - {system_id: outlet, password: soak, tenant: shop}
sip:
  listen: [{addr: "udp://127.0.0.1:0"}]
media: {addr: 127.0.0.1, ports: 21000-21999}
carriers:
%s`
	carrierConfig = `  - name: %s
    priority: %d
    smpp: [{addr: "%s", system_id: maskline, password: soak, window: 100, reconnect: {min: 50ms, max: 500ms, per_minute: 0}, response_timeout: 2s}]
    sip: [{addr: "udp://%s", media_from: [127.0.0.0/8], first_response: 500ms, probe: {every: 1s, down_after: 30}}]
`
)

func newWorld(ctx context.Context, c config) (w *world, err error) {
	w = &world{config: c, people: newPeople(), tally: newTally(), random: rand.New(rand.NewPCG(c.seed, 1))}
	if err := w.start(ctx); err != nil {
		w.keep = true
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) start(ctx context.Context) (err error) {
	if w.dir, err = os.MkdirTemp("", "maskline-soak-"); err != nil {
		return err
	}
	binary, err := process.Binary(ctx, w.dir)
	if err != nil {
		return err
	}
	if w.alfa, err = startCarrier("alfa"); err != nil {
		return err
	}
	if w.bravo, err = startCarrier("bravo"); err != nil {
		return err
	}
	if w.store, err = pgtest.Start(ctx, "fsync=on"); err != nil {
		return err
	}
	if err := w.store.CreateDatabase(ctx, database); err != nil {
		return err
	}
	var carriers strings.Builder
	for i, c := range w.carriers() {
		fmt.Fprintf(&carriers, carrierConfig, c.name, i, c.smsc.Addr(), c.exchange.Addr())
	}
	text := fmt.Sprintf(edgeConfig, w.store.URL(database), carriers.String())
	if w.edge, err = process.Start(ctx, process.Config{Binary: binary, Dir: w.dir, Text: text}); err != nil {
		return err
	}
	if err := w.edge.Import(ctx, w.people.bindings()); err != nil {
		return err
	}
	w.shop, w.outlet = newAccount(w, "shop"), newAccount(w, "outlet")
	w.leaks = newLeaks(w)
	w.user, err = newUser(ctx, w)
	return err
}

func startCarrier(name string) (*carrier, error) {
	smsc, err := smppsim.StartSMSC(name)
	if err != nil {
		return nil, err
	}
	x, err := exchange.Start(name)
	if err != nil {
		smsc.Close()
		return nil, err
	}
	return &carrier{name, smsc, x}, nil
}

// close ends all that was started. The folder stays where somebody may want to
// read the log.
func (w *world) close() {
	var err error
	for _, a := range []*account{w.shop, w.outlet} {
		if a != nil {
			a.close()
		}
	}
	if w.user != nil {
		w.user.close()
	}
	if e := w.current(); e != nil {
		err = errors.Join(err, e.Kill())
	}
	for _, c := range w.carriers() {
		if c != nil {
			c.smsc.Close()
			c.exchange.Close()
		}
	}
	if w.store != nil {
		err = errors.Join(err, w.store.Stop())
	}
	if !w.keep {
		err = errors.Join(err, os.RemoveAll(w.dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak: tidying up:", err)
	}
}

func (w *world) carriers() []*carrier { return []*carrier{w.alfa, w.bravo} }

// current is the edge's present life.
func (w *world) current() *process.Edge {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.edge
}

func (w *world) smppAddr() netip.AddrPort { return w.current().Listeners().SMPP[0] }
func (w *world) sipAddr() netip.AddrPort  { return w.current().Listeners().SIP[0] }

// fault notes what must not have happened.
func (w *world) fault(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

// chance is a number from 0 to n-1.
func (w *world) chance(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(n)
}

// people are who writes and calls. All numbers are from ranges reserved for
// fiction.
type people struct {
	riders, drivers, customers []e164.Number
	users                      []e164.Number // whom the API connects
	riderDials, driverDials    []e164.Number // the masks, by place
	shop, outlet               e164.Number
}

const (
	sessions  = 40
	customers = 20
)

func newPeople() *people {
	number := func(start string, n int) e164.Number { return e164.MustParse(fmt.Sprintf("%s%03d", start, n)) }
	const mobile, mask = "+447700900", "+442079460"
	p := &people{shop: number(mask, 1), outlet: number(mask, 2)}
	for i := range sessions {
		p.riders = append(p.riders, number(mobile, 100+i))
		p.drivers = append(p.drivers, number(mobile, 200+i))
		p.riderDials = append(p.riderDials, number(mask, 100+i))
		p.driverDials = append(p.driverDials, number(mask, 200+i))
	}
	for i := range customers {
		p.customers = append(p.customers, number(mobile, 300+i))
	}
	for i := range apiPeople {
		p.users = append(p.users, number(mobile, 400+i))
	}
	return p
}

// everybody is all numbers that nobody else may see.
func (p *people) everybody() []e164.Number {
	return slices.Concat(p.riders, p.drivers, p.customers, p.users)
}

func (p *people) bindings() string {
	var b strings.Builder
	b.WriteString("mask,party,to,present,services,carriers,expires_at,tenant\n")
	for i := range sessions {
		rider, driver, riderDials, driverDials := p.riders[i].Reveal(), p.drivers[i].Reveal(), p.riderDials[i].Reveal(), p.driverDials[i].Reveal()
		fmt.Fprintf(&b, "%s,%s,tel:%s,%s,sms+voice,,,shop\n", riderDials, rider, driver, driverDials)
		fmt.Fprintf(&b, "%s,%s,tel:%s,%s,sms+voice,,,shop\n", driverDials, driver, rider, riderDials)
	}
	fmt.Fprintf(&b, "%[1]s,*,smpp:shop,%[1]s,sms,,,shop\n", p.shop.Reveal())
	fmt.Fprintf(&b, "%[1]s,*,smpp:outlet,%[1]s,sms,,,shop\n", p.outlet.Reveal())
	return b.String()
}
