package smppload

// counters is what happens, as it happens.
type counters struct {
	sent, accepted, temporary, refused    uint64
	toSendAgain, sentAgain                uint64 // after "temporary"
	arrived, taken                        uint64 // came; were accepted by a receiving end
	altered, misrouted, leaked            uint64
	reordered, partsReordered, partsSplit uint64
	strays                                uint64 // answers and arrivals of messages that are settled or were never sent
	abandoned                             uint64 // in flight when their bind ended: no answer can come
	receipts, receiptsSent                uint64
	throttled, erred, delayed, swallowed  uint64 // faults that we made
	cuts, stalls                          uint64
	lastEvent                             int64
}

func (c *counters) add(o *counters) {
	c.sent += o.sent
	c.accepted += o.accepted
	c.temporary += o.temporary
	c.refused += o.refused
	c.toSendAgain += o.toSendAgain
	c.sentAgain += o.sentAgain
	c.arrived += o.arrived
	c.taken += o.taken
	c.altered += o.altered
	c.misrouted += o.misrouted
	c.leaked += o.leaked
	c.reordered += o.reordered
	c.partsReordered += o.partsReordered
	c.partsSplit += o.partsSplit
	c.strays += o.strays
	c.abandoned += o.abandoned
	c.receipts += o.receipts
	c.receiptsSent += o.receiptsSent
	c.throttled += o.throttled
	c.erred += o.erred
	c.delayed += o.delayed
	c.swallowed += o.swallowed
	c.cuts += o.cuts
	c.stalls += o.stalls
	c.lastEvent = max(c.lastEvent, o.lastEvent)
}

// open is how many messages wait for their answer, or to be sent again.
func (c *counters) open() uint64 {
	final := c.accepted + c.refused + c.temporary - c.toSendAgain + c.abandoned
	return c.sent - min(c.sent, final)
}
