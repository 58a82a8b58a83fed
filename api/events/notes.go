package events

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/numberdb"
)

const (
	mostNoted = 4096 // that wait to be written
	noteBatch = 256
	noteRetry = 500 * time.Millisecond
	lastNotes = 5 * time.Second
	noteTime  = 10 * time.Second
)

// Committer makes writes durable. numberdb's stores do.
type Committer interface {
	Commit(ctx context.Context, w *numberdb.Writes) (numberdb.Position, error)
}

// Notes writes events behind those who note them. What was noted in the moments
// before a crash is lost, and what does not fit while the store is away.
type Notes struct {
	store            Committer
	told             func(tenant string)
	now              func() time.Time
	ids              numberdb.IDs
	log              *zap.Logger
	queue            chan numberdb.Event
	written, dropped prometheus.Counter
}

// NewNotes registers its metrics. Run writes; told is called after that.
func NewNotes(store Committer, told func(tenant string), now func() time.Time, log *zap.Logger, reg prometheus.Registerer) (*Notes, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "maskline_api_events_" + name, Help: help})
	}
	n := &Notes{
		store: store, told: told, now: now, log: log, queue: make(chan numberdb.Event, mostNoted),
		written: counter("noted_total", "Events that belong to no change of the store and were written behind."),
		dropped: counter("dropped_total", "Events that were not written, since too many waited for the store, or made no sense."),
	}
	return n, errors.Join(reg.Register(n.written), reg.Register(n.dropped))
}

// Add takes an event; its ID and time are set where they are missing. It never
// waits.
func (n *Notes) Add(e *numberdb.Event) {
	event := *e
	if event.At.IsZero() {
		event.At = n.now()
	}
	event.At = event.At.Truncate(time.Microsecond)
	if event.ID == 0 {
		event.ID = n.ids.Next(event.At)
	}
	if event.Check() != nil {
		n.dropped.Inc()
		return
	}
	select {
	case n.queue <- event:
	default:
		n.dropped.Inc()
	}
}

// AddTraffic is Add for events of which there may be one for each message and call:
// they leave half of the room to others.
func (n *Notes) AddTraffic(e *numberdb.Event) {
	if len(n.queue) >= mostNoted/2 {
		n.dropped.Inc()
		return
	}
	n.Add(e)
}

// Run writes what was noted until ctx ends, and then what is left.
func (n *Notes) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastNotes)
			defer cancel()
			for len(n.queue) > 0 && n.write(last, n.batch(<-n.queue)) {
			}
			n.dropped.Add(float64(len(n.queue)))
			return nil
		case e := <-n.queue:
			if batch := n.batch(e); !n.write(ctx, batch) {
				for i := range batch { // they are what is left
					n.Add(&batch[i])
				}
			}
		}
	}
}

func (n *Notes) batch(first numberdb.Event) []numberdb.Event {
	batch := []numberdb.Event{first}
	for len(batch) < noteBatch {
		select {
		case e := <-n.queue:
			batch = append(batch, e)
		default:
			return batch
		}
	}
	return batch
}

// write tries until it is done; false: ctx has ended.
func (n *Notes) write(ctx context.Context, batch []numberdb.Event) bool {
	for failed := false; ; failed = true {
		bounded, cancel := context.WithTimeout(ctx, noteTime)
		_, err := n.store.Commit(bounded, &numberdb.Writes{Outbox: batch})
		cancel()
		if err == nil {
			n.written.Add(float64(len(batch)))
			last := numberdb.AnyTenant
			for i := range batch {
				if t := batch[i].Tenant; t != last {
					last = t
					n.told(t)
				}
			}
			return true
		}
		if !failed && ctx.Err() == nil {
			n.log.Warn("events cannot be written; trying on", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(noteRetry):
		}
	}
}
