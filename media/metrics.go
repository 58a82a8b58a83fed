package media

import (
	"github.com/prometheus/client_golang/prometheus"
)

// collector reads the relay's state when it is scraped.
type collector struct {
	relay *Relay

	portsUsed, portsTotal, portsKept, sessions, backend               *prometheus.Desc
	packets, octets, drops, icmp, bindFails, timeouts, overruns, kept *prometheus.Desc
	playing, refused, digits, oneWay                                  *prometheus.Desc
	recordings, recordingLost                                         *prometheus.Desc
}

// register makes the metrics of the relay known until Close.
func (r *Relay) register(reg prometheus.Registerer) error {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("maskline_media_"+name, help, labels, nil)
	}
	c := &collector{
		relay:         r,
		portsUsed:     desc("ports_used", "UDP ports of sessions, resting ones included.", "addr"),
		portsTotal:    desc("ports_total", "UDP ports that sessions can have.", "addr"),
		portsKept:     desc("ports_kept", "UDP ports in no session whose sockets are kept for the next one (portable).", "addr"),
		sessions:      desc("sessions", "Sessions that are not released."),
		backend:       desc("backend_info", "1 for the backend that moves the packets.", "backend"),
		packets:       desc("packets_total", "Packets that passed the checks (in) and that were sent (out).", "direction", "protocol"),
		octets:        desc("octets_total", "Octets of UDP payload of these packets.", "direction", "protocol"),
		drops:         desc("dropped_total", "Packets dropped, by reason.", "reason"),
		icmp:          desc("icmp_errors_total", "Errors reported by the hosts of peers; they change nothing."),
		overruns:      desc("receive_overruns_total", "Packets that the system dropped since a receive buffer was full (or, rarely, a checksum wrong)."),
		kept:          desc("kernel_refused_total", "Streams that stay in user space since the kernel's table of them is full."),
		bindFails:     desc("bind_failures_total", "Pairs of ports that the system refused."),
		timeouts:      desc("timeouts_total", "Sessions found silent for too long, by rule.", "reason"),
		oneWay:        desc("one_way_total", "Sides that were not heard for ten seconds after the answer while the other one was sending."),
		playing:       desc("playing", "Announcements and tones that are being played."),
		refused:       desc("play_refused_total", "Announcements and tones that were not played, since too many were."),
		digits:        desc("digits_total", "Keys heard as telephone events: told to the call, or lost because too many came at once.", "outcome"),
		recordings:    desc("recordings", "Sessions that are being recorded."),
		recordingLost: desc("recording_lost_total", "Packets that are missing in recordings, whose writing was too slow for them."),
	}
	r.unregister = func() { reg.Unregister(c) }
	return reg.Register(c)
}

func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.portsUsed, c.portsTotal, c.portsKept, c.sessions, c.backend,
		c.packets, c.octets, c.drops, c.icmp, c.bindFails, c.timeouts, c.overruns, c.kept,
		c.playing, c.refused, c.digits, c.oneWay, c.recordings, c.recordingLost,
	} {
		ch <- d
	}
}

func (c *collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	r, t := c.relay, c.relay.total
	for _, n := range r.networks {
		gauge(c.portsUsed, 2*n.ports.used(), n.cfg.Addr.String())
		gauge(c.portsTotal, 2*n.ports.total, n.cfg.Addr.String())
		if b, ok := n.backend.(sleeper); ok {
			gauge(c.portsKept, b.sleepers(), n.cfg.Addr.String())
		}
	}
	gauge(c.sessions, r.count())
	gauge(c.backend, 1, r.networks[0].backend.name())
	for _, f := range []struct {
		direction, protocol string
		flow                *flowCounter
	}{
		{"in", "rtp", &t.in},
		{"out", "rtp", &t.out},
		{"in", "rtcp", &t.rtcpIn},
		{"out", "rtcp", &t.rtcpOut},
	} {
		count(c.packets, f.flow.packets.Load(), f.direction, f.protocol)
		count(c.octets, f.flow.octets.Load(), f.direction, f.protocol)
	}
	for d := DropNoRemote; d < dropReasons; d++ {
		count(c.drops, t.drops[d].Load(), d.String())
	}
	for i := range t.timeouts {
		count(c.timeouts, t.timeouts[i].Load(), Timeout(i).String())
	}
	count(c.oneWay, t.oneWay.Load())
	gauge(c.playing, int(r.pacer.playing.Load()))
	count(c.refused, r.pacer.refused.Load())
	count(c.digits, t.digits.Load(), "told")
	count(c.digits, t.digitsLost.Load(), "lost")
	count(c.overruns, t.overruns.Load())
	gauge(c.recordings, int(r.recordings.Load()))
	count(c.recordingLost, t.recordingLost.Load())
	count(c.kept, t.refused.Load())
	count(c.icmp, t.icmp.Load())
	count(c.bindFails, t.bindFailures.Load())
}
