package smpp

import "github.com/prometheus/client_golang/prometheus"

// collector reads counters and state when it is scraped, so that counting costs
// a message one addition.
type collector struct {
	edge                                       *Edge
	pdus, messages, binds                      *prometheus.Desc
	windowUsed, windowLimit                    *prometheus.Desc
	waiting, held, submissions, parked, unread *prometheus.Desc
}

func newCollector(e *Edge) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("maskline_smpp_"+name, help, labels, nil)
	}
	return &collector{
		edge:        e,
		pdus:        desc("pdus_total", "PDUs, by peer, direction, command and status.", "peer", "direction", "command", "status"),
		messages:    desc("messages_total", "Messages, by where they came from, where they went last and what became of them.", "from", "to", "outcome"),
		binds:       desc("binds", "Binds, by peer and state.", "peer", "state"),
		windowUsed:  desc("window_used", "Messages to a peer that it has not answered.", "peer"),
		windowLimit: desc("window_limit", "Messages that its binds may leave unanswered.", "peer"),
		waiting:     desc("waiting", "Messages that wait for room in a peer's windows.", "peer"),
		held:        desc("receipts_held", "Receipts that wait for an account to bind.", "account"),
		submissions: desc("submissions", "Accepted messages whose receipts can be joined.", "carrier"),
		parked:      desc("receipts_parked", "Receipts whose message is not known.", "carrier"),
		unread:      desc("outbox_octets", "Octets that a peer has not taken yet.", "peer"),
	}
}

// Describe is prometheus.Collector's.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.pdus, c.messages, c.binds, c.windowUsed, c.windowLimit, c.waiting, c.held, c.submissions, c.parked, c.unread,
	} {
		ch <- d
	}
}

// Collect is prometheus.Collector's.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		if v > 0 {
			ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
		}
	}
	peers := c.edge.metrics.all()
	for _, p := range peers {
		for d := range p.pdus {
			for command := range p.pdus[d] {
				for status := range p.pdus[d][command] {
					counter(c.pdus, p.pdus[d][command][status].Load(),
						p.name, direction(d).String(), commandName(command), p.names.statuses[status])
				}
			}
		}
		for to := range peers {
			name := "none"
			if to > 0 {
				name = peers[to].name
			}
			for o := range outcomes {
				counter(c.messages, p.sum(to, o), p.name, name, o.String())
			}
		}
	}
	c.collectState(ch)
}

func (c *collector) collectState(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	type key struct{ peer, state string }
	binds := map[key]int{}
	used, limit, unread := map[string]int{}, map[string]int{}, map[string]int{}
	for _, b := range c.edge.Binds() {
		binds[key{b.Peer, b.State}]++
		used[b.Peer] += b.WindowUsed
		limit[b.Peer] += b.WindowLimit
		unread[b.Peer] += b.Unread
	}
	for k, n := range binds {
		gauge(c.binds, n, k.peer, k.state)
	}
	for name, n := range limit {
		gauge(c.windowUsed, used[name], name)
		gauge(c.windowLimit, n, name)
		gauge(c.unread, unread[name], name)
	}
	waiting := map[string]int{}
	for _, a := range c.edge.accountList() {
		gauge(c.held, a.held.length(), a.cfg.SystemID)
		waiting[a.peer.name] += int(a.destination.queued.Load())
	}
	for _, carrier := range c.edge.carriers {
		submissions, parked := carrier.joiner.size()
		gauge(c.submissions, submissions, carrier.cfg.Name)
		gauge(c.parked, parked, carrier.cfg.Name)
		waiting[carrier.peer.name] += int(carrier.destination.queued.Load())
	}
	for name, n := range waiting {
		gauge(c.waiting, n, name)
	}
}
