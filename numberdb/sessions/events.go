package sessions

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/numberdb/allocator"
)

// Events is told what an owner's commits tell tenants.
type Events interface {
	// Told is called after a commit that has written events for a tenant; numberdb.AnyTenant:
	// it is not known whose. It must not wait.
	Told(tenant string)
	// Note takes an event that belongs to no change. It must not wait.
	Note(e *numberdb.Event)
}

// Types of the events.
const (
	eventSessionCreated    = "session.created"
	eventSessionClosed     = "session.closed"
	eventParticipantAdded  = "participant.added"
	eventLeaseCreated      = "lease.created"
	eventLeaseReleased     = "lease.released"
	eventLeaseBurned       = "lease.burned"
	eventLeaseRotated      = "lease.rotated"
	eventNumberWatchlisted = "number.watchlisted"
	eventNumberQuarantined = "number.quarantined"
	eventNumberAvailable   = "number.available"
	eventPoolExhausted     = "pool.exhausted"
)

// told is the data of an event: words, and names that are the operator's own.
type told struct {
	Pool         string `json:"pool,omitempty"`
	Shape        string `json:"shape,omitempty"`
	Reason       string `json:"reason,omitempty"`
	Participants int    `json:"participants,omitempty"`
	Count        int    `json:"count,omitempty"`
}

func (o *Owner) event(tenant, kind string, session numberdb.ID, at time.Time, data *told) numberdb.Event {
	text, err := json.Marshal(data)
	if err != nil {
		text = nil // not with words alone
	}
	return numberdb.Event{ID: o.ids.Next(at), Tenant: tenant, Type: kind, Session: session, At: at, Data: text}
}

// tell adds an event of a session to what is written of it.
func (o *Owner) tell(w *numberdb.Writes, s *numberdb.Session, kind string, at time.Time, data told) {
	if o.cfg.Events != nil {
		w.Outbox = append(w.Outbox, o.event(s.Tenant, kind, s.ID, at, &data))
	}
}

func (o *Owner) tellCreated(w *numberdb.Writes, s *numberdb.Session) {
	kind := eventSessionCreated
	if s.Shape == numberdb.Lease {
		kind = eventLeaseCreated
	}
	o.tell(w, s, kind, s.Created, told{Pool: s.Pool, Shape: s.Shape.String()})
}

func (o *Owner) tellEnded(w *numberdb.Writes, s *numberdb.Session) {
	kind := eventSessionClosed
	switch {
	case s.Shape != numberdb.Lease:
	case s.Ended == numberdb.Burned:
		kind = eventLeaseBurned
	default:
		kind = eventLeaseReleased
	}
	o.tell(w, s, kind, s.Expires, told{Reason: s.Ended.String()})
}

// tellStates tells whose pools the masks are that are in another state, one event
// for each pool and state.
func (o *Owner) tellStates(w *numberdb.Writes, now time.Time) {
	if o.cfg.Events == nil || len(w.Masks) == 0 {
		return
	}
	type moved struct {
		pool  string
		state numberdb.MaskState
	}
	count := map[moved]int{}
	var order []moved
	o.stock.Lock()
	defer o.stock.Unlock()
	for i := range w.Masks {
		m := &w.Masks[i]
		key := moved{m.Pool, m.State}
		if was, known := o.masks[m.Number.Canonical()]; m.Pool == "" || stateEvent(m.State) == "" || !known && m.State == numberdb.Free || known && was.State == m.State && was.Since.Equal(m.Since) {
			continue
		}
		if count[key]++; count[key] == 1 {
			order = append(order, key)
		}
	}
	for _, key := range order {
		w.Outbox = append(w.Outbox, o.event(o.pools[key.pool].Tenant, stateEvent(key.state), 0, now, &told{Pool: key.pool, Count: count[key]}))
	}
}

func stateEvent(state numberdb.MaskState) string {
	switch state {
	case numberdb.Watchlisted:
		return eventNumberWatchlisted
	case numberdb.Quarantined:
		return eventNumberQuarantined
	case numberdb.Free:
		return eventNumberAvailable
	default:
		return ""
	}
}

