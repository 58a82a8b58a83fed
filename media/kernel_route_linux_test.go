package media

import (
	"net/netip"
	"testing"
	"time"
)

func TestRoutesAreAskedOnceInAWhile(t *testing.T) {
	now, asked := time.Minute, map[netip.Addr]int{}
	near, far := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")
	r := newRoutes(netip.MustParseAddr("192.0.2.5"), func() time.Duration { return now })
	r.ask = func(_, to netip.Addr) bool {
		asked[to]++
		return to == near
	}
	both := func(want int) {
		t.Helper()
		for _, to := range []netip.Addr{near, far} {
			for range 100 {
				if r.ours(to) != (to == near) {
					t.Fatalf("%v: %v", to, r.ours(to))
				}
			}
			if asked[to] != want {
				t.Errorf("%v was asked about %d times, want %d", to, asked[to], want)
			}
		}
	}
	for r.place(near) == r.place(far) { // as one time in 512
		r = &routes{own: r.own, now: r.now, ask: r.ask, seed: newRoutes(r.own, r.now).seed}
	}
	both(1)
	now += routeFresh - 1
	both(1)
	now++
	both(2)
}

// A place that two addresses share answers each for itself.
func TestRoutesOfManyAddresses(t *testing.T) {
	r := newRoutes(netip.MustParseAddr("192.0.2.5"), func() time.Duration { return time.Minute })
	odd := func(a netip.Addr) bool { return a.As4()[3]%2 == 1 }
	r.ask = func(_, to netip.Addr) bool { return odd(to) }
	for i := range 4000 {
		to := netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})
		if r.ours(to) != odd(to) {
			t.Fatalf("%v: %v", to, !odd(to))
		}
	}
}

func TestSendsFrom(t *testing.T) {
	for _, c := range []struct {
		own, to string
		want    bool
	}{
		{"127.0.0.1", "127.0.0.9", true},
		{"127.0.0.5", "127.0.0.9", false},
	} {
		if got := sendsFrom(netip.MustParseAddr(c.own), netip.MustParseAddr(c.to)); got != c.want {
			t.Errorf("from %s to %s: %v", c.own, c.to, got)
		}
	}
}

func TestKnownRoutesAllocateNothing(t *testing.T) {
	r := newRoutes(netip.MustParseAddr("127.0.0.1"), func() time.Duration { return time.Minute })
	to := netip.MustParseAddr("127.0.0.9")
	if n := testing.AllocsPerRun(100, func() { r.ours(to) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
