package smpp

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/smpp/pdu"
)

type direction uint8

const (
	inbound direction = iota
	outbound
	directions
)

func (d direction) String() string { return [directions]string{"in", "out"}[d] }

// outcome is what became of a message.
type outcome uint8

const (
	outcomeAccepted     outcome = iota // a downstream has it, and the upstream knows
	outcomeRefused                     // refused for good
	outcomeTemporary                   // the upstream was told to try again
	outcomeUnknown                     // sent, never answered; the upstream was told to try again
	outcomeDropped                     // acknowledged and thrown away, by policy
	outcomeLateAccepted                // accepted after the upstream had been told otherwise
	outcomes
)

func (o outcome) String() string {
	return [outcomes]string{"accepted", "refused", "temporary", "unknown", "dropped", "late_accepted"}[o]
}

// peer is a carrier or an account in metrics. Its counters are read only when
// they are scraped.
type peer struct {
	name         string
	index        int
	names        *names
	pdus         [directions][commandCount][]atomic.Uint64 // by status
	messages     atomic.Pointer[[]*outcomeCounts]          // by the index of the peer that they went to, 0: none; nil: nothing yet
	responseTime prometheus.Observer                       // of carriers
	uncertain    atomic.Int32                              // messages from it whose redelivery would be known
	receiptDelay prometheus.Observer                       // of carriers
}

func (p *peer) count(d direction, c pdu.Command, s pdu.Status) {
	p.pdus[d][commandIndex(c)][p.names.indexOfStatus(s)].Add(1)
}

// outcome counts a message from p that went to another peer, or to none.
func (p *peer) outcome(to *peer, o outcome) {
	i := 0
	if to != nil {
		i = to.index
	}
	p.toward(i)[o].Add(1)
}

type outcomeCounts [outcomes]atomic.Uint64

// toward finds or makes the counts of messages to the peer with this index.
func (p *peer) toward(i int) *outcomeCounts {
	for {
		list := p.messages.Load()
		if i < len(*list) && (*list)[i] != nil {
			return (*list)[i]
		}
		longer := make([]*outcomeCounts, max(len(*list), i+1))
		copy(longer, *list)
		longer[i] = new(outcomeCounts)
		p.messages.CompareAndSwap(list, &longer) // where another was faster, its list may do
	}
}

// sum is how many messages to the peer with index i had this outcome.
func (p *peer) sum(i int, o outcome) uint64 {
	if list := *p.messages.Load(); i < len(list) && list[i] != nil {
		return list[i][o].Load()
	}
	return 0
}

type metrics struct {
	names   *names
	peers   atomic.Pointer[[]*peer] // by index; an account that is added makes it longer
	unbound *peer                   // connections that are not bound; the first of peers

	receipts           [receiptResults]prometheus.Counter
	authFailures       [authFaults]prometheus.Counter
	refusedConnections prometheus.Counter
	answersLost        prometheus.Counter
	late               prometheus.Counter
	unexpected         prometheus.Counter
	mismatched         prometheus.Counter
	panics             prometheus.Counter
	redeliveries       [redeliveryEnd]prometheus.Counter // by what is known of the first one
	gathered           [joinResults]prometheus.Counter   // segments that were to be put together
	responseTime       *prometheus.HistogramVec
	tlsFailures        *prometheus.CounterVec
	receiptDelay       *prometheus.HistogramVec
	probeTime          *prometheus.HistogramVec
	alerts             [2]prometheus.Counter // dropped, passed
	replaced           [replacements]prometheus.Counter
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "maskline_smpp_" + name, Help: help})
	}
	return &metrics{
		names:              newNames(),
		refusedConnections: counter("refused_connections_total", "Connections closed at once because of a limit."),
		answersLost:        counter("answers_lost_total", "Answers whose upstream was gone."),
		late:               counter("late_responses_total", "Responses that came after their upstream was answered."),
		unexpected:         counter("unexpected_responses_total", "Responses that answer no request."),
		mismatched:         counter("mismatched_responses_total", "Responses of another type than their request."),
		panics:             counter("panics_total", "Panics caught while handling a PDU; each is a bug."),
		responseTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "maskline_smpp_response_seconds",
			Help:    "Time from a message sent to a carrier to its response.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"carrier"}),
		probeTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "maskline_smpp_enquire_link_seconds",
			Help:    "Time from an enquire_link to its response, by bind.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"peer", "direction", "bind"}),
		tlsFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskline_smpp_tls_failures_total", Help: "TLS handshakes that failed, by peer and reason.",
		}, []string{"peer", "reason"}),
		receiptDelay: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "maskline_smpp_receipt_delay_seconds",
			Help:    "Time from a carrier's acceptance of a message to its final receipt.",
			Buckets: prometheus.ExponentialBuckets(0.25, 4, 10), // to 18 hours
		}, []string{"peer"}),
	}
}

