package sip

import (
	"net/netip"

	"maskline/sip/message"
)

// mediaAt is which of the relay's addresses a side of the trunk gets: the trunk's
// own, else the first one of that IP version. Zero: the relay's first.
func (t *trunk) mediaAt(six bool) netip.Addr {
	if t.Media.IsValid() && t.Media.Is6() == six {
		return t.Media
	}
	for _, own := range t.media.Own {
		if own.Addr.Is6() == six {
			return own.Addr
		}
	}
	return netip.Addr{}
}

// callerAt is the caller's: of the IP version of its offer, which cannot be chosen
// any more.
func (c *call) callerAt() netip.Addr {
	if c.offer != nil && c.offer.RTP.IsValid() {
		return c.a.trunk.mediaAt(c.offer.RTP.Addr().Is6())
	}
	if t := c.a.trunk; t.Media.IsValid() {
		return t.Media
	}
	return c.a.trunk.mediaAt(c.a.from.Is6())
}

// calledAt is the called side's: as its trunk wants it, else of the IP version that
// it is called over.
func calledAt(to *candidate) netip.Addr {
	if to.trunk.Media.IsValid() {
		return to.trunk.Media
	}
	return to.trunk.mediaAt(to.address().Addr().Is6())
}

// allocate asks for ports, side B's for the first candidate.
func (c *call) allocate() {
	at := [2]netip.Addr{}
	if c.order == nil {
		at[SideA] = c.callerAt()
	} else if len(c.plan.candidates) > 0 {
		at[SideA] = calledAt(&c.plan.candidates[0])
	}
	if at[SideB] = at[SideA]; len(c.plan.candidates) > 0 {
		at[SideB] = calledAt(&c.plan.candidates[0])
	}
	c.do(actAllocate{at})
}

// reaches reports whether a side's media is of the IP version that it was given an
// address of. That one holds for the whole call, as its ports do.
func (c *call) reaches(l *leg, s *message.SDP) bool {
	return !s.RTP.IsValid() || s.RTP.Addr().Is4() == l.local.Addr().Is4()
}
