package numberdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const (
	restrictionPoll  = time.Second            // between two looks at what others wrote
	restrictionDelay = 20 * time.Millisecond  // gathers what is noted at about the same time
	restrictionRetry = 500 * time.Millisecond // after the store refused
	restrictionLast  = 5 * time.Second        // for what is pending at the end
	maxPending       = 100_000                // changes that wait for the store
)

type restrictionMetrics struct{ stored, failures, dropped, refused, unreadable prometheus.Counter }

func (r *Restrictions) register(reg prometheus.Registerer) error {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "maskline_numberdb_restriction" + name, Help: help})
	}
	r.metrics = restrictionMetrics{
		stored:     counter("s_stored_total", "Opt-outs and their ends that were noted by traffic and are stored now."),
		failures:   counter("_store_errors_total", "Attempts to read or write restrictions that failed."),
		dropped:    counter("s_dropped_total", "Opt-outs that hold in memory only, since too many wait for the store."),
		refused:    counter("s_refused_total", "Opt-outs that were not taken, since there are as many as may be."),
		unreadable: counter("s_unreadable_total", "Rows of opt-outs and blocks that were left out: altered, or of another key."),
	}
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "maskline_numberdb_" + name, Help: help},
			func() float64 { return float64(value()) })
	}
	var err error
	for _, c := range []prometheus.Collector{
		r.metrics.stored, r.metrics.failures, r.metrics.dropped, r.metrics.refused, r.metrics.unreadable,
		gauge("opt_outs", "Opt-outs in memory.", r.optOuts.len),
		gauge("blocks", "Blocks in memory.", r.blocks.len),
		gauge("restrictions_pending", "Opt-outs and their ends in memory that the store does not have yet.", r.waiting),
	} {
		err = errors.Join(err, reg.Register(c))
	}
	return err
}

func (r *Restrictions) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.pending) + len(r.unstored)
}

// Tell has told called with each opt-out that this edge sets or lifts, before Run.
// It must not wait.
func (r *Restrictions) Tell(told func(*RestrictionChange)) { r.told = told }

