package configs

import (
	"maps"
	"slices"
)

// DefaultCountry is the key of the emergency strings for countries without own
// ones.
const DefaultCountry = "default"

// routing checks the answers and the emergency rules.
func (c *checker) routing() {
	r := &c.Routing
	c.voiceAnswer(r.UnknownMask.Voice, "routing.unknown_mask.voice")
	c.voiceAnswer(r.OutOfSession.Voice, "routing.out_of_session.voice")
	c.voiceAnswer(r.EndedSession.Voice, "routing.ended_session.voice")
	c.voice()
	c.emergency(&r.Emergency)
}

// voiceAnswer refuses codes that mean something else to the caller's network.
func (c *checker) voiceAnswer(a VoiceAnswer, path string) {
	switch a.Code {
	case 401, 407:
		c.fault(path, "asks the caller to authenticate; expected a refusal such as 404")
	case 410:
		c.fault(path, "is 410, which reads as a changed number; expected 404 or 480")
	case 503:
		c.fault(path, "is 503, which takes the whole trunk out of service; expected a refusal such as 404")
	}
}

func (c *checker) emergency(e *Emergency) {
	for _, country := range slices.Sorted(maps.Keys(e.Numbers)) {
		if len(e.Numbers[country]) == 0 {
			c.fault(under("routing.emergency.numbers", country), "is an empty list, so emergency calls would be treated as others; expected the strings of the country")
		}
	}
	for i := range c.Carriers {
		carrier, trunks := &c.Carriers[i], under(entry("carriers", i), "sip")
		if e.Trunk != "" && carrier.Name == e.Trunk && !callable(carrier.SIP) && !c.d.bad[trunks] {
			c.fault("routing.emergency.trunk", "names a carrier that cannot be called; expected one whose sip has an addr", each(trunks, "addr", len(carrier.SIP))...)
		}
	}
}

func callable(trunks []Trunk) bool {
	for i := range trunks {
		if trunks[i].Addr.Host != "" {
			return true
		}
	}
	return false
}
