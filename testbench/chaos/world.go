package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"maskline/testbench/loopback"
	"maskline/testbench/process"
	"maskline/testbench/smppload"
)

// world is the edge and the two loads around it.
type world struct {
	config
	dir   string
	keep  bool
	loads []*stream
	tally tally

	mu     sync.Mutex
	random *rand.Rand
	edge   *process.Edge
}

// stream is one load with carriers of its own.
type stream struct {
	name     string
	plan     *smppload.Plan
	carriers []string
	bench    *smppload.Bench
}

const (
	bindings   = 2000
	window     = 2000
	settle     = 15 * time.Second
	stopWithin = 20 * time.Second

	edgeText = `node: chaos
data_dir: ./data
drain: {sms: 5s}
api: {listen: "127.0.0.1:0"}
tenants: [{name: shop}]
smpp:
  listen: [{addr: "%[1]s"}]
  answer_within: 5s
  accounts:
    - {system_id: shop, password: chaos, tenant: shop, binds: 8, window: 10000}
carriers:
  - {name: in, priority: 10, prefixes: ["999"], smpp: [{addr: "%[2]s", %[3]s}]}
`
	carrierText = "  - {name: %s, priority: 10, prefixes: [\"%s\"], smpp: [{addr: \"%s\", %s}]}\n"
	bindText    = `system_id: maskline, password: chaos, window: 2000, response_timeout: 2s, reconnect: {min: 50ms, max: 500ms, per_minute: 0}`
)

func newWorld(ctx context.Context, c config) (w *world, err error) {
	w = &world{config: c, random: rand.New(rand.NewPCG(c.seed, 1))}
	if err := w.start(ctx); err != nil {
		w.keep = true
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) start(ctx context.Context) (err error) {
	if w.dir, err = os.MkdirTemp("", "maskline-chaos-"); err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	binary, err := process.Binary(ctx, w.dir)
	if err != nil {
		return err
	}
	listen, err := freeAddr(ctx)
	if err != nil {
		return err
	}
	w.loads = []*stream{
		{name: "carrier to carrier", plan: smppload.Generate(bindings), carriers: []string{"alfa", "bravo", "charlie"}},
		{name: "account to carrier", plan: smppload.Generate(bindings, 1), carriers: []string{"delta", "echo"}},
	}
	ends := []smppload.Side{
		{Role: smppload.SMSC, Addr: "127.0.0.1:0"},
		{Role: smppload.ESME, Addr: listen, SystemID: "shop", Password: "chaos", Binds: 2},
	}
	for i, s := range w.loads {
		if err := s.open(ctx, w.config, ends[i]); err != nil {
			return err
		}
	}
	return w.startEdge(ctx, binary, listen)
}

// open listens for the edge.
func (s *stream) open(ctx context.Context, c config, in smppload.Side) (err error) {
	cfg := smppload.Config{
		In: in, Plan: s.plan, Rate: c.rate, Duration: c.duration, Window: window, Seed: c.seed, Settle: settle,
		Receipts: in.Role == smppload.ESME,
	}
	for range s.carriers {
		cfg.Outs = append(cfg.Outs, smppload.Side{Role: smppload.SMSC, Addr: "127.0.0.1:0"})
	}
	if s.bench, err = smppload.New(ctx, cfg); err != nil {
		return err
	}
	s.bench.Bind()
	return nil
}

func (w *world) startEdge(ctx context.Context, binary, listen string) (err error) {
	in, _ := w.loads[0].bench.Addrs()
	var text, csv strings.Builder
	fmt.Fprintf(&text, edgeText, listen, in, bindText)
	for i, s := range w.loads {
		_, outs := s.bench.Addrs()
		for j, name := range s.carriers {
			fmt.Fprintf(&text, carrierText, name, []string{"44", "45"}[i], outs[j], bindText)
		}
		if err := s.plan.WriteCSV(&csv, "shop", ""); err != nil {
			return err
		}
	}
	cfg := process.Config{Binary: binary, Dir: w.dir, Text: text.String()}
	if w.edge, err = process.Start(ctx, cfg); err != nil {
		return err
	}
	return w.edge.Import(ctx, oneHeader(csv.String()))
}

// oneHeader joins what was written one after the other.
func oneHeader(csv string) string {
	head, rows, _ := strings.Cut(csv, "\n")
	return head + "\n" + strings.ReplaceAll(rows, head+"\n", "")
}

// freeAddr is an address that nobody else has, nor gets while the edge is away: it
// keeps it when it starts again.
func freeAddr(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", netip.AddrPortFrom(loopback.Addr(), 0).String())
	if err != nil {
		return "", fmt.Errorf("choosing a port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// close ends all that was started. The folder stays where somebody may want to
// read the log.
func (w *world) close() {
	var err error
	for _, s := range w.loads {
		if s.bench != nil {
			s.bench.Close()
		}
	}
	if w.edge != nil {
		err = w.edge.Kill()
	}
	if !w.keep {
		err = errors.Join(err, os.RemoveAll(w.dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos: tidying up:", err)
	}
}

// chance is a number from 0 to n-1.
func (w *world) chance(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(n)
}

// about is half to one and a half of a time.
func (w *world) about(d time.Duration) time.Duration { return d/2 + time.Duration(w.chance(int(d))) }
