package sip

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/sip/message"
)

// MediaStats are what the relay took from each side, and dropped.
type MediaStats struct {
	A, B    MediaSide
	Dropped uint64
}

// MediaSide is the RTP that came from one side.
type MediaSide struct {
	Packets, Octets uint64 // with RTP headers; a fax's too
	Fax             uint64 // of these packets; they tell nothing of quality

	Lost, Reordered, Duplicates uint64
	Gaps                        uint64  // that the lost ones make
	Loss                        float64 // part of the packets, 0 to 1

	Jitter    time.Duration // RFC 3550 §6.4.1
	RoundTrip time.Duration // between us and the side; 0: unknown
	R, MOS    float64       // ITU-T G.107; 0: unknown
	OneWay    bool          // it was not heard for a while in which the other side sent
}

type (
	// evOneWay tells that a side is not heard while the other one sends.
	evOneWay struct{ side Side }
	// actOneWay tells of it, with the trunk of the side that is not heard.
	actOneWay struct {
		trunk *trunk
		side  Side
	}
)

func (evOneWay) isEvent()   {}
func (actOneWay) isAction() {}

// onOneWay has the log and the metrics told. The call goes on: what ends it, if
// anything, is the relay's limit.
func (c *call) onOneWay(ev evOneWay) {
	if c.phase != phaseAnswered && c.phase != phaseUp || c.alone() {
		return
	}
	l := &c.a.leg
	if ev.side == SideB {
		l = &c.active.leg
	}
	c.do(actOneWay{l.trunk, ev.side})
}

// speak tells the relay of the codec where a new answer changes it.
func (c *call) speak(answer *message.SDP) {
	if codec := answer.Codec(); codec != c.speaks {
		c.speaks = codec
		c.do(actAnswered{codec})
	}
}

func (a *actor) reportOneWay(act actOneWay) {
	act.trunk.state.metrics.oneWay.Inc()
	a.edge.log.Warn("one-way audio: a side is not heard", zap.String("call", a.id),
		zap.String("trunk", act.trunk.Name), zap.String("side", act.side.String()))
}

// String is the name in logs.
func (s Side) String() string { return [...]string{"caller", "callee"}[s] }

// qualityMetrics are of what trunks send, at the end of answered calls.
type qualityMetrics struct {
	mos, loss, jitter, roundTrip *prometheus.HistogramVec
	oneWay                       *prometheus.CounterVec
}

func newQualityMetrics() qualityMetrics {
	histogram := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "maskline_sip_" + name, Help: help, Buckets: buckets}, []string{"trunk"})
	}
	return qualityMetrics{
		mos:       histogram("mos", "Mean opinion score of what came from the trunk, by the E-model, of answered calls with 50 packets.", 1.5, 2, 2.5, 3, 3.3, 3.6, 3.8, 4, 4.2, 4.3, 4.4),
		loss:      histogram("loss_ratio", "Part of the trunk's packets that did not come, of answered calls with 50 packets.", 0, .001, .003, .01, .02, .03, .05, .1, .2, .5),
		jitter:    histogram("jitter_seconds", "Interarrival jitter of the trunk's packets at the end of answered calls with 50 packets.", .001, .002, .005, .01, .02, .03, .05, .1, .2, .5),
		roundTrip: histogram("round_trip_seconds", "Way to the trunk and back at the end of answered calls, where RTCP told.", .005, .01, .02, .05, .1, .15, .2, .3, .5, 1, 2),
		oneWay: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskline_sip_one_way_total", Help: "Answered calls in which the trunk was not heard for ten seconds while the other side was sending.",
		}, []string{"trunk"}),
	}
}

func (q *qualityMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{q.mos, q.loss, q.jitter, q.roundTrip, q.oneWay}
}

// trunkQuality are the children of one trunk.
type trunkQuality struct {
	mos, loss, jitter, roundTrip prometheus.Observer
	oneWay                       prometheus.Counter
}

func (q *qualityMetrics) trunk(name string) trunkQuality {
	return trunkQuality{
		q.mos.WithLabelValues(name), q.loss.WithLabelValues(name), q.jitter.WithLabelValues(name),
		q.roundTrip.WithLabelValues(name), q.oneWay.WithLabelValues(name),
	}
}

// leastHeard packets tell something of a call's quality.
const leastHeard = 50

// heard takes what came from the trunk in an answered call.
func (q *trunkQuality) heard(s *MediaSide) {
	if s.RoundTrip > 0 {
		q.roundTrip.Observe(s.RoundTrip.Seconds())
	}
	if s.Packets-min(s.Fax, s.Packets) < leastHeard {
		return
	}
	q.loss.Observe(s.Loss)
	q.jitter.Observe(s.Jitter.Seconds())
	if s.MOS > 0 {
		q.mos.Observe(s.MOS)
	}
}
