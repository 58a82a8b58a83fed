package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// direction is a message's way.
type direction int

const (
	carrierToCarrier direction = iota
	carrierToAccount
	accountToCarrier
	accountToAccount
	byAPI
	directions
)

var directionNames = [directions]string{"carrier to carrier", "carrier to account", "account to carrier", "account to account", "by the API"}

func (d direction) receipts() bool { return d == accountToCarrier || d == accountToAccount }

// outcome is what the sender was told.
type outcome int

const (
	unknown outcome = iota // nothing
	accepted
	temporary
	refused
)

// grace is how long the way of a message or receipt may take, outages included.
const grace = 75 * time.Second

// writtenBehind is what a kill may cost: receipts of messages that were
// accepted so shortly before.
const writtenBehind = 2 * time.Second

// message is what is known of one message.
type message struct {
	direction direction
	outcome   outcome
	arrived   int
	id        string // of an account's
	receipts  int
	sent      time.Time
	answered  time.Time
}

// counts are totals.
type counts struct {
	sent, accepted, temporary, refused, unknown     int
	arrived, arrivedUnknown                         int // the latter though the sender knows nothing of it, or was told otherwise
	receipts, receiptsAgain, receiptsExcused        int
	lost, doubled, receiptsLost, receiptsUnexpected int
}

// tally follows every message until nothing can happen to it any more. Its
// methods may be called from any goroutine.
type tally struct {
	mu     sync.Mutex
	ways   [directions]int     // messages that were accepted and have arrived
	open   map[string]*message // by the token in its text
	ids    map[string]string   // tokens, by account and message id
	early  map[string]int      // receipts whose message has not been answered
	kills  []time.Time
	counts counts
}

func newTally() *tally {
	return &tally{open: map[string]*message{}, ids: map[string]string{}, early: map[string]int{}}
}

// sent is told before a message goes out.
func (t *tally) sent(token string, d direction, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[token] = &message{direction: d, sent: now}
	t.counts.sent++
}

// answered is told what the sender was told; id is of accepted ones of accounts,
// account its name.
func (t *tally) answered(token string, o outcome, account, id string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.open[token]
	m.outcome, m.answered = o, now
	switch o {
	case accepted:
		t.counts.accepted++
		if id != "" {
			m.id = account + " " + id
			t.ids[m.id] = token
			m.receipts = t.early[m.id]
			delete(t.early, m.id)
		}
	case temporary:
		t.counts.temporary++
	case refused:
		t.counts.refused++
	case unknown:
		t.counts.unknown++
	}
}

// arrived is told of a message at its destination.
func (t *tally) arrived(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m := t.open[token]; m != nil {
		m.arrived++
		return
	}
	t.counts.doubled++ // it was settled: far too late
}

// receipt is told of a receipt that an account got.
func (t *tally) receipt(account, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := account + " " + id
	if m := t.open[t.ids[key]]; m != nil {
		m.receipts++
		return
	}
	t.early[key]++
}

// killed is told when the edge was.
func (t *tally) killed(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kills = append(t.kills, now)
}

// excused reports whether a kill may have cost what was accepted at.
func (t *tally) excused(at time.Time) bool {
	for _, kill := range t.kills {
		if gap := kill.Sub(at); gap >= -time.Second && gap <= writtenBehind {
			return true
		}
	}
	return false
}

// settle closes what is older than grace, or everything.
func (t *tally) settle(now time.Time, everything bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for token, m := range t.open {
		if !everything && now.Sub(m.sent) < grace {
			continue
		}
		t.close(m)
		delete(t.open, token)
		delete(t.ids, m.id)
	}
	if everything {
		for range t.early { // receipts of nothing that was accepted
			t.counts.receiptsUnexpected++
		}
		clear(t.early)
	}
}

func (t *tally) close(m *message) {
	c := &t.counts
	switch {
	case m.outcome == accepted && m.arrived == 0:
		c.lost++
	case m.outcome == accepted:
		c.arrived++
		t.ways[m.direction]++
	case m.arrived > 0:
		c.arrivedUnknown++
	}
	c.doubled += max(0, m.arrived-1)
	if m.outcome != accepted || !m.direction.receipts() {
		return
	}
	switch {
	case m.receipts > 0:
		c.receipts++
		c.receiptsAgain += m.receipts - 1
	case t.excused(m.answered):
		c.receiptsExcused++
	default:
		c.receiptsLost++
	}
}

// now is the totals so far, and how many messages are followed.
func (t *tally) now() (counts, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts, len(t.open)
}

// byWay is how many accepted messages have arrived, in words.
func (t *tally) byWay() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []string
	for d, n := range t.ways {
		all = append(all, fmt.Sprintf("%d %s", n, directionNames[d]))
	}
	return strings.Join(all, ", ")
}

// faults lists what must not have happened.
func (c *counts) faults() []string {
	var all []string
	for _, f := range []struct {
		n    int
		what string
	}{
		{c.lost, "messages were acknowledged and did not arrive"},
		{c.doubled, "messages arrived more than once"},
		{c.refused, "messages were refused for good that could be routed"},
		{c.receiptsLost, "receipts did not come"},
	} {
		if f.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", f.n, f.what))
		}
	}
	return all
}
