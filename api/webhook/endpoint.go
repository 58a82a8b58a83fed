package webhook

import (
	"slices"
	"time"

	"maskline/numberdb"
)

// item is an event at an endpoint that is not done.
type item struct {
	numberdb.Delivery
	event   *numberdb.Event // nil: to be read again, since it waits
	lane    *lane
	logged  bool // it stands in the log, or will with the next settlement
	posting bool
	loading bool
}

// lane is the events of one session at an endpoint, or one event of none: they are
// posted one after the other.
type lane struct {
	key   uint64
	items []*item // in their order; the first is the one to be posted
	ready bool    // it is in the endpoint's list
}

// endpoint is what an edge knows of one that it holds.
type endpoint struct {
	numberdb.HeldEndpoint
	leased  time.Time // until then no other edge posts
	read    numberdb.EventPosition
	more    bool    // there may be more to be read
	loaded  bool    // what waits was read
	partly  bool    // more waits than was read at once: nothing new is read before
	window  []*item // read and not known to be settled, in their order
	sending int     // lines of the log that are being written
	lanes   map[uint64]*lane
	waiting map[numberdb.ID]*item // that stand in the store
	past    map[numberdb.ID]bool  // beyond read, and done or waiting all the same
	ready   []*lane
	inRing  bool
	gone    bool // it has answered 410
	dropped bool

	limit    int // posts at a time
	inFlight int
	slow     bool      // it failed last, or took its time, or was never posted to
	failures int       // in a row
	paused   time.Time // until then: it has asked for less
	told     time.Time // the alarm for the end of that

	noted     *bool               // the engine's
	unwritten []numberdb.Delivery // for the log
	wrote     time.Time
	done      numberdb.EventPosition // as it was written
}

func newEndpoint(h *numberdb.HeldEndpoint, noted *bool) *endpoint {
	return &endpoint{
		noted:        noted,
		HeldEndpoint: *h, read: h.Done, done: h.Done, lanes: map[uint64]*lane{}, waiting: map[numberdb.ID]*item{}, past: map[numberdb.ID]bool{}, limit: 1, slow: true, more: true,
	}
}

// keyOf is the lane of an event: that of its session, or its own.
func keyOf(session, event numberdb.ID) uint64 {
	if session != 0 {
		return uint64(session)
	}
	return uint64(event) | 1<<63 // no session's
}

// add puts an item into its lane, by its position.
func (p *endpoint) add(x *item) {
	key := keyOf(x.Session, x.Event)
	l := p.lanes[key]
	if l == nil {
		l = &lane{key: key}
		p.lanes[key] = l
	}
	x.lane = l
	at := len(l.items)
	for at > 0 && x.Position.Before(l.items[at-1].Position) && !l.items[at-1].posting {
		at--
	}
	l.items = slices.Insert(l.items, at, x)
}

// offer puts a lane among those that may be posted from.
func (p *endpoint) offer(l *lane) {
	if !l.ready && len(l.items) > 0 && !l.items[0].posting {
		l.ready = true
		p.ready = append(p.ready, l)
	}
}

// remove ends an item, the first of its lane.
func (p *endpoint) remove(x *item) {
	l := x.lane
	i := slices.Index(l.items, x)
	l.items = slices.Delete(l.items, i, i+1)
	if len(l.items) == 0 {
		delete(p.lanes, l.key)
	}
	delete(p.waiting, x.Event)
}

// note has a delivery written with the next settlement. From then on the item
// stands in the store.
func (p *endpoint) note(x *item) {
	x.logged = true
	*p.noted = true
	p.unwritten = append(p.unwritten, x.Delivery)
}

// park lets an item wait in the store, and all that is behind it.
func (p *endpoint) park(x *item) {
	for _, behind := range x.lane.items {
		if behind == x || !behind.logged {
			p.note(behind)
		}
		p.waiting[behind.Event] = behind
		behind.event = nil // it is read again
	}
}

// settled is up to where everything stands in the store once unwritten does.
func (p *endpoint) settled() numberdb.EventPosition {
	n := 0
	for n < len(p.window) && p.window[n].logged {
		n++
	}
	at := p.done
	if n > 0 {
		at = p.window[n-1].Position
		p.window = slices.Delete(p.window, 0, n)
	}
	if len(p.window) == 0 {
		at = p.read
	}
	return at
}

// room is how many events may be read.
func (p *endpoint) room() int {
	if !p.loaded || p.partly || p.gone || len(p.waiting) >= numberdb.MostWaiting {
		return 0
	}
	if room := mostUnsettled - len(p.window) - len(p.unwritten) - p.sending; room >= pageSize {
		return pageSize
	}
	return 0
}
