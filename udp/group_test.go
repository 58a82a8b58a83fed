package udp

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"maskline/testbench/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taker checks that one socket's datagrams come one at a time and, of each source,
// in their order.
type taker struct {
	t      *testing.T
	busy   atomic.Bool
	mu     sync.Mutex
	last   map[netip.AddrPort]uint32
	count  atomic.Int64
	faults atomic.Int64
}

func (k *taker) Datagram(b []byte, from netip.AddrPort) {
	if !k.busy.CompareAndSwap(false, true) {
		k.t.Error("two are handled at the same time")
	}
	defer k.busy.Store(false)
	k.mu.Lock()
	defer k.mu.Unlock()
	n := binary.BigEndian.Uint32(b)
	if k.last[from] >= n {
		k.t.Errorf("%d after %d", n, k.last[from])
	}
	k.last[from] = n
	k.count.Add(1)
}

func (k *taker) Fault() { k.faults.Add(1) }

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

func listen(t *testing.T, addr netip.AddrPort, sockets int) []*Socket {
	t.Helper()
	all, err := Listen(addr, sockets, 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, s := range all {
			s.Close()
		}
	})
	return all
}

func serve(t *testing.T, sockets []*Socket) (takers []*taker) {
	t.Helper()
	g, err := NewGroup()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sockets {
		k := &taker{t: t, last: map[netip.AddrPort]uint32{}}
		takers = append(takers, k)
		if err := g.Add(s, k); err != nil {
			t.Fatal(err)
		}
	}
	var running sync.WaitGroup
	running.Go(g.Run)
	t.Cleanup(func() {
		g.Stop()
		running.Wait()
		g.Stop()
	})
	return takers
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	await.That(t, 20*time.Second, what, ok)
}

// TestGroup has many sources send to several sockets, in bursts, so that helpers
// take part; with one processor Go's poller waits.
func TestGroup(t *testing.T) {
	for _, processors := range []int{1, 4} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
			const sources, bursts, burst = 8, 40, 25
			in := listen(t, loopback, 3)
			other := listen(t, loopback, 1)
			takers := serve(t, append(in, other...))
			total := func() (n int64) {
				for _, k := range takers {
					n += k.count.Load()
				}
				return n
			}
			var out []*Socket
			for range sources {
				out = append(out, listen(t, loopback, 1)[0])
			}
			sent := int64(0)
			for i := range bursts {
				for j := range burst {
					b := binary.BigEndian.AppendUint32(nil, uint32(i*burst+j+1))
					for k, s := range out {
						to := in[0].Local()
						if k%4 == 0 {
							to = other[0].Local()
						}
						if err := s.Send(b, to); err != nil {
							t.Fatal(err)
						}
						sent++
					}
				}
				eventually(t, "all of a burst is handled", func() bool { return total() == sent })
			}
		}()
	}
}

// TestGroupFault has a send meet nobody: what the kernel says of it on the next
// read keeps nothing back.
func TestGroupFault(t *testing.T) {
	in, gone := listen(t, loopback, 1)[0], listen(t, loopback, 1)[0]
	k := serve(t, []*Socket{in})[0]
	gone.Close()
	if err := in.Send([]byte("x"), gone.Local()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the fault is told", func() bool { return k.faults.Load() > 0 })
	in.Notes(func([]byte) {})
	if err := listen(t, loopback, 1)[0].Send([]byte{0, 0, 0, 1}, in.Local()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a datagram comes", func() bool { return k.count.Load() == 1 })
}

// TestGroupNotRun holds nothing when it was stopped before it ran.
func TestGroupNotRun(t *testing.T) {
	g, err := NewGroup()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Add(listen(t, loopback, 1)[0], nil); err != nil {
		t.Fatal(err)
	}
	g.Stop()
	g.Run()
}
