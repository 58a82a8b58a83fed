package sip

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/routing"
	"maskline/sip/message"
)

type direction uint8

const (
	inbound direction = iota // what trunks send, and calls from them
	outbound
)

func (d direction) String() string { return [...]string{"in", "out"}[d] }

// metrics are those of the edge; trunkMetrics are resolved once per trunk.
type metrics struct {
	requests      *prometheus.CounterVec
	responses     *prometheus.CounterVec
	attempts      *prometheus.CounterVec
	registers     *prometheus.CounterVec
	failovers     *prometheus.CounterVec
	busyTotal     *prometheus.CounterVec
	calls         *prometheus.CounterVec
	setup         *prometheus.HistogramVec
	seizures      *prometheus.CounterVec
	effective     *prometheus.CounterVec
	ringing       *prometheus.HistogramVec
	talk          *prometheus.HistogramVec
	texts         *prometheus.CounterVec
	lateTexts     *prometheus.CounterVec
	drops         [message.DropCount]prometheus.Counter // by message.Drop
	strangers     prometheus.Counter
	floods        prometheus.Counter
	newcomers     prometheus.Counter
	overloads     prometheus.Counter
	garbage       prometheus.Counter
	strays        prometheus.Counter
	auth          *prometheus.CounterVec
	faults        *prometheus.CounterVec
	announcements *prometheus.CounterVec
	ordered       *prometheus.CounterVec
	panics        prometheus.Counter
	quality       qualityMetrics
	contacts      contactMetrics

	octets         [transports][2]prometheus.Counter // by direction
	streamsRefused [transports]map[string]prometheus.Counter
	streamsEnded   [transports]map[string]prometheus.Counter
	tlsFailures    *prometheus.CounterVec
	dialFailures   *prometheus.CounterVec
	lookupFailures *prometheus.CounterVec
	claimsRefused  *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, edge *Edge) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "maskline_sip_" + name, Help: help}, labels)
	}
	m := &metrics{
		requests:      counter("requests_total", "Requests, by trunk, direction and method.", "trunk", "direction", "method"),
		responses:     counter("responses_total", "Responses, by trunk, direction, method and code.", "trunk", "direction", "method", "code"),
		attempts:      counter("attempts_total", "Attempts to reach a called side, by trunk, outcome and final code.", "trunk", "outcome", "code"),
		registers:     counter("registrations_total", "What came of our REGISTER requests, by trunk and outcome.", "trunk", "outcome"),
		failovers:     counter("failovers_total", "Attempts after which another trunk was tried, by the trunk that was left.", "trunk"),
		busyTotal:     counter("busy_total", "Calls that a trunk could not take, by direction and reason.", "trunk", "direction", "reason"),
		calls:         counter("calls_total", "Calls that ended, by the trunk that they came from and why.", "trunk", "why"),
		auth:          counter("auth_total", "Requests of a trunk that must bring a digest, by what came of it.", "trunk", "verdict"),
		faults:        counter("faults_total", "Messages refused after parsing, by fault.", "fault"),
		texts:         counter("messages_total", "Text messages, by the trunk that they came from or went to, direction and what became of them.", "trunk", "direction", "outcome"),
		lateTexts:     counter("late_messages_total", "Text messages to a trunk that were answered after their sender was told that nobody knew, by what became of them.", "trunk", "outcome"),
		seizures:      counter("seizures_total", "Calls that a trunk was seized for, by direction: taken from it, or attempts to it.", "trunk", "direction"),
		effective:     counter("effective_total", "Attempts in which the trunk did its part: answered, rang, or refused by the called side.", "trunk"),
		announcements: counter("announcements_total", "Announcements to callers in place of a called side, by prompt, and by whether they were played, cut short or could not be played.", "announcement", "outcome"),
		ordered:       counter("ordered_calls_total", "Calls that the edge made to both sides and that ended, by why.", "why"),
		setup: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "maskline_sip_setup_seconds", Help: "From INVITE to the first ringing or answer that the caller was told of, by the trunk that gave it.",
			Buckets: setupBuckets(),
		}, []string{"trunk"}),
		ringing: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "maskline_sip_post_dial_delay_seconds", Help: "From the INVITE of an attempt to its first ringing or answer, by trunk.",
			Buckets: setupBuckets(),
		}, []string{"trunk"}),
		talk: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "maskline_sip_talk_seconds", Help: "From answer to end of answered calls, by trunk and direction.",
			Buckets: []float64{1, 6, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400},
		}, []string{"trunk", "direction"}),
	}
	m.quality, m.contacts = newQualityMetrics(), newContactMetrics(edge)
	dropped := counter("dropped_total", "Datagrams dropped without an answer, and messages over TCP or TLS with which their connection ended, by reason.", "reason")
	for _, d := range message.Drops() {
		m.drops[d] = dropped.WithLabelValues(d.String())
	}
	m.strangers, m.floods = dropped.WithLabelValues("stranger"), dropped.WithLabelValues("flood")
	m.newcomers, m.overloads = dropped.WithLabelValues("newcomer"), dropped.WithLabelValues("overload")
	m.garbage, m.strays = dropped.WithLabelValues("unparsable"), dropped.WithLabelValues("stray")
	panics := counter("panics_total", "Faults of our own that ended one call or message.")
	m.panics = panics.WithLabelValues()
	octets := counter("octets_total", "Octets of signalling, by transport and direction.", "transport", "direction")
	refused := counter("connections_refused_total", "Connections over TCP and TLS that were closed at once, by reason.", "transport", "reason")
	ended := counter("connections_ended_total", "Connections over TCP and TLS that ended, by reason.", "transport", "reason")
	m.tlsFailures = counter("tls_failures_total", "TLS handshakes that failed, by the trunk that we connected to, or none, and reason.", "trunk", "reason")
	m.dialFailures = counter("connect_failures_total", "Connections to a trunk that could not be made.", "trunk")
	m.lookupFailures = counter("lookup_failures_total", "Lookups of a trunk's name that gave no address; what was known is kept.", "trunk")
	m.claimsRefused = counter("names_refused_total", "Addresses in the answers to a trunk's name that were left out, since the configuration gives them to another neighbour.", "trunk")
	for t := range transports {
		for _, d := range []direction{inbound, outbound} {
			m.octets[t][d] = octets.WithLabelValues(t.String(), d.String())
		}
		if t.reliable() {
			m.streamsRefused[t], m.streamsEnded[t] = children(refused, t, refusals), children(ended, t, ends)
		}
	}
	for _, c := range append(append(m.quality.collectors(), m.contacts.collectors()...),
		octets, refused, ended, m.tlsFailures, m.dialFailures, m.lookupFailures, m.claimsRefused,
		m.requests, m.responses, m.attempts, m.registers, m.failovers, m.busyTotal, m.calls, m.faults, m.announcements, m.ordered, m.setup, m.seizures, m.effective, m.ringing, m.talk, m.texts, m.lateTexts, m.auth, dropped, panics,
		newTrunkCollector(edge),
	) {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func setupBuckets() []float64 {
	return []float64{.01, .025, .05, .1, .25, .5, 1, 2, 3, 5, 8, 12, 20, 30}
}

func children(vec *prometheus.CounterVec, t transport, reasons []string) map[string]prometheus.Counter {
	all := map[string]prometheus.Counter{}
	for _, reason := range reasons {
		all[reason] = vec.WithLabelValues(t.String(), reason)
	}
	return all
}

// countedMethods are those with a label of their own.
var countedMethods = [...]string{message.Invite, message.Ack, message.Bye, message.Cancel, message.Options, message.Prack, message.Update, message.Message}

const otherMethod = len(countedMethods)

func methodIndex(method string) int {
	for i, m := range countedMethods {
		if m == method {
			return i
		}
	}
	return otherMethod
}

func methodLabel(i int) string {
	if i == otherMethod {
		return "other"
	}
	return countedMethods[i]
}

// trunkMetrics are the children of one trunk.
type trunkMetrics struct {
	in, out   traffic
	setup     prometheus.Observer
	failovers prometheus.Counter
	auth      [authVerdicts]prometheus.Counter
	effective prometheus.Counter
	ringing   prometheus.Observer
	seized    [2]prometheus.Counter // by direction
	talk      [2]prometheus.Observer
	trunkQuality

	dialFailures, lookupFailures, claimsRefused prometheus.Counter

	registrations [registerOutcomes]prometheus.Counter // of a trunk that we register at

	name  string
	total *metrics
}

// traffic counts one direction.
type traffic struct {
	requests [otherMethod + 1]prometheus.Counter

	mu        sync.RWMutex
	responses map[[2]int]prometheus.Counter // by method and code, made when first met
	vec       *prometheus.CounterVec
	trunk     string
	direction direction
}

func (m *metrics) trunk(name string) *trunkMetrics {
	t := &trunkMetrics{name: name, total: m, setup: m.setup.WithLabelValues(name), failovers: m.failovers.WithLabelValues(name), trunkQuality: m.quality.trunk(name)}
	t.effective, t.ringing = m.effective.WithLabelValues(name), m.ringing.WithLabelValues(name)
	t.dialFailures, t.lookupFailures = m.dialFailures.WithLabelValues(name), m.lookupFailures.WithLabelValues(name)
	t.claimsRefused = m.claimsRefused.WithLabelValues(name)
	for _, d := range []direction{inbound, outbound} {
		t.seized[d], t.talk[d] = m.seizures.WithLabelValues(name, d.String()), m.talk.WithLabelValues(name, d.String())
	}
	t.in.init(m, name, inbound)
	t.out.init(m, name, outbound)
	return t
}

// text counts a message.
func (t *trunkMetrics) text(d direction, fate routing.Fate) {
	t.total.texts.WithLabelValues(t.name, d.String(), fate.String()).Inc()
}

// lateText counts what a peer said of a message after all.
func (t *trunkMetrics) lateText(fate routing.Fate) {
	t.total.lateTexts.WithLabelValues(t.name, fate.String()).Inc()
}

// guard makes the counters of a trunk that asks for a digest.
func (t *trunkMetrics) guard() {
	for v := range authVerdicts {
		t.auth[v] = t.total.auth.WithLabelValues(t.name, v.String())
	}
}

// registers makes the counters of a trunk that we register at, once.
func (t *trunkMetrics) registers() {
	if t.registrations[0] != nil {
		return
	}
	for o := range registerOutcomes {
		t.registrations[o] = t.total.registers.WithLabelValues(t.name, o.String())
	}
}

func (f *traffic) init(m *metrics, trunk string, d direction) {
	f.trunk, f.direction, f.vec = trunk, d, m.responses
	f.responses = map[[2]int]prometheus.Counter{}
	for i := range f.requests {
		f.requests[i] = m.requests.WithLabelValues(trunk, d.String(), methodLabel(i))
	}
}

func (f *traffic) request(method string) { f.requests[methodIndex(method)].Inc() }

func (f *traffic) response(method string, code int) {
	key := [2]int{methodIndex(method), code}
	f.mu.RLock()
	c := f.responses[key]
	f.mu.RUnlock()
	if c == nil {
		f.mu.Lock()
		c = f.vec.WithLabelValues(f.trunk, f.direction.String(), methodLabel(key[0]), strconv.Itoa(code))
		f.responses[key] = c
		f.mu.Unlock()
	}
	c.Inc()
}

// attempt counts one that has ended.
func (t *trunkMetrics) attempt(a *actAttempt) {
	t.total.attempts.WithLabelValues(t.name, a.outcome.String(), strconv.Itoa(a.code)).Inc()
	if a.course.effective() {
		t.effective.Inc()
	}
	if rang := sooner(a.course.ringing, a.course.answered); !rang.IsZero() {
		t.ringing.Observe(rang.Sub(a.course.began).Seconds())
	}
}

func (t *trunkMetrics) talked(d direction, how time.Duration) { t.talk[d].Observe(how.Seconds()) }

func (t *trunkMetrics) busy(d direction, why busy) {
	t.total.busyTotal.WithLabelValues(t.name, d.String(), why.String()).Inc()
}

func (t *trunkMetrics) ended(why string) { t.total.calls.WithLabelValues(t.name, why).Inc() }

// trunkCollector reads the trunks' state when it is scraped.
type trunkCollector struct {
	edge         *Edge
	up, channels *prometheus.Desc
	most, cps    *prometheus.Desc
	registered   *prometheus.Desc
	load         *prometheus.Desc
	calls, texts *prometheus.Desc
	streams      *prometheus.Desc
	stale        *prometheus.Desc
}

func newTrunkCollector(edge *Edge) *trunkCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("maskline_sip_"+name, help, labels, nil)
	}
	return &trunkCollector{
		edge:       edge,
		up:         desc("trunk_up", "1 where the trunk can be sent calls.", "trunk"),
		channels:   desc("channels", "Calls that occupy the trunk.", "trunk"),
		most:       desc("channels_limit", "Calls that may occupy the trunk at a time; 0: no limit.", "trunk"),
		cps:        desc("cps_limit", "New calls per second that the trunk may have in each direction; 0: no limit.", "trunk"),
		registered: desc("trunk_registered_seconds", "For how long the registration holds if it is not refreshed; 0: there is none.", "trunk"),
		load:       desc("load", "0: calm; 1: new calls are answered 503; 2: they are dropped before they are parsed."),
		streams:    desc("connections", "Connections over TCP and TLS that are open or being made.", "transport"),
		texts:      desc("messages", "Text messages in memory, by direction: those under way, and the answers that are kept for repeated requests.", "direction"),
		stale:      desc("name_stale", "1 where the last lookup of the trunk's name failed, so that it is called at the addresses of before or, where there are none, not at all.", "trunk"),
		calls:      desc("calls", "Calls in memory: those that are not over, and those of which only transactions are left.", "state"),
	}
}

