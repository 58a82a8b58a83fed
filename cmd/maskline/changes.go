package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"maskline/configs"
	"maskline/numberdb"
)

// ledgerOfChanges commits changes with their lines of the audit.
type ledgerOfChanges struct {
	store    stores
	auditing *numberdb.Auditing
	now      func() time.Time
}

func newChanges(cfg *configs.Config, store stores, now func() time.Time) *ledgerOfChanges {
	return &ledgerOfChanges{store, &numberdb.Auditing{Node: string(cfg.Node)}, now}
}

// Commit makes writes durable with lines that tell who did it.
func (r *ledgerOfChanges) Commit(ctx context.Context, w *numberdb.Writes) error {
	w.Audit = append(w.Audit, r.auditing.Lines(numberdb.ActorOf(ctx), r.now(), w)...)
	if err := w.Check(); err != nil {
		return err
	}
	_, err := r.store.Commit(ctx, w)
	return err
}

// Note commits a line alone, of a change that no transaction of the store holds. Where
// it is committed before the change, it tells what was asked for.
func (r *ledgerOfChanges) Note(ctx context.Context, tenant, what, subject, detail string) error {
	now := r.now().UTC().Truncate(time.Microsecond)
	return r.Commit(ctx, &numberdb.Writes{Audit: []numberdb.AuditLine{{
		ID: r.auditing.IDs.Next(now), At: now, Node: r.auditing.Node, Actor: numberdb.ActorOf(ctx), Tenant: tenant, What: what, Subject: subject, Detail: numberdb.Shortened(detail),
	}}})
}

// bindings tells of bindings that are to be imported.
func (r *ledgerOfChanges) bindings(ctx context.Context, changes []numberdb.Change) error {
	return r.Note(ctx, "", "bindings.changed", "", fmt.Sprintf("%d rows", len(changes)))
}

// auditedRestrictions tells of opt-outs and blocks before they are stored.
type auditedRestrictions struct {
	numberdb.RestrictionStore
	records *ledgerOfChanges
}

// ApplyRestrictions commits the lines, then the changes.
func (s auditedRestrictions) ApplyRestrictions(ctx context.Context, changes []numberdb.RestrictionChange) error {
	if err := numberdb.CheckRestrictions(changes); err != nil {
		return err
	}
	now, a := s.records.now().UTC().Truncate(time.Microsecond), s.records.auditing
	for part := range slices.Chunk(changes, restrictionsAtOnce) {
		w := &numberdb.Writes{}
		for i := range part {
			c := &part[i]
			line := numberdb.AuditLine{
				ID: a.IDs.Next(now), At: now, Node: a.Node, Actor: numberdb.ActorOf(ctx), Tenant: c.Tenant, What: c.Kind.String() + ".set", Subject: c.Mask.Reveal(),
			}
			if c.Lifted {
				line.What = c.Kind.String() + ".lifted"
			}
			if c.Party != 0 {
				line.Detail = "party " + c.Party.String()
			}
			w.Audit = append(w.Audit, line)
		}
		if err := s.records.Commit(ctx, w); err != nil {
			return err
		}
	}
	return s.RestrictionStore.ApplyRestrictions(ctx, changes)
}

const restrictionsAtOnce = 5000

// byHand is a store that somebody at the command line changes.
type byHand struct{ numberdb.RestrictionStore }

// ApplyRestrictions names the actor.
func (s byHand) ApplyRestrictions(ctx context.Context, changes []numberdb.RestrictionChange) error {
	return s.RestrictionStore.ApplyRestrictions(numberdb.WithActor(ctx, numberdb.OperatorActor), changes)
}