// tellExhausted tells it once an hour for each pool and reason, whichever edge met
// it.
func (o *Owner) tellExhausted(err error) {
	var x *allocator.Exhausted
	if o.cfg.Events == nil || !errors.As(err, &x) {
		return
	}
	now := o.now()
	o.stock.Lock()
	tenant := o.pools[x.Pool].Tenant
	o.stock.Unlock()
	e := o.event(tenant, eventPoolExhausted, 0, now, &told{Pool: x.Pool, Reason: x.Reason.String()})
	e.Once = "exhausted " + x.Pool + " " + x.Reason.String() + " " + now.UTC().Format("2006-01-02T15")
	o.cfg.Events.Note(&e)
}

// committed says whom a commit has told something.
func (o *Owner) committed(w *numberdb.Writes) {
	if o.cfg.Events == nil {
		return
	}
	last := numberdb.AnyTenant
	for i := range w.Outbox {
		if t := w.Outbox[i].Tenant; t != last {
			last = t
			o.cfg.Events.Told(t)
		}
	}
	if len(w.Expired) > 0 {
		o.cfg.Events.Told(numberdb.AnyTenant)
	}
}

const (
	expiriesAtOnce = 1_000
	mostUntold     = 100_000
	// toldMargin is for expiries that are being told.
	toldMargin = time.Minute
	// A scan looks at all sessions. One that failed may have taken all the time that
	// there was, and ends wait for it.
	scanAgain = time.Minute
)

// expiries are the ends by time that are to be told. It is tend's own.
type expiries struct {
	store  numberdb.ExpiryStore // nil: nothing is told
	untold []numberdb.ID
	scan   bool      // the store is to be asked which ones were missed
	next   time.Time // before which it is not
	after  numberdb.ID
	told   time.Time // that the store was told of
}

func newExpiries(cfg *Config, store Store) expiries {
	x := expiries{scan: true}
	if known, is := store.(numberdb.ExpiryStore); is && cfg.Events != nil {
		x.store = known
	}
	return x
}

// add takes in sessions that time has ended. What is too much is found by a scan.
func (x *expiries) add(ids []numberdb.ID) {
	if x.store == nil {
		return
	}
	if len(x.untold)+len(ids) > mostUntold {
		x.untold, x.scan, x.after = nil, true, 0
		return
	}
	x.untold = append(x.untold, ids...)
}

// tellExpired writes the events of sessions that time has ended. While the store is
// away they wait.
func (o *Owner) tellExpired(ctx context.Context, now time.Time) {
	x := &o.expiries
	if x.store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, o.cfg.Commit)
	defer cancel()
	if x.scan && len(x.untold) == 0 && !now.Before(x.next) {
		found, err := x.store.ExpiredSessions(ctx, now, x.after, expiriesAtOnce)
		if err != nil {
			x.next = now.Add(scanAgain)
			o.log.Warn("could not look for sessions whose end was not told", zap.Error(err), zap.Duration("again_in", scanAgain))
			return
		}
		if x.untold = found; len(found) < expiriesAtOnce {
			x.scan, x.after = false, 0
		} else {
			x.after = found[len(found)-1]
		}
	}
	for len(x.untold) > 0 {
		part := x.untold[:min(len(x.untold), expiriesAtOnce)]
		var w numberdb.Writes
		for _, id := range part {
			w.Expired = append(w.Expired, numberdb.Expiry{Session: id, Event: o.ids.Next(now)})
		}
		if err := o.committer.do(ctx, w); err != nil {
			o.log.Debug("could not tell the end of sessions yet", zap.Error(err))
			return
		}
		x.untold = x.untold[len(part):]
	}
	x.untold = nil
	if until := now.Add(-toldMargin); !x.scan && until.Sub(x.told) >= toldMargin {
		if err := x.store.ToldExpiries(ctx, until); err == nil {
			x.told = until
		}
	}
}