// Describe sends the descriptions.
func (c *trunkCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.up
	ch <- c.channels
	ch <- c.most
	ch <- c.cps
	ch <- c.calls
	ch <- c.texts
	ch <- c.streams
	ch <- c.registered
	ch <- c.load
	ch <- c.stale
}

// Collect sends the values.
func (c *trunkCollector) Collect(ch chan<- prometheus.Metric) {
	now := c.edge.now()
	for _, t := range c.edge.Trunks() {
		if r := t.Registration; r != nil {
			ch <- prometheus.MustNewConstMetric(c.registered, prometheus.GaugeValue, r.left(now).Seconds(), t.Name)
		}
		up := 0.0
		if t.Up {
			up = 1
		}
		ch <- prometheus.MustNewConstMetric(c.up, prometheus.GaugeValue, up, t.Name)
		stale := 0.0
		if t.Stale {
			stale = 1
		}
		ch <- prometheus.MustNewConstMetric(c.stale, prometheus.GaugeValue, stale, t.Name)
		ch <- prometheus.MustNewConstMetric(c.channels, prometheus.GaugeValue, float64(t.Channels), t.Name)
		ch <- prometheus.MustNewConstMetric(c.most, prometheus.GaugeValue, float64(t.ChannelsLimit), t.Name)
		ch <- prometheus.MustNewConstMetric(c.cps, prometheus.GaugeValue, float64(t.CPSLimit), t.Name)
	}
	for t, n := range c.edge.streams.count() {
		if transport(t).reliable() {
			ch <- prometheus.MustNewConstMetric(c.streams, prometheus.GaugeValue, float64(n), transport(t).String())
		}
	}
	ch <- prometheus.MustNewConstMetric(c.load, prometheus.GaugeValue, float64(c.edge.load.Load()))
	for d, n := range c.edge.texts.size() {
		ch <- prometheus.MustNewConstMetric(c.texts, prometheus.GaugeValue, float64(n), direction(d).String())
	}
	states := [len(phaseNames)]int{}
	for _, a := range c.edge.calls.all() {
		if s := a.shown.Load(); s != nil {
			for i, name := range phaseNames {
				if s.State == name {
					states[i]++
				}
			}
		}
	}
	for i, n := range states {
		ch <- prometheus.MustNewConstMetric(c.calls, prometheus.GaugeValue, float64(n), phaseNames[i])
	}
}