// Note takes a change into memory at once and stores it soon after; it never
// waits. What was noted in the moments before a crash is lost. With too many
// changes waiting for a store that is away, a new one holds in memory only. It
// returns false, and nothing has changed, where a new opt-out would be more than
// Limit allows.
func (r *Restrictions) Note(c RestrictionChange) bool {
	if c.Check() != nil {
		return true // nothing that could ever be kept
	}
	key := keyOf(&c.Restriction)
	r.mu.Lock()
	had := r.optOuts.has(key)
	if r.full(&c, key) {
		r.mu.Unlock()
		r.metrics.refused.Inc()
		r.refused.Add(1)
		return false
	}
	r.take([]RestrictionChange{c})
	_, again := r.pending[key]
	if full := len(r.pending) >= maxPending; full && !again {
		r.metrics.dropped.Inc()
	} else {
		r.pending[key] = c
	}
	r.mu.Unlock()
	if r.told != nil && c.Kind == OptOut && had == c.Lifted {
		r.told(&c)
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return true
}

// full reports whether a change is one opt-out too many. mu is held.
func (r *Restrictions) full(c *RestrictionChange, key restrictionKey) bool {
	limit := r.limit.Load()
	return limit > 0 && c.Kind == OptOut && !c.Lifted && int64(r.optOuts.len()) >= limit && !r.optOuts.has(key)
}

// Apply stores changes and takes them into memory after that. They are newer
// than what was noted of the same keys before, and older than what is noted
// meanwhile.
func (r *Restrictions) Apply(ctx context.Context, changes []RestrictionChange) error {
	if err := CheckRestrictions(changes); err != nil {
		return err
	}
	if err := r.begin(ctx); err != nil {
		return fmt.Errorf("storing restrictions: %w", err)
	}
	defer r.end()
	before := r.pendingOf(changes)
	if err := r.store.ApplyRestrictions(ctx, changes); err != nil {
		return fmt.Errorf("storing restrictions: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	edit := r.edit()
	for i := range changes {
		key := keyOf(&changes[i].Restriction)
		if c := &changes[i]; r.told != nil && c.Kind == OptOut && r.optOuts.has(key) == c.Lifted {
			r.told(c)
		}
		if noted, pending := r.pending[key]; pending && noted != before[key] {
			continue
		}
		delete(r.pending, key)
		edit.change(&changes[i])
	}
	edit.publish()
	return nil
}

// begin waits until no other call of the store is under way.
func (r *Restrictions) begin(ctx context.Context) error {
	select {
	case r.writing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Restrictions) end() { <-r.writing }

func (r *Restrictions) pendingOf(changes []RestrictionChange) map[restrictionKey]RestrictionChange {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := map[restrictionKey]RestrictionChange{}
	for i := range changes {
		key := keyOf(&changes[i].Restriction)
		if c, pending := r.pending[key]; pending {
			found[key] = c
		}
	}
	return found
}

// Load reads every restriction once, for use without Run.
func (r *Restrictions) Load(ctx context.Context) error {
	r.reached = 0
	return r.read(ctx)
}

// Run loads the list, follows the store and stores what was noted, until ctx
// ends; then it stores what is pending, for a few seconds at most.
func (r *Restrictions) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	soon, failing := false, false
	var told time.Time
	for {
		select {
		case <-ctx.Done():
			return r.last(ctx)
		case <-r.wake:
			if !soon {
				timer.Reset(restrictionDelay)
			}
			soon = true
			continue
		case <-timer.C:
		}
		err := errors.Join(r.save(ctx), r.read(ctx))
		wait, lost := restrictionPoll, err != nil && ctx.Err() == nil
		if lost {
			wait = restrictionRetry
			r.metrics.failures.Inc()
			if !failing {
				r.log.Warn("lost the store of opt-outs and blocks; those in memory hold on", zap.Error(err))
			}
		}
		if time.Since(told) >= restrictionPoll && r.tellRefused() {
			told = time.Now()
		}
		soon, failing = lost, lost // a store that is away is not asked more often
		timer.Reset(wait)
	}
}

// tellRefused logs that opt-outs were not taken; false where all were.
func (r *Restrictions) tellRefused() bool {
	n := r.refused.Swap(0)
	if n > 0 {
		r.log.Error("opt-outs were refused, their senders' networks keep them: there are as many as routing.max_opt_outs allows",
			zap.Int64("refused", n), zap.Int64("max", r.limit.Load()))
	}
	return n > 0
}

// last stores what is pending when the edge ends.
func (r *Restrictions) last(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restrictionLast)
	defer cancel()
	for r.waiting() > 0 {
		err := r.save(ctx)
		if err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d opt-outs could not be stored: %w", r.waiting(), err)
		case <-time.After(restrictionRetry):
		}
	}
	return nil
}

// save stores what is pending. What cannot be stored stays pending, unless it
// was changed since.
func (r *Restrictions) save(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.end()
	r.mu.Lock()
	r.unstored, r.pending = r.pending, map[restrictionKey]RestrictionChange{}
	changes := slices.Collect(maps.Values(r.unstored))
	r.mu.Unlock()
	if len(changes) == 0 {
		return nil
	}
	err := r.store.ApplyRestrictions(ctx, changes)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		maps.Copy(r.unstored, r.pending)
		r.pending = r.unstored
	} else {
		r.metrics.stored.Add(float64(len(changes)))
	}
	r.unstored = nil
	return err
}

// read takes in what the store has since the last time. What is pending is
// newer than anything that the store tells.
func (r *Restrictions) read(ctx context.Context) error {
	// What Apply stores meanwhile would be older here than in memory.
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.end()
	var changes []RestrictionChange
	tell := func(c RestrictionChange) { changes = append(changes, c) }
	read, err := r.store.ReadRestrictions(ctx, r.reached, tell)
	if errors.Is(err, ErrFeedLost) {
		r.reached, changes = 0, nil
		read, err = r.store.ReadRestrictions(ctx, 0, tell)
	}
	if err != nil {
		return err
	}
	if read.Refused > 0 {
		r.metrics.unreadable.Add(float64(read.Refused))
		r.log.Error("opt-outs or blocks in the store cannot be read and are left out", zap.Int("rows", read.Refused))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	edit := r.edit()
	if r.reached == 0 {
		edit = r.empty()
	}
	for i := range changes {
		if _, newer := r.pending[keyOf(&changes[i].Restriction)]; !newer {
			edit.change(&changes[i])
		}
	}
	if r.reached == 0 {
		for _, c := range r.pending {
			edit.change(&c)
		}
	}
	edit.publish()
	r.reached = read.Position
	r.loaded.Store(true)
	return nil
}
