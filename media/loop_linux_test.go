package media

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkLoop is what a relayed packet costs the thread that relays it, the
// kernel's part and the delivery over loopback included, when packets for 100
// calls are waiting. Waking up and being interrupted are not in it.
func BenchmarkLoop(b *testing.B) {
	const calls = 100
	bed := newBed(b, func(c *Config) { c.Loops = 1 })
	a, z := newPeer(b, "127.0.0.2"), newPeer(b, "127.0.0.3")
	var sessions [calls]*Session
	for i := range sessions {
		sessions[i] = bed.call(a, z)
	}
	l := bed.networks[0].backend.(*portable).loops[0]
	bed.networks[0].backend.stop()
	if _, err := unix.Read(l.wake, make([]byte, 8)); err != nil {
		b.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p, in, spent, packets := packet(1, 1), make([]byte, 2048), time.Duration(0), 0
	for seq := uint16(0); b.Loop(); seq++ {
		p[2], p[3] = byte(seq>>8), byte(seq)
		for _, s := range sessions {
			a.send(s.Local(A), p)
			z.send(s.Local(B), p)
		}
		start := threadTime(b)
		for done := 0; done < 2*calls; {
			n, err := unix.EpollWait(l.epoll, l.events[:], 0)
			if err != nil || n == 0 {
				b.Fatalf("%d events after %d packets, error %v", n, done, err)
			}
			l.turn(0, n)
			done += n
		}
		spent += threadTime(b) - start
		packets += 2 * calls
		for range calls {
			for _, at := range []*peer{a, z} {
				if _, _, err := at.conn.ReadFromUDPAddrPort(in); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(packets), "ns/packet")
	b.ReportMetric(0, "ns/op")
}

func threadTime(b *testing.B) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}
