package mediaload

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"maskline/testbench/await"
	"maskline/testbench/rtp"
)

// What each stream hears before and while it is measured, at 50 packets a second.
const (
	warmUp = 100
	window = 400
)

// BenchmarkRelay holds a number of G.711 calls for eight seconds, both ways,
// and reports CPU seconds of the relay per million packets, what was lost or
// altered, and one-way latency with the generator's own part in it.
func BenchmarkRelay(b *testing.B) {
	for _, calls := range []int{500, 1000, 1500} {
		b.Run(fmt.Sprintf("calls=%d", calls), func(b *testing.B) {
			for b.Loop() {
				measure(b, calls)
			}
		})
	}
}

func measure(b *testing.B, calls int) {
	g, err := rtp.New(rtp.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	c := startChild(b)
	idle := c.ask(request{})
	streams, setUp := connect(b, g, c, calls)
	hears(streams, warmUp*len(streams), time.Minute)
	before, since := c.ask(request{}), time.Now()
	hears(streams, (warmUp+window)*len(streams), time.Minute)
	after, took := c.ask(request{}), time.Since(since)
	for _, s := range streams {
		s.Stop()
	}
	settles(streams)
	sum := total(streams)
	packets := after.Resent - before.Resent
	b.ReportMetric((after.CPU-before.CPU).Seconds()*1e6/packets, "cpu-s/Mpkt")
	b.ReportMetric(packets/took.Seconds(), "pkt/s")
	b.ReportMetric(float64(sum.Sent-sum.Received), "lost")
	b.ReportMetric(float64(sum.Foreign+sum.Duplicated), "wrong")
	b.ReportMetric(float64(sum.Latency.Quantile(0.5).Microseconds()), "p50-us")
	b.ReportMetric(float64(sum.Latency.Quantile(0.99).Microseconds()), "p99-us")
	b.ReportMetric(float64(setUp.Microseconds())/float64(calls), "setup-us")
	b.ReportMetric(float64(after.Memory-idle.Memory)/float64(calls), "rss-B/call")
	b.ReportMetric(0, "ns/op")
}

// hears waits until streams have heard so much together, or for long enough.
func hears(streams []*rtp.Stream, packets int, most time.Duration) {
	await.Within(most, func() bool { return total(streams).Received >= packets })
}

// settles waits until streams that were stopped have heard all, or for a second
// nothing more.
func settles(streams []*rtp.Stream) {
	sent := total(streams).Sent
	for before := -1; ; {
		heard := total(streams).Received
		if heard == sent || heard == before {
			return
		}
		before = heard
		hears(streams, sent, time.Second)
	}
}

func total(streams []*rtp.Stream) (sum rtp.Report) {
	for _, s := range streams {
		r := s.Report()
		sum.Sent += r.Sent
		sum.Received += r.Received
		sum.Duplicated += r.Duplicated
		sum.Foreign += r.Foreign + r.WrongSource
		sum.Latency.Merge(&r.Latency)
	}
	return sum
}

// connect makes the calls and starts both streams of each.
func connect(b *testing.B, g *rtp.Generator, c *child, calls int) (streams []*rtp.Stream, setUp time.Duration) {
	open := func(ip string) *rtp.Stream {
		s, err := g.Open(netip.MustParseAddr(ip))
		if err != nil {
			b.Fatal(err)
		}
		streams = append(streams, s)
		return s
	}
	for range calls {
		x, y := open("127.0.0.2"), open("127.0.0.3")
		x.Expect(y)
		y.Expect(x)
		r := c.ask(request{A: x.Local(), B: y.Local()})
		setUp += r.SetUp
		x.Start(r.A)
		y.Start(r.B)
	}
	return streams, setUp
}
