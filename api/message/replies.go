package message

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
)

const (
	repliesWaiting = 256
	// repliesEach is how many a party is sent by one mask in a day: whatever answers
	// them may be an automaton.
	repliesEach = 5
	repliesDay  = 24 * time.Hour
	// repliesKnown bounds the parties that are remembered; room is made for more now and
	// then.
	repliesKnown = 65_536
	repliesSweep = time.Minute
)

// Replies sends parties the answers to their opt-out words and calls for help, each
// once. Nothing of them is kept but how many there were, by a keyed hash.
type Replies struct {
	sender routing.Originator
	now    func() time.Time
	within time.Duration
	ids    numberdb.IDs
	queue  chan routing.Reply
	sent   *prometheus.CounterVec

	seed  maphash.Seed
	mu    sync.Mutex
	of    map[uint64]replied
	swept time.Time // forget has looked last
}

// replied is what a party was sent in the day that began with the first.
type replied struct {
	since time.Time
	count int
}

// NewReplies registers its metrics. A carrier has answer to take a reply; sender is not
// called before Run.
func NewReplies(sender routing.Originator, answer time.Duration, now func() time.Time, reg prometheus.Registerer) (*Replies, error) {
	r := &Replies{
		sender: sender, now: now, within: answer, queue: make(chan routing.Reply, repliesWaiting), seed: maphash.MakeSeed(), of: map[uint64]replied{},
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskline_api_message_replies_total", Help: "Answers to opt-out words and calls for help, by what became of them; held: the party had enough.",
		}, []string{"outcome"}),
	}
	for _, outcome := range []string{"submitted", "unknown", "refused", "held", "dropped"} {
		r.sent.WithLabelValues(outcome)
	}
	if err := reg.Register(r.sent); err != nil {
		return nil, fmt.Errorf("registering metrics of replies: %w", err)
	}
	return r, nil
}

var _ routing.Replier = (*Replies)(nil)

// Reply is routing's.
func (r *Replies) Reply(reply routing.Reply) {
	if !r.may(reply.Mask, reply.Party) {
		r.sent.WithLabelValues("held").Inc()
		return
	}
	select {
	case r.queue <- reply:
	default:
		r.sent.WithLabelValues("dropped").Inc()
	}
}

// may counts a reply where the party may get one more.
func (r *Replies) may(mask, party e164.Number) bool {
	key, now := maphash.Comparable(r.seed, [2]e164.Number{mask, party}), r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	one, known := r.of[key]
	if known && now.Sub(one.since) >= repliesDay {
		known = false
	}
	switch {
	case known && one.count >= repliesEach:
		return false
	case !known && len(r.of) >= repliesKnown && !r.forget(now):
		return false
	case !known:
		one = replied{since: now}
	}
	one.count++
	r.of[key] = one
	return true
}

// forget makes room of those whose day is over.
func (r *Replies) forget(now time.Time) bool {
	if now.Sub(r.swept) < repliesSweep {
		return false
	}
	r.swept = now
	for key, one := range r.of {
		if now.Sub(one.since) >= repliesDay {
			delete(r.of, key)
		}
	}
	return len(r.of) < repliesKnown
}

// Run sends until ctx ends.
func (r *Replies) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			r.sent.WithLabelValues("dropped").Add(float64(len(r.queue)))
			return nil
		case reply := <-r.queue:
			r.send(&reply)
		}
	}
}

func (r *Replies) send(reply *routing.Reply) {
	now := r.now()
	r.sender.Originate(&routing.Origination{
		ID: uint64(r.ids.Next(now)), From: reply.Mask, To: reply.Party, Text: []byte(reply.Text), AnswerBy: now.Add(r.within),
		Origin: &routing.Origin{Tenant: reply.Tenant, Carrier: reply.Carrier, Writes: routing.WritesReply},
	}, func(o routing.Originated) {
		outcome := "refused"
		switch {
		case o.Fate == routing.FateDelivered && o.Carrier != "":
			outcome = "submitted"
		case o.Fate == routing.FateUnknown:
			outcome = "unknown"
		default:
		}
		r.sent.WithLabelValues(outcome).Inc()
	})
}
