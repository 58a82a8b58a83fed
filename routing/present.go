package routing

import (
	"slices"

	"maskline/e164"
	"maskline/numberdb"
)

// Presenting says which masks may be presented through a carrier. A network
// refuses as spoofed a number that is none of its own, or delivers it and loses
// the replies.
type Presenting struct {
	Some  bool     // only those that Own and Pools name; false: any
	Own   bool     // those that it hosts, or that name it as one more to be presented through
	Pools []string // those of these pools
}

// Masks knows the masks themselves. One that it does not know is nobody's own
// and in no pool. It is asked for each request, and waits for nobody; what it
// returns is never changed.
type Masks interface {
	Mask(n e164.Number) (m *numberdb.Mask, known bool)
}

// allows reports whether a mask, nil for an unknown one, may be presented through
// the carrier.
func (c *Carrier) allows(m *numberdb.Mask) bool {
	return !c.Present.Some || m != nil &&
		(c.Present.Own && (m.Carrier == c.Name || slices.Contains(m.Presents, c.Name)) ||
			m.Pool != "" && slices.Contains(c.Present.Pools, m.Pool))
}

// masks is what is known of the masks that a plan may present; nil: nothing.
type masks struct{ first, second *numberdb.Mask }

// masksOf asks where the answer matters to some carrier.
func (s *state) masksOf(plan *Plan) (m masks) {
	if s.masks == nil || !s.choosy {
		return m
	}
	m.first, _ = s.masks.Mask(plan.Present)
	if plan.second != 0 {
		m.second, _ = s.masks.Mask(plan.second)
	}
	return m
}

// through is the mask that is presented through a carrier: the binding's second
// one only where the first may not be.
func (m *masks) through(c *Carrier, plan *Plan) (present e164.Number, second, may bool) {
	switch {
	case c.allows(m.first):
		return plan.Present, false, true
	case plan.second != 0 && c.allows(m.second):
		return plan.second, true, true
	default:
		return 0, false, false
	}
}
