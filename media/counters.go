package media

import "sync/atomic"

// counters are the relay's totals. The threads write them, a scrape reads them.
type counters struct {
	in, out         flowCounter // RTP
	rtcpIn, rtcpOut flowCounter
	drops           [dropReasons]atomic.Uint64
	icmp            atomic.Uint64 // errors that peers' hosts reported
	overruns        atomic.Uint64 // datagrams that full receive buffers had no room for
	refused         atomic.Uint64 // streams that the kernel's table had no room for
	bindFailures    atomic.Uint64
	digits          atomic.Uint64 // keys that were told
	digitsLost      atomic.Uint64 // and those that were not, too many at once
	timeouts        [timeouts]atomic.Uint64
	oneWay          atomic.Uint64 // sides that were not heard
	recordingLost   atomic.Uint64 // packets that a tap was too slow for
}

type flowCounter struct{ packets, octets atomic.Uint64 }

func (c *flowCounter) addMany(packets, octets uint64) {
	c.packets.Add(packets)
	c.octets.Add(octets)
}

func (c *flowCounter) add(octets int) {
	c.packets.Add(1)
	c.octets.Add(uint64(octets))
}
