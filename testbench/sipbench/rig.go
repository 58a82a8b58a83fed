package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"maskline/testbench/process"
)

// rig is what all measurements share: a folder, the binary, the bindings, and
// the ports of both SIPp.
type rig struct {
	config
	dir            string
	binary         string
	numbers        string // SIPp's file of callers and the masks that they dial
	caller, callee int
	edge           *process.Edge
}

const (
	importWithin = 5 * time.Minute
	stopWithin   = 60 * time.Second
	callers      = 1000 // that call in turn; the other bindings are there to be searched
)

func newRig(ctx context.Context, c config) (r *rig, err error) {
	r = &rig{config: c}
	if r.dir, err = os.MkdirTemp("", "maskline-bench-"); err != nil {
		return nil, err
	}
	if err := r.prepare(ctx); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *rig) prepare(ctx context.Context) (err error) {
	if r.binary, err = process.Binary(ctx, r.dir); err != nil {
		return err
	}
	if r.caller, err = freePort(); err != nil {
		return err
	}
	if r.callee, err = freePort(); err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString("SEQUENTIAL\n")
	for i := range callers {
		fmt.Fprintf(&text, "%d;%d\n", party(i), mask(i))
	}
	r.numbers = filepath.Join(r.dir, "numbers.csv")
	if err := errors.Join(os.WriteFile(r.numbers, []byte(text.String()), 0o600), writeScenarios(r.dir)); err != nil {
		return fmt.Errorf("writing SIPp's files: %w", err)
	}
	return r.importBindings(ctx)
}

// party is a caller's number, mask the one that it dials.
func party(i int) int { return 447_700_000_000 + i }
func mask(i int) int  { return 441_110_000_000 + i%5000 }

// freePort is a UDP port that nobody has. SIPp is told it before it opens it.
func freePort() (int, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, fmt.Errorf("choosing a port: %w", err)
	}
	return conn.LocalAddr().(*net.UDPAddr).Port, conn.Close()
}

const edgeText = `node: bench
data_dir: ./data
api: {listen: "127.0.0.1:0"}
tenants: [{name: shop}]
sip: {listen: [{addr: "udp://127.0.0.1:0"}]}
media: {addr: 127.0.0.1, ports: 10000-28999, drain: 200ms, timeout: {initial: 10m, silent: 10m}}
carriers:
  - name: in
    priority: 10
    prefixes: ["999"] # no call is sent there
    sip: [{addr: "udp://127.0.0.1:%[1]d", allow: [127.0.0.1/32], media_from: [127.0.0.0/8], probe: {every: 0s}, first_response: 10s, trying: 20s}]
  - name: out
    priority: 20
    sip: [{addr: "udp://127.0.0.1:%[2]d", allow: [127.0.0.1/32], media_from: [127.0.0.0/8], probe: {every: 0s}, first_response: 10s, trying: 20s}]
`

func (r *rig) edgeDir() string { return filepath.Join(r.dir, "edge") }

func (r *rig) edgeConfig() string { return fmt.Sprintf(edgeText, r.caller, r.callee) }

// importBindings fills the edge's store while no edge runs on it.
func (r *rig) importBindings(ctx context.Context) error {
	if err := os.Mkdir(r.edgeDir(), 0o700); err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	var text strings.Builder
	text.WriteString("mask,party,to,present,services,carriers,expires_at\n")
	for i := range r.bindings {
		fmt.Fprintf(&text, "%d,%d,tel:+%d,%d,voice,,\n", mask(i), party(i), 447_800_000_000+i, mask(i+1))
	}
	csv := filepath.Join(r.edgeDir(), "bindings.csv")
	config := filepath.Join(r.edgeDir(), "edge.yaml")
	if err := errors.Join(os.WriteFile(csv, []byte(text.String()), 0o600), os.WriteFile(config, []byte(r.edgeConfig()), 0o600)); err != nil {
		return fmt.Errorf("importing: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, importWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.binary, "routes", "import", csv, "--config", "edge.yaml")
	cmd.Dir = r.edgeDir()
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("importing: %w: %s", err, output)
	}
	return nil
}

// startEdge starts an edge where none runs.
func (r *rig) startEdge(ctx context.Context) (*target, error) {
	e, err := process.Start(ctx, process.Config{Binary: r.binary, Dir: r.edgeDir(), Text: r.edgeConfig()})
	if err != nil {
		return nil, err
	}
	r.edge = e
	return &target{pid: e.PID(), addr: e.Listeners().SIP[0].String()}, nil
}

// stopEdge ends the calls that SIPp left behind, if any, and the edge.
func (r *rig) stopEdge() error {
	if r.edge == nil {
		return nil
	}
	e := r.edge
	r.edge = nil
	if err := e.Signal(15); err != nil {
		return err
	}
	if _, err := e.Wait(stopWithin); err != nil {
		return errors.Join(fmt.Errorf("stopping the edge: %w", err), e.Kill())
	}
	return nil
}

func (r *rig) close() error { return errors.Join(r.stopEdge(), os.RemoveAll(r.dir)) }

// during is a time of a run at the scale.
func (r *rig) during(full time.Duration) time.Duration {
	return max(time.Second, full*time.Duration(r.scale)/100)
}

func (r *rig) arguments() string {
	if r.scale != 100 {
		return " SCALE=" + strconv.Itoa(r.scale)
	}
	return ""
}
