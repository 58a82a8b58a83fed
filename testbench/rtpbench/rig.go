package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"maskline/testbench/process"
	"maskline/testbench/rtpload"
)

// rig is what all measurements share: a folder, the binary, a binding, and the
// relays' media address, which other programs of this host hardly use.
type rig struct {
	config
	media  netip.Addr
	dir    string
	binary string
}

var (
	loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	partyA   = netip.AddrFrom4([4]byte{127, 0, 0, 2})
	partyB   = netip.AddrFrom4([4]byte{127, 0, 0, 3})
)

// The relays' ports: they hold 3,500 calls.
const portMin, portMax = 10000, 23999

const (
	caller = "447700900001"
	mask   = "441110000001"
	called = "447700900002"
)

func newRig(ctx context.Context, c config) (r *rig, err error) {
	r = &rig{config: c, media: netip.AddrFrom4([4]byte{127, byte(64 + rand.N(64)), byte(rand.N(256)), byte(1 + rand.N(250))})}
	if r.dir, err = os.MkdirTemp("", "maskline-bench-"); err != nil {
		return nil, err
	}
	if r.binary, err = process.Binary(ctx, r.dir); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *rig) close() error { return os.RemoveAll(r.dir) }

// during is a time of a run at the scale.
func (r *rig) during(full time.Duration) time.Duration {
	return max(300*time.Millisecond, full*time.Duration(r.scale)/100)
}

func (r *rig) arguments() (text string) {
	if r.scale != 100 {
		text = " SCALE=" + strconv.Itoa(r.scale)
	}
	if r.share != 100 {
		text += " CALLS=" + strconv.Itoa(r.share)
	}
	return text
}

const edgeText = `node: bench
data_dir: ./data
api: {listen: "127.0.0.1:0"}
tenants: [{name: shop}]
sip: {listen: [{addr: "udp://127.0.0.1:0"}]}
media: {addr: %[6]v, ports: %[1]d-%[2]d, backend: %[3]s, drain: 200ms, timeout: {initial: 10m, silent: 10m}}
carriers:
  - name: in
    priority: 10
    prefixes: ["999"] # no call is sent there
    sip: [{addr: "udp://%[4]v", allow: [127.0.0.1/32], media_from: [127.0.0.2/32], latch: %[7]s, probe: {every: 0s}}]
  - name: out
    priority: 20
    sip: [{addr: "udp://%[5]v", allow: [127.0.0.1/32], media_from: [127.0.0.3/32], latch: %[7]s, probe: {every: 0s}}]
`

// subject is what is measured: a relay, and the process that it is; none for the
// generator alone.
type subject struct {
	relay rtpload.Relay
	child *process.Child
	close func() error
}

// startEdge starts an edge on some cores, between carriers with this latch that have
// one binding.
func (r *rig) startEdge(ctx context.Context, backend, latch, cores string) (s *subject, err error) {
	dir, err := os.MkdirTemp(r.dir, "edge-")
	if err != nil {
		return nil, err
	}
	at := netip.AddrPortFrom(loopback, 0)
	carriers, err := rtpload.NewCarriers(rtpload.Trunks{Caller: at, Callee: at, From: caller, Mask: mask})
	if err != nil {
		return nil, err
	}
	under, err := onCores(cores)
	if err != nil {
		return nil, errors.Join(err, carriers.Close())
	}
	in, out := carriers.Addrs()
	e, err := process.Start(ctx, process.Config{Binary: r.binary, Dir: dir, Under: under, Text: fmt.Sprintf(edgeText, portMin, portMax, backend, in, out, r.media, latch)})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting an edge with %s (its log is in %s): %w", backend, filepath.Join(dir, "edge.log"), err), carriers.Close())
	}
	s = &subject{relay: carriers, child: e.Child}
	s.close = func() error { return errors.Join(e.Kill(), carriers.Close(), os.RemoveAll(dir)) }
	csv := fmt.Sprintf("mask,party,to,present,services,carriers,expires_at\n%[1]s,%[2]s,tel:+%[3]s,%[1]s,voice,,\n", mask, caller, called)
	if err := e.Import(ctx, csv); err != nil {
		return nil, errors.Join(err, s.close())
	}
	carriers.Use(e.Listeners().SIP[0])
	return s, nil
}
