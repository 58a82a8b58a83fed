package routing

import (
	"reflect"
	"sync/atomic"
	"time"
)

// CarrierConfig is a carrier as routing sees it.
type CarrierConfig struct {
	Name     string
	Priority int      // lower first
	Weight   int      // share among equals; 0 counts as 1
	Prefixes []string // digits; none: every destination, unless imported prefixes name it
	Cost     float64  // per unit of those, for ByCost
	Services Service
	Present  Presenting
}

// Carrier is a company that we exchange traffic with, and how fit it is now.
// smpp and sip set its state and report outcomes; all methods may be called
// from any goroutine.
type Carrier struct {
	CarrierConfig
	sms, voice *link // shared with the carrier of this name before and after a reload
}

type link struct {
	up      atomic.Bool
	breaker *Breaker
}

func newCarrier(cfg CarrierConfig, breaker BreakerConfig) *Carrier {
	if cfg.Weight == 0 {
		cfg.Weight = 1
	}
	return &Carrier{
		CarrierConfig: cfg,
		sms:           &link{breaker: NewBreaker(breaker)},
		voice:         &link{breaker: NewBreaker(breaker)},
	}
}

// follow makes the carriers of a changed configuration: those that are as they
// were are taken over, and what is known of the others' links.
func follow(before []*Carrier, cfg *Config) []*Carrier {
	var list []*Carrier
	for _, config := range cfg.Carriers {
		c := newCarrier(config, cfg.Breaker)
		for _, b := range before {
			switch {
			case b.Name != c.Name:
			case reflect.DeepEqual(b.CarrierConfig, c.CarrierConfig):
				c = b
			default:
				c.sms, c.voice = b.sms, b.voice
			}
		}
		list = append(list, c)
	}
	return list
}

func (c *Carrier) link(service Service) *link {
	if service == SMS {
		return c.sms
	}
	return c.voice
}

// SetUp says whether the carrier can be reached for a service at all: a bind is
// bound, or the trunk answers its probes.
func (c *Carrier) SetUp(service Service, up bool) { c.link(service).up.Store(up) }

// Up reports what SetUp said last; carriers start down.
func (c *Carrier) Up(service Service) bool { return c.link(service).up.Load() }

// Begin claims an attempt. It returns false where the breaker is open, or half
// open with its one trial under way: then the next candidate is due. Every
// claimed attempt is ended by one Report or one Cancel.
func (c *Carrier) Begin(service Service, now time.Time) bool {
	return c.link(service).breaker.Begin(now)
}

// Report ends an attempt. ok is false only for the carrier's own faults: lost
// links, timeouts, overload, 5xx. A busy or unknown subscriber is ok.
func (c *Carrier) Report(service Service, ok bool, now time.Time) {
	c.link(service).breaker.Report(ok, now)
}

// Cancel ends an attempt that neither failed nor succeeded: it was claimed at the
// instant begun and never sent.
func (c *Carrier) Cancel(service Service, begun time.Time) {
	c.link(service).breaker.Cancel(begun)
}

// Breaker is the state of the carrier's breaker for a service.
func (c *Carrier) Breaker(service Service, now time.Time) BreakerState {
	return c.link(service).breaker.State(now)
}

// Fitness says why a carrier is or is not a candidate.
type Fitness uint8

// The reasons.
const (
	Fit          Fitness = iota
	NoService            // it does not carry this service
	NotPreferred         // the binding names other carriers
	NoPrefix             // it does not serve the destination
	LowQuality           // it does not serve it well enough
	Down                 // no bind is up, or it does not answer probes
	BreakerOpen          // it failed too often of late
	NotPresented         // it may present none of the masks
)

var fitnessNames = [...]string{
	"fit", "no service", "not named by the binding", "prefix not served", "quality too low", "down", "breaker open",
	"may not present the mask",
}

// String is the reason in words.
func (f Fitness) String() string { return fitnessNames[f] }

// ready reports whether the carrier can be sent a request now.
func (c *Carrier) ready(req *Request) Fitness {
	if !c.Services.Has(req.Service) {
		return NoService
	}
	l := c.link(req.Service)
	if !l.up.Load() {
		return Down
	}
	if l.breaker.State(req.Now) == Open {
		return BreakerOpen
	}
	return Fit
}

func indexOf(list []string, s string) int {
	for i := range list {
		if list[i] == s {
			return i
		}
	}
	return -1
}
