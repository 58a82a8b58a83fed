package routing

import (
	"bytes"
	"fmt"

	"maskline/routing/prefix"
)

// Config is what the routing section and the carriers' entries say.
type Config struct {
	Carriers     []CarrierConfig
	Prefixes     *prefix.Table // imported; nil: none
	Masks        Masks         // nil: none are known, so that a carrier that presents only some presents none
	Order        Order
	MinQuality   int // 0 to 100: a carrier whose quality for the destination is known and lower is none for it; 0: off
	UnknownMask  Answer
	OutOfSession Answer
	EndedSession Answer
	Emergency    EmergencyConfig
	Breaker      BreakerConfig

	Loop          LoopConfig
	Rules         []RuleConfig            // in their order
	OptOut        OptOutConfig            // of every tenant without own words
	TenantOptOuts map[string]OptOutConfig // by tenant
	Slots         Slots                   // of public masks; nil: their owners see the public mask as every sender
	Contacts      Contacts                // of sessions that end by them; nil: nobody counts
	Replier       Replier                 // of opt-out words; nil: nobody is answered
	Witness       Witness                 // of refused contacts; nil: nobody hears of them
	Screen        Screen                  // of texts to leased masks; nil: none are looked at
	Usage         Usage                   // of tenants; nil: nobody counts
	Restrictions  Restrictions            // opt-outs and blocks; nil: there are none, and no opt-out words
}

// Order ranks carriers that serve a destination with equally long prefixes.
type Order uint8

// The orders.
const (
	ByPriority Order = iota // lower priority number first, equal ones share by weight
	ByCost                  // cheaper first, then better quality, then as ByPriority
)

// Answer is the configured answer to a contact that cannot be routed.
type Answer struct {
	Drop bool // an SMS is acknowledged and goes nowhere, instead of refused
	Code int  // SIP status code of a call, 400-699
	// SMPP command_status towards accounts, of a rule that names one.
	Status uint32
}

// EmergencyConfig lists dialled strings that are emergency calls.
type EmergencyConfig struct {
	Numbers map[string][]string // by country, "default" for the countries without own list
	Trunk   string              // the carrier that takes them; empty: refused
}

const (
	defaultCountry = "default"
	serviceURN     = "urn:service:sos"
)

type answers struct{ unknown, outOfSession, ended Answer }

func (a *answers) of(v Verdict) Answer {
	switch v {
	case UnknownMask:
		return a.unknown
	case OutOfSession:
		return a.outOfSession
	case Ended:
		return a.ended
	default:
		return Answer{}
	}
}

// emergency holds the strings by country.
type emergency struct {
	byCountry map[string]map[string]struct{}
	trunk     *Carrier
}

func newEmergency(cfg EmergencyConfig, carriers []*Carrier) (emergency, error) {
	e := emergency{byCountry: map[string]map[string]struct{}{}}
	for country, numbers := range cfg.Numbers {
		set := map[string]struct{}{}
		for _, n := range numbers {
			set[n] = struct{}{}
		}
		e.byCountry[country] = set
	}
	if cfg.Trunk == "" {
		return e, nil
	}
	for _, c := range carriers {
		if c.Name == cfg.Trunk {
			e.trunk = c
			return e, nil
		}
	}
	return e, fmt.Errorf("emergency trunk: no carrier is named %q", cfg.Trunk)
}

// is compares whole strings: "112" is one, "+112" and "1120" are not. A service
// URN is one in every country (RFC 5031).
func (e *emergency) is(dialled []byte, country string) bool {
	if urn, ok := bytes.CutPrefix(dialled, []byte(serviceURN)); ok && (len(urn) == 0 || urn[0] == '.') {
		return true
	}
	set, ok := e.byCountry[country]
	if !ok {
		set = e.byCountry[defaultCountry]
	}
	_, found := set[string(dialled)]
	return found
}
