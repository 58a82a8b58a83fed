package main

import (
	"fmt"
	"strings"
	"sync"

	"maskline/e164"
)

// apiCounts are totals of the API.
type apiCounts struct {
	asked, made, unanswered, again int // sessions and leases; tries of anything that were not answered
	events, repeated               int // webhooks, by id; the same id once more
	verified, unverified           int

	lost     int // answered, and not there in the end
	doubled  int // one request, two sessions
	unasked  int // there in the end, and nobody's
	lasting  int // over by their time, and not ended
	cut      int // ended before their time
	untold   int // whose making or end no webhook told
	disorder int // webhooks that came before an earlier one of their session
}

// madeSession is a session or lease that was answered.
type madeSession struct {
	once   string
	writer e164.Number
	lasts  bool // to the end
}

// apiTally follows what was made by the API. Its methods may be called from any
// goroutine.
type apiTally struct {
	mu       sync.Mutex
	sessions map[string]madeSession
	lasting  []string          // ids of sessions that live to the end
	by       map[string]string // ids, by idempotency key
	seen     map[string]bool   // events
	last     map[string]int    // sequence, by session
	begun    map[string]bool   // sessions whose making was told
	ended    map[string]bool   // whose end by time was
	counts   apiCounts
}

func newAPITally() *apiTally {
	return &apiTally{
		sessions: map[string]madeSession{}, by: map[string]string{}, seen: map[string]bool{}, last: map[string]int{}, begun: map[string]bool{}, ended: map[string]bool{},
	}
}

func (t *apiTally) count(what *int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*what++
}

func (t *apiTally) asked()      { t.count(&t.counts.asked) }
func (t *apiTally) unanswered() { t.count(&t.counts.unanswered) }
func (t *apiTally) again()      { t.count(&t.counts.again) }

func (t *apiTally) verification(done bool) {
	if done {
		t.count(&t.counts.verified)
	} else {
		t.count(&t.counts.unverified)
	}
}

// made is told of a session that was answered.
func (t *apiTally) made(id, once string, writer e164.Number, lasts bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.made++
	if other := t.by[once]; other != "" && other != id {
		t.counts.doubled++
	}
	t.by[once], t.sessions[id] = id, madeSession{once, writer, lasts}
	if lasts {
		t.lasting = append(t.lasting, id)
	}
}

// living is a session that lives to the end, and who may write in it.
func (t *apiTally) living(chance func(int) int) (id string, writer e164.Number) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lasting) == 0 {
		return "", 0
	}
	id = t.lasting[chance(len(t.lasting))]
	return id, t.sessions[id].writer
}

// told is told of each webhook. By its id it counts once.
func (t *apiTally) told(e *told) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[e.ID] {
		t.counts.repeated++
		return
	}
	t.seen[e.ID] = true
	t.counts.events++
	session := e.Data.Session
	if session == "" {
		return
	}
	if e.Sequence != t.last[session]+1 {
		t.counts.disorder++
	}
	t.last[session] = e.Sequence
	switch {
	case strings.HasSuffix(e.Type, ".created"):
		t.begun[session] = true
	case strings.HasSuffix(e.Type, ".expired"):
		t.ended[session] = true
	}
}

// waits is how many sessions still want a webhook.
func (t *apiTally) waits() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, s := range t.sessions {
		if !t.begun[id] || !s.lasts && !t.ended[id] {
			n++
		}
	}
	return n
}

// settle compares with the states that the edge knows in the end, when all but those
// that last are over.
func (t *apiTally) settle(states map[string]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := &t.counts
	for id, s := range t.sessions {
		state, known := states[id]
		switch { // what is over is forgotten after its quarantine
		case s.lasts && !known:
			c.lost++
		case s.lasts && state != "active":
			c.cut++
		case !s.lasts && known && state != "expired":
			c.lasting++
		}
		if !t.begun[id] || !s.lasts && !t.ended[id] {
			c.untold++
		}
	}
	for id := range states {
		if _, answered := t.sessions[id]; !answered {
			c.unasked++
		}
	}
	c.unasked = max(0, c.unasked-c.unanswered)
}

func (t *apiTally) now() apiCounts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}

// faults lists what must not have happened.
func (c *apiCounts) faults() (all []string) {
	for _, f := range []struct {
		n    int
		what string
	}{
		{c.lost, "sessions and leases were answered and are not there"},
		{c.doubled, "requests made two sessions"},
		{c.unasked, "sessions and leases are there that nobody was answered or asked for"},
		{c.lasting, "sessions and leases live beyond their time"},
		{c.cut, "sessions ended before their time"},
		{c.untold, "sessions and leases were not told by webhooks as they should"},
		{c.disorder, "webhooks came before an earlier one of their session"},
	} {
		if f.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", f.n, f.what))
		}
	}
	return all
}
