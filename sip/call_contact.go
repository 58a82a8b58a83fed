package sip

import (
	"time"

	"maskline/routing"
)

// contact is the wait of a call that is its caller's first to a public mask: the
// called side has to see a number by which it can call back.
type contact struct {
	waits       bool
	otherwise   evRouted // how the call goes without such a number
	since, late time.Time
}

const (
	// slotWithin is how long the slot may take: less than what a caller's network
	// waits behind a 100 before it turns elsewhere, see TrunkConfig.Trying.
	slotWithin = 4 * time.Second
	// slotGrace is what a late answer has beyond that.
	slotGrace = 500 * time.Millisecond
)

// contactOutcome is what became of a wait, as metrics name it.
type contactOutcome uint8

const (
	contactOpened  contactOutcome = iota
	contactRefused                // there is no slot to be had
	contactLate                   // no answer in time
	contactLeft                   // the call ended before
	contactOutcomes
)

var contactNames = [contactOutcomes]string{"opened", "refused", "late", "left"}

func (o contactOutcome) String() string { return contactNames[o] }

// awaitSlot holds the call until the owner of the public mask can call back.
func (c *call) awaitSlot(ev *evRouted) {
	c.contact = &contact{waits: true, otherwise: *ev, since: c.now, late: c.now.Add(slotWithin + slotGrace)}
	c.do(actOpen{ev.contact, c.now.Add(slotWithin)})
}

// onOpened decides again, a refusal too: another contact of the caller may have
// opened the slot meanwhile.
func (c *call) onOpened(ev evOpened) {
	if c.contact == nil || !c.contact.waits {
		return // it comes too late
	}
	outcome := contactRefused
	if ev.ok {
		outcome = contactOpened
	}
	c.contacted(outcome)
	c.contact.otherwise = evRouted{}
	c.route()
}

// contacted ends the wait, if there is one.
func (c *call) contacted(outcome contactOutcome) {
	if k := c.contact; k != nil && k.waits {
		k.waits = false
		c.do(actContacted{outcome, c.now.Sub(k.since)})
	}
}

func (k *contact) next() time.Time {
	if k == nil || !k.waits {
		return time.Time{}
	}
	return k.late
}

func (c *call) tickContact() {
	if reached(c.contact.next(), c.now) {
		c.contacted(contactLate)
		c.dismiss(c.contact.otherwise.announce, *c.contact.otherwise.refused)
	}
}

type (
	// evOpened answers actOpen, at once or later: whether the table has the slot.
	evOpened struct{ ok bool }
	// actOpen asks for the caller's slot, by then.
	actOpen struct {
		plan *routing.Plan
		by   time.Time
	}
	// actContacted tells what became of the wait, once for each actOpen.
	actContacted struct {
		outcome contactOutcome
		after   time.Duration
	}
)

func (evOpened) isEvent()      {}
func (actOpen) isAction()      {}
func (actContacted) isAction() {}
