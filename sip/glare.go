package sip

import (
	"strconv"
	"time"
)

// glare is how long our own request waits after a 491: 2.1 to 4 s where the
// Call-ID is ours, else less than 2 s, in steps of 10 ms (RFC 3261 §14.1). Which
// one comes of the transaction's token, since a call draws no lots.
func (c *call) glare(l *leg) time.Duration {
	const step = 10 * time.Millisecond
	n := c.lot(l, l.ask.seq)
	if l.number == legA { // the caller's Call-ID
		return time.Duration(n%200) * step
	}
	return 2100*time.Millisecond + time.Duration(n%191)*step
}

// retryAfter is the header line of a 500 to a request that came while an earlier
// one was being answered: 0 to 10 s. RFC 3261 §14.2.
func (c *call) retryAfter(l *leg, cseq uint32) string {
	return "Retry-After: " + strconv.FormatUint(c.lot(l, uint16(cseq))%11, 10)
}

// lot is a number that differs from call to call and from one transaction to the
// next, and is the same in every run.
func (c *call) lot(l *leg, seq uint16) uint64 {
	var n uint64
	for _, b := range []byte(c.tokens.String(token{call: c.id, leg: l.number, seq: seq})) {
		n = n*31 + uint64(b)
	}
	return n
}
