package smpp

import (
	"time"

	"maskline/smpp/pdu"
)

// parked is a receipt whose message is not known, yet.
type parked struct {
	key      joinKey
	receipt  pdu.Receipt // without its id
	remoteID string      // its normal form
	until    int64
	more     *parked // an earlier one with the same key

	older, newer *parked // in the order of their coming
}

// parkedList is all parked receipts of a carrier in the order of their coming.
type parkedList struct {
	oldest, newest *parked
	length         int
}

func (l *parkedList) push(p *parked) {
	p.older = l.newest
	if l.newest == nil {
		l.oldest = p
	} else {
		l.newest.newer = p
	}
	l.newest = p
	l.length++
}

func (l *parkedList) remove(p *parked) {
	if p.older == nil {
		l.oldest = p.newer
	} else {
		p.older.newer = p.newer
	}
	if p.newer == nil {
		l.newest = p.older
	} else {
		p.newer.older = p.older
	}
	p.older, p.newer = nil, nil
	l.length--
}

// Bounds of parked receipts of one carrier.
const (
	maxParked = 10_000
	parkFor   = time.Minute
)

func (j *joiner) park(key joinKey, normal []byte, r *pdu.Receipt, at int64) joined {
	how := joinParked
	if j.order.length >= maxParked {
		j.unpark()
		how = joinParkedOut
	}
	p := &parked{key: key, receipt: *r, remoteID: string(normal), until: at + int64(parkFor), more: j.parked[key]}
	p.receipt.MessageID = nil
	j.parked[key] = p
	j.order.push(p)
	return how
}

// unpark gives up the oldest parked receipt.
func (j *joiner) unpark() {
	p := j.order.oldest
	j.order.remove(p)
	head := j.parked[p.key]
	if head == p {
		delete(j.parked, p.key)
		return
	}
	for ; head != nil; head = head.more {
		if head.more == p {
			head.more = nil
		}
	}
}

// expire gives up parked receipts whose time is over and returns how many of
// them were never joined.
func (j *joiner) expire(at int64) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	count := 0
	for j.order.oldest != nil && at >= j.order.oldest.until {
		count++
		j.unpark()
	}
	return count
}
