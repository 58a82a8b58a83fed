package events

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"maskline/numberdb"
)

// Kind is a type of event that traffic brings: it is told only where an endpoint or a
// stream wants it, since there may be one for each message and call.
type Kind uint8

// The kinds.
const (
	MessageInbound Kind = iota
	MessageBlocked
	OutOfSessionMessage
	OutOfSessionCall
	CallBlocked
	CallRinging
	CallAnswered
	kinds
)

var kindNames = [kinds]string{
	"message.inbound", "message.blocked", "out_of_session.message", "out_of_session.call", "call.blocked", "call.ringing", "call.answered",
}

// String is the type of the event.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return "invalid"
}

// kindSet has a bit for each kind.
type kindSet uint8

const allKinds kindSet = 1<<kinds - 1

// Wanted says what endpoints want. numberdb's stores do.
type Wanted interface {
	WantedEvents(ctx context.Context) ([]numberdb.WantedEvents, error)
}

// Traffic tells of messages and calls. Its methods may be called by many goroutines and
// never wait; where nobody wants to be told they allocate nothing and take no lock.
type Traffic struct {
	store Wanted
	notes *Notes
	log   *zap.Logger
	asked chan struct{} // of one place

	mu        sync.Mutex
	endpoints map[string]kindSet // by tenant
	streams   map[string]int     // open here, by tenant
	wanted    atomic.Pointer[map[string]kindSet]
}

// NewTraffic makes one that nobody wants anything of. Run learns who does.
func NewTraffic(store Wanted, notes *Notes, log *zap.Logger) *Traffic {
	return &Traffic{store: store, notes: notes, log: log, asked: make(chan struct{}, 1), streams: map[string]int{}}
}

// Wants reports whether a tenant wants to be told.
func (t *Traffic) Wants(tenant string, k Kind) bool {
	all := t.wanted.Load()
	return all != nil && (*all)[tenant]&(1<<k) != 0
}

// Anybody reports whether some tenant wants to be told of something.
func (t *Traffic) Anybody() bool {
	all := t.wanted.Load()
	return all != nil && len(*all) > 0
}

// Tell tells a tenant that wants it. The data is a struct of words and ids.
func (t *Traffic) Tell(tenant string, k Kind, session numberdb.ID, data any) {
	if !t.Wants(tenant, k) {
		return
	}
	text, err := json.Marshal(data)
	if err != nil {
		return // not with words alone
	}
	t.notes.AddTraffic(&numberdb.Event{Tenant: tenant, Type: k.String(), Session: session, Data: text})
}

// Follow and Unfollow count the streams of a tenant that are open at this edge.
func (t *Traffic) Follow(tenant string) { t.follow(tenant, 1) }

// Unfollow is for a stream that has ended.
func (t *Traffic) Unfollow(tenant string) { t.follow(tenant, -1) }

func (t *Traffic) follow(tenant string, more int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.streams[tenant] += more; t.streams[tenant] == 0 {
		delete(t.streams, tenant)
	}
	t.publish()
}

// publish makes what is wanted; mu is held.
func (t *Traffic) publish() {
	all := make(map[string]kindSet, len(t.endpoints)+len(t.streams))
	for tenant, set := range t.endpoints {
		all[tenant] = set
	}
	for tenant := range t.streams {
		all[tenant] = allKinds
	}
	t.wanted.Store(&all)
}

// Changed has Run ask the store at once.
func (t *Traffic) Changed() {
	select {
	case t.asked <- struct{}{}:
	default:
	}
}

const (
	wantedEvery = 2 * time.Second
	wantedTime  = 10 * time.Second
)

// Run keeps up with the endpoints until ctx ends. While the store is away what was
// wanted is.
func (t *Traffic) Run(ctx context.Context) error {
	tick := time.NewTicker(wantedEvery)
	defer tick.Stop()
	for failed := false; ; {
		err := t.ask(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			t.log.Warn("what webhook endpoints want cannot be read; it stays as it was", zap.Error(err))
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-t.asked:
		}
	}
}

func (t *Traffic) ask(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, wantedTime)
	defer cancel()
	found, err := t.store.WantedEvents(limited)
	if err != nil {
		return err
	}
	endpoints := map[string]kindSet{}
	for i := range found {
		if set := kindsOf(found[i].Types); set != 0 {
			endpoints[found[i].Tenant] |= set
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.endpoints = endpoints
	t.publish()
	return nil
}

// kindsOf are those of an endpoint's types; none are all.
func kindsOf(types []string) (set kindSet) {
	if len(types) == 0 {
		return allKinds
	}
	for k := range kinds {
		if slices.Contains(types, k.String()) {
			set |= 1 << k
		}
	}
	return set
}
