package numberdb

import (
	"context"
	"fmt"
	"strings"
	"time"
)

type actorKey struct{}

// WithActor is a context of what somebody does, for the audit: the id of a key, or
// OperatorActor.
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// ActorOf is who does it; EdgeActor where nobody was named.
func ActorOf(ctx context.Context) string {
	if actor, is := ctx.Value(actorKey{}).(string); is && actor != "" {
		return actor
	}
	return EdgeActor
}

// Auditing makes the lines of the audit that changes need.
type Auditing struct {
	Node string
	IDs  IDs
}

// Lines are those of writes that somebody does at a time. Writes of traffic, such as
// a reply slot, have none.
func (a *Auditing) Lines(actor string, now time.Time, w *Writes) (lines []AuditLine) {
	now = now.UTC().Truncate(time.Microsecond)
	add := func(tenant, what, subject, detail string) {
		lines = append(lines, AuditLine{ID: a.IDs.Next(now), At: now, Node: a.Node, Actor: actor, Tenant: tenant, What: what, Subject: subject, Detail: Shortened(detail)})
	}
	isNew := make(map[ID]bool, len(w.New))
	for _, id := range w.New {
		isNew[id] = true
	}
	for i := range w.Sessions {
		s := &w.Sessions[i]
		add(s.Tenant, kindOf(s)+"."+didTo(s, isNew[s.ID], w), s.ID.Text(SessionPrefix), about(s))
	}
	for _, id := range w.Gone.Sessions {
		add("", "session.deleted", id.Text(SessionPrefix), "")
	}
	for i := range w.Tenants {
		add(w.Tenants[i].Name, "tenant.set", w.Tenants[i].Name, fmt.Sprint("state ", w.Tenants[i].State))
	}
	for i := range w.Pools {
		add(w.Pools[i].Tenant, "pool.set", w.Pools[i].Name, policyText(&w.Pools[i].Policy))
	}
	for _, name := range w.Gone.Pools {
		add("", "pool.removed", name, "")
	}
	for i := range w.Events {
		e := &w.Events[i]
		add("", "mask."+e.What.String(), e.Mask.Reveal(), e.Why)
		if actor == EdgeActor && e.Actor != "" { // nobody but the history knows
			lines[len(lines)-1].Actor = e.Actor
		}
	}
	unexplained(w, add)
	for i := range w.Consents {
		c := &w.Consents[i]
		what := "consent.given"
		if !c.Withdrawn.IsZero() {
			what = "consent.withdrawn"
		}
		add(c.Tenant, what, c.ID.Text(ConsentPrefix), "")
	}
	for i := range lines {
		if lines[i].Actor == "" {
			lines[i].Actor = EdgeActor
		}
	}
	return lines
}

// unexplained tells of the masks that no event of the writes tells of.
func unexplained(w *Writes, add func(tenant, what, subject, detail string)) {
	if len(w.Masks) == 0 {
		return
	}
	explained := w.Explained()
	for i := range w.Masks {
		if m := &w.Masks[i]; !explained(m) {
			add("", "mask."+m.State.String(), m.Number.Reveal(), "")
		}
	}
}

func kindOf(s *Session) string {
	if s.Shape == Lease {
		return "lease"
	}
	return "session"
}

// didTo is what writes do to a session.
func didTo(s *Session, isNew bool, w *Writes) string {
	claimed, ended := false, false
	for i := range w.Claims {
		claimed = claimed || w.Claims[i].Session == s.ID
	}
	for i := range w.Bindings {
		b := &w.Bindings[i].Binding
		ended = ended || b.Session == s.ID
	}
	switch {
	case isNew:
		return "created"
	case s.Ended != NotEnded:
		return s.Ended.String()
	case claimed && ended:
		return "rotated"
	case claimed:
		return "joined"
	default:
		return "extended"
	}
}

func about(s *Session) string {
	return fmt.Sprintf("pool %s, %s, %d participants, until %s", s.Pool, s.Shape, len(s.Participants), s.Expires.UTC().Format(time.RFC3339))
}

func policyText(p *PoolPolicy) string {
	return fmt.Sprintf("%s, quarantine %v, parties %d, ttl %v, max_ttl %v, max_uses %d", p.Selection, p.Quarantine, p.Parties, p.TTL, p.MaxTTL, p.MaxUses)
}

const maxAuditDetail = 200

// Shortened bounds a detail.
func Shortened(text string) string {
	if runes := []rune(text); len(runes) > maxAuditDetail {
		return strings.TrimSpace(string(runes[:maxAuditDetail])) + "…"
	}
	return text
}

// Expired is the line of a session that has ended by its time. Every edge that
// notices it makes the same id, so that it is kept once.
func (a *Auditing) Expired(id ID, now time.Time) AuditLine {
	return AuditLine{
		ID: id | expiryBit, At: now.UTC().Truncate(time.Microsecond), Node: a.Node, Actor: EdgeActor, What: "session.expired", Subject: id.Text(SessionPrefix),
	}
}

// expiryBit is one that no id of a line has in this or the next century.
const expiryBit ID = 1 << 62
