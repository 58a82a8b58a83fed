package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/configs"
	"maskline/e164"
	"maskline/testbench/exchange"
	"maskline/testbench/smppsim"
)

// The people of the demo. All numbers are from ranges reserved for fiction.
var (
	rider    = e164.MustParse("+447700900101")
	driver   = e164.MustParse("+447700900202")
	customer = e164.MustParse("+447700900303")
	stranger = e164.MustParse("+447700900404")

	riderDials  = e164.MustParse("+442079460011") // reaches the driver
	driverDials = e164.MustParse("+442079460022") // reaches the rider
	shopNumber  = e164.MustParse("+442079460033") // public, reaches the shop's account
)

const demoBindings = `mask,party,to,present,services,carriers,expires_at,tenant
+442079460011,+447700900101,tel:+447700900202,+442079460022,sms+voice,,,shop
+442079460022,+447700900202,tel:+447700900101,+442079460011,sms+voice,,,shop
+442079460033,*,smpp:shop,+442079460033,sms,,,shop
`

const demoConfig = `
node: demo
data_dir: %[1]s
drain: {sms: 2s, calls: 2s}
tenants: [{name: shop}]
api: {listen: "%[2]s"}
smpp:
  listen: [{addr: "127.0.0.1:0"}]
  answer_within: 5s
  accounts: [{system_id: shop, password: demo, tenant: shop}]
sip:
  listen: [{addr: "udp://127.0.0.1:0"}]
media: {addr: 127.0.0.1, ports: 20000-20399}
carriers:
  - name: alfa
    priority: 10
    smpp: [{addr: "%[3]s", system_id: maskline, password: demo, reconnect: {min: 50ms, max: 200ms, per_minute: 0}, response_timeout: 2s}]
    sip: [{addr: "udp://%[4]s", media_from: [127.0.0.0/8], first_response: 500ms, probe: {every: 1s, down_after: 30}}]
  - name: bravo
    priority: 20
    smpp: [{addr: "%[5]s", system_id: maskline, password: demo, reconnect: {min: 50ms, max: 200ms, per_minute: 0}, response_timeout: 2s}]
    sip: [{addr: "udp://%[6]s", media_from: [127.0.0.0/8], first_response: 500ms, probe: {every: 1s, down_after: 30}}]
`

// demoCarrier is a simulated carrier.
type demoCarrier struct {
	name     string
	smsc     *smppsim.SMSC
	exchange *exchange.Exchange
}

func startCarrier(name string) (c *demoCarrier, err error) {
	c = &demoCarrier{name: name}
	if c.smsc, err = smppsim.StartSMSC(name); err != nil {
		return nil, err
	}
	if c.exchange, err = exchange.Start(name); err != nil {
		c.smsc.Close()
		return nil, err
	}
	return c, nil
}

func (c *demoCarrier) close() {
	c.smsc.Close()
	c.exchange.Close()
}

// world is the demo's edge and everybody around it.
type world struct {
	alfa, bravo *demoCarrier
	shop        *smppsim.ESME
	edge        *edge
	log         logBuffer
	dir         string

	stopEdge context.CancelFunc
	stopped  chan struct{} // closed when the edge has ended
	ended    error         // why; read after stopped
	sipAddr  netip.AddrPort
}

// startWorld starts two carriers, the edge between them and the shop.
func startWorld(ctx context.Context, apiListen string) (*world, error) {
	w := &world{}
	if err := w.start(ctx, apiListen); err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func (w *world) start(ctx context.Context, apiListen string) (err error) {
	if w.alfa, err = startCarrier("alfa"); err != nil {
		return err
	}
	if w.bravo, err = startCarrier("bravo"); err != nil {
		return err
	}
	if w.dir, err = os.MkdirTemp("", "maskline-demo-"); err != nil {
		return err
	}
	if err = w.startEdge(ctx, apiListen); err != nil {
		return err
	}
	smppAddr := w.edge.smppAddrs()[0].(*net.TCPAddr).AddrPort()
	w.sipAddr = w.edge.sipAddrs()[0]
	if err = w.await(ctx, "the carriers' binds and trunks", w.linked); err != nil {
		return err
	}
	if w.shop, err = smppsim.BindESME(ctx, smppAddr, "shop", "demo"); err != nil {
		return err
	}
	if _, err = w.edge.bindings.Import(ctx, strings.NewReader(demoBindings)); err != nil {
		return fmt.Errorf("importing the bindings: %w", err)
	}
	return nil
}

func (w *world) startEdge(ctx context.Context, apiListen string) error {
	text := fmt.Sprintf(demoConfig, w.dir, apiListen, w.alfa.smsc.Addr(), w.alfa.exchange.Addr(), w.bravo.smsc.Addr(), w.bravo.exchange.Addr())
	cfg, err := configs.Parse("demo.yaml", []byte(text), os.LookupEnv)
	if err != nil {
		return err
	}
	log, err := newLogger(&w.log, "debug", "json")
	if err != nil {
		return err
	}
	e, err := newEdge(ctx, cfg, log, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	if err := e.Listen(ctx); err != nil {
		return errors.Join(err, e.close())
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.edge, w.stopEdge, w.stopped = e, stop, make(chan struct{})
	go func() {
		defer close(w.stopped)
		w.ended = e.Run(serving)
	}()
	return nil
}

// linked reports whether both carriers can be used for both services.
func (w *world) linked() bool {
	for _, c := range w.edge.router.Carriers() {
		for _, r := range w.edge.health().Report().Carriers {
			if r.Carrier == c.Name && (!r.Up || r.Breaker != "closed") {
				return false
			}
		}
	}
	return true
}

func (w *world) carriers() []*demoCarrier { return []*demoCarrier{w.alfa, w.bravo} }

// stop ends everything that was started, in the order of dependence.
func (w *world) stop() {
	if w.shop != nil {
		w.shop.Close()
	}
	if w.stopEdge != nil {
		w.stopEdge()
		<-w.stopped
	}
	for _, c := range w.carriers() {
		if c != nil {
			c.close()
		}
	}
	if w.dir != "" {
		_ = os.RemoveAll(w.dir)
	}
}

// await polls until ok, a timeout or the end of the edge.
func (w *world) await(ctx context.Context, what string, ok func() bool) error {
	deadline := time.NewTimer(startWithin)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-deadline.C:
			return fmt.Errorf("waiting for %s: %w", what, errTimeout)
		case <-w.stopped:
			return fmt.Errorf("waiting for %s: the edge has stopped: %w", what, w.ended)
		}
	}
	return nil
}

// scrape reads /metrics as Prometheus would.
func (w *world) scrape(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.edge.api.Addr().String()+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return io.ReadAll(io.LimitReader(resp.Body, maxLog))
}

func (w *world) introduction() string {
	return fmt.Sprintf(`An edge on loopback between two simulated carriers, alfa (preferred) and bravo,
and a shop bound as an aggregator. Everything below is real SMPP, SIP and RTP.

  rider     %s   dials %s to reach the driver
  driver    %s   dials %s to reach the rider
  customer  %s   writes to the shop at %s

`, rider.Reveal(), riderDials.Reveal(), driver.Reveal(), driverDials.Reveal(), customer.Reveal(), shopNumber.Reveal())
}
