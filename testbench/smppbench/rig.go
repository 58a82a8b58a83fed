package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"maskline/testbench/process"
	"maskline/testbench/smppload"
)

// rig is what all measurements share: a folder, the binary, the bindings, and
// the addresses at which the generator's two carriers listen.
type rig struct {
	config
	dir       string
	binary    string
	plan      *smppload.Plan
	in, out   string // where the edge binds
	kannelIn  string // where Kannel does: the edge stays up beside it
	kannelOut string
	listen    string // where ESMEs bind to it
	edge      *process.Edge
	startTook []time.Duration
	importing time.Duration
}

const (
	importWithin = 5 * time.Minute
	stopWithin   = 20 * time.Second
	tenant       = "shop"
	password     = "bench"
)

func newRig(ctx context.Context, c config) (r *rig, err error) {
	if c.pairs == 0 {
		c.pairs = 3
		if c.peers {
			c.pairs = 5
		}
	}
	r = &rig{config: c, plan: smppload.Generate(c.bindings)}
	if r.dir, err = os.MkdirTemp("", "maskline-bench-"); err != nil {
		return nil, err
	}
	if err := r.prepare(ctx); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *rig) prepare(ctx context.Context) (err error) {
	if r.binary, err = process.Binary(ctx, r.dir); err != nil {
		return err
	}
	for _, addr := range []*string{&r.in, &r.out, &r.kannelIn, &r.kannelOut, &r.listen} {
		if *addr, err = freeAddr(ctx); err != nil {
			return err
		}
	}
	return nil
}

// freeAddr is an address that nobody listens on. The measured processes are
// told it before anybody does.
func freeAddr(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("choosing a port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func (r *rig) close() {
	err := r.stopEdge()
	if err := errors.Join(err, os.RemoveAll(r.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "smppbench: tidying up:", err)
	}
}

// share is so many messages, or nanoseconds, of a run at the scale.
func (r *rig) share(full int) int { return max(1, full*r.scale/100) }

func (r *rig) during(full time.Duration) time.Duration { return time.Duration(r.share(int(full))) }

// edgeConfig is what varies between the edges that are measured.
type edgeConfig struct {
	name     string // of its folder, and so of its store
	plan     *smppload.Plan
	sessions int // binds to each carrier
	window   int // of each of them
}

const edgeText = `node: bench
data_dir: ./data
api: {listen: "127.0.0.1:0"}
tenants: [{name: shop}]
smpp:
  listen: [{addr: "%[1]s"}]
  accounts:
    - {system_id: shop, password: bench, tenant: shop, binds: 1000, window: 10000}
carriers:
  - name: in
    priority: 10
    prefixes: ["999"] # nothing is sent there
    smpp: [{addr: "%[2]s", system_id: bench, sessions: %[4]d, window: %[5]d, reconnect: {min: 50ms, max: 200ms, per_minute: 0}}]
  - name: out
    priority: 20
    smpp: [{addr: "%[3]s", system_id: bench, sessions: %[4]d, window: %[5]d, reconnect: {min: 50ms, max: 200ms, per_minute: 0}}]
`

// startEdge runs an edge instead of the present one, and times its start. The
// bindings are imported where its folder is new.
func (r *rig) startEdge(ctx context.Context, c edgeConfig) error {
	if err := r.stopEdge(); err != nil {
		return err
	}
	dir := filepath.Join(r.dir, c.name)
	text := fmt.Sprintf(edgeText, r.listen, r.in, r.out, c.sessions, c.window)
	if err := os.Mkdir(dir, 0o700); err == nil {
		if err := r.importInto(ctx, dir, text, c.plan); err != nil {
			return err
		}
	} else if !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("starting the edge: %w", err)
	}
	began := time.Now()
	e, err := process.Start(ctx, process.Config{Binary: r.binary, Dir: dir, Text: text})
	if err != nil {
		return err
	}
	r.edge = e
	if c.plan.Len() == r.bindings {
		r.startTook = append(r.startTook, time.Since(began))
	}
	return nil
}

func (r *rig) stopEdge() error {
	if r.edge == nil {
		return nil
	}
	e := r.edge
	r.edge = nil
	if err := e.Stop(stopWithin); err != nil {
		return errors.Join(fmt.Errorf("stopping the edge: %w", err), e.Kill())
	}
	return nil
}

// importInto fills the store of a folder while no edge runs on it.
func (r *rig) importInto(ctx context.Context, dir, text string, plan *smppload.Plan) error {
	csv := filepath.Join(dir, "bindings.csv")
	file, err := os.Create(csv)
	if err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	if err := errors.Join(plan.WriteCSV(file, tenant, ""), file.Close()); err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "edge.yaml"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, importWithin)
	defer cancel()
	began := time.Now()
	cmd := exec.CommandContext(ctx, r.binary, "routes", "import", csv, "--config", "edge.yaml")
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("importing: %w: %s", err, output)
	}
	if plan.Len() == r.bindings {
		r.importing = time.Since(began)
	}
	return os.Remove(csv)
}
