package smpp

import "github.com/prometheus/client_golang/prometheus"

// collector reads counters and state when it is scraped, so that counting costs
// a message one addition.
type collector struct {
	edge                                       *Edge
	pdus, messages, binds                      *prometheus.Desc
	windowUsed, windowLimit                    *prometheus.Desc
	waiting, held, submissions, parked, unread *prometheus.Desc
	slowed, slowedRate, unfit                  *prometheus.Desc
	overQuota, quotaLeft, uncertain            *prometheus.Desc
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
		slowed:      desc("slowed_binds", "Binds that send slower because the peer throttles.", "peer"),
		slowedRate:  desc("slowed_rate", "Segments per second that its slowed binds may send together.", "peer"),
		unfit:       desc("unfit_binds", "Binds that are used last: failing or stalled.", "peer", "reason"),
		overQuota:   desc("over_quota_total", "Messages refused because the account's quota was used up.", "account"),
		quotaLeft:   desc("quota_left", "Segments that the account may still submit today, where it has a quota.", "account"),
		uncertain:   desc("uncertain_messages", "Messages of unknown outcome whose redelivery would be recognised."),
		unread:      desc("outbox_octets", "Octets that a peer has not taken yet.", "peer"),
	}
}

// Describe is prometheus.Collector's.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.pdus, c.messages, c.binds, c.windowUsed, c.windowLimit, c.waiting, c.held, c.submissions, c.parked, c.unread,
		c.slowed, c.slowedRate, c.unfit, c.overQuota, c.quotaLeft, c.uncertain,
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

// peerState sums up the binds of one peer.
type peerState struct {
	used, limit, unread, waiting int
	slowed                       int
	rate                         float64
	unfit                        [stalled + 1]int
}

func (p *peerState) add(b *BindState) {
	p.used += b.WindowUsed
	p.limit += b.WindowLimit
	p.unread += b.Unread
	p.waiting += b.Waiting
	p.unfit[b.fitness]++
	if b.Slowed {
		p.slowed++
		p.rate += b.Rate
	}
}

func (c *collector) collectState(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	type key struct{ peer, state string }
	binds := map[key]int{}
	peers := map[string]*peerState{}
	of := func(name string) *peerState { // a reload may add one meanwhile
		if peers[name] == nil {
			peers[name] = &peerState{}
		}
		return peers[name]
	}
	for _, p := range c.edge.metrics.all()[1:] {
		of(p.name)
	}
	for _, b := range c.edge.Binds() {
		binds[key{b.Peer, b.State}]++
		of(b.Peer).add(&b)
	}
	for k, n := range binds {
		gauge(c.binds, float64(n), k.peer, k.state)
	}
	for _, a := range c.edge.accountList() {
		gauge(c.held, float64(a.held.length()), a.cfg.SystemID)
		of(a.peer.name).waiting += a.destination.waiting()
		c.collectQuota(ch, a)
	}
	for _, carrier := range c.edge.carriers {
		submissions, parked := carrier.joiner.size()
		gauge(c.submissions, float64(submissions), carrier.cfg.Name)
		gauge(c.parked, float64(parked), carrier.cfg.Name)
		of(carrier.peer.name).waiting += carrier.destination.waiting()
	}
	for name, p := range peers {
		gauge(c.windowUsed, float64(p.used), name)
		gauge(c.windowLimit, float64(p.limit), name)
		gauge(c.unread, float64(p.unread), name)
		gauge(c.waiting, float64(p.waiting), name)
		gauge(c.slowed, float64(p.slowed), name)
		gauge(c.slowedRate, p.rate, name)
		gauge(c.unfit, float64(p.unfit[failing]), name, failing.String())
		gauge(c.unfit, float64(p.unfit[stalled]), name, stalled.String())
	}
	gauge(c.uncertain, float64(c.edge.redeliveries.length()))
}

func (c *collector) collectQuota(ch chan<- prometheus.Metric, a *account) {
	if !a.quota.limited() {
		return
	}
	left := a.quota.left(c.edge.clock())
	ch <- prometheus.MustNewConstMetric(c.quotaLeft, prometheus.GaugeValue, float64(left), a.cfg.SystemID)
	ch <- prometheus.MustNewConstMetric(c.overQuota, prometheus.CounterValue, float64(a.overQuota.Load()), a.cfg.SystemID)
}