// all is every peer, by index.
func (m *metrics) all() []*peer {
	if list := m.peers.Load(); list != nil {
		return *list
	}
	return nil
}

// peer finds or makes the peer with this name. One goroutine at a time calls it.
func (m *metrics) peer(name string) *peer {
	list := m.all()
	for _, p := range list {
		if p.name == name {
			return p
		}
	}
	p := &peer{name: name, index: len(list), names: m.names}
	p.messages.Store(new([]*outcomeCounts))
	for d := range p.pdus {
		for c := range p.pdus[d] {
			p.pdus[d][c] = make([]atomic.Uint64, len(m.names.statuses))
		}
	}
	list = append(slices.Clip(list), p)
	m.peers.Store(&list)
	return p
}

func (m *metrics) register(e *Edge, reg prometheus.Registerer) error {
	receipts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_smpp_receipts_total", Help: "Delivery receipts, by what became of them.",
	}, []string{"outcome"})
	for r := range receiptResults {
		m.receipts[r] = receipts.WithLabelValues(r.String())
	}
	redeliveries := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_smpp_redeliveries_total",
		Help: "Messages that repeat one of unknown outcome, by what became of the first one.",
	}, []string{"outcome"})
	for _, c := range []certainty{underWay, givenUp, acceptedLate} {
		m.redeliveries[c] = redeliveries.WithLabelValues(c.String())
	}
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_smpp_auth_failures_total", Help: "Binds of peers that were refused, by reason.",
	}, []string{"reason"})
	for f := authOK + 1; f < authFaults; f++ {
		m.authFailures[f] = refused.WithLabelValues(f.String())
	}
	for f := range tlsFaults {
		m.tlsFailures.WithLabelValues(m.unbound.name, f.String())
	}
	alerts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_smpp_alerts_total", Help: "alert_notifications of carriers, by whether an account could be told.",
	}, []string{"outcome"})
	m.alerts = [2]prometheus.Counter{alerts.WithLabelValues("dropped"), alerts.WithLabelValues("passed")}
	replaced := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_smpp_replacements_refused_total",
		Help: "Requests of replace_sm that no carrier heard of, by why: what rules refuse, and texts that cannot be written.",
	}, []string{"reason"})
	for r := range replacements {
		m.replaced[r] = replaced.WithLabelValues(r.String())
	}
	gathered := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_smpp_gathered_total",
		Help: "Long messages whose segments were put together, and segments or messages where that failed, by why.",
	}, []string{"outcome"})
	for r := joinWhole; r < joinResults; r++ {
		m.gathered[r] = gathered.WithLabelValues(r.String())
	}
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "maskline_smpp_gathering", Help: "Long messages whose segments are not all there yet.",
	}, func() float64 {
		sets, _ := e.segments.size()
		return float64(sets)
	})
	all := []prometheus.Collector{
		receipts, redeliveries, gathered, waiting, refused, alerts, replaced, m.probeTime, m.refusedConnections, m.answersLost,
		m.late, m.unexpected, m.mismatched, m.panics, m.responseTime, m.receiptDelay, m.tlsFailures, newCollector(e),
		newBindCollector(e),
	}
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func (m *metrics) alerted(passed bool) {
	if passed {
		m.alerts[1].Inc()
		return
	}
	m.alerts[0].Inc()
}

func (m *metrics) tlsFailed(peer string, fault tlsFault) {
	m.tlsFailures.WithLabelValues(peer, fault.String()).Inc()
}

func (s *session) count(d direction, c pdu.Command, status pdu.Status) {
	p := s.edge.metrics.unbound
	if s.terms != nil {
		p = s.terms.peer
	} else if s.dialer != nil {
		p = s.dialer.carrier.peer
	}
	p.count(d, c, status)
}

// floods lets one log line a second pass of what an attacker can cause at will.
type floods struct{ last atomic.Int64 }

func (f *floods) allow(at int64) bool {
	last := f.last.Load()
	return at-last >= int64(time.Second) && f.last.CompareAndSwap(last, at)
}
