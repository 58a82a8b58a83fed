package main

import (
	"context"
	"errors"
	"time"

	"maskline/api/auth"
	"maskline/api/call"
	"maskline/api/guard"
	"maskline/api/message"
	"maskline/api/problem"
	"maskline/api/safeguards"
	"maskline/api/sandbox"
	"maskline/api/verify"
	"maskline/configs"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/sessions"
	"maskline/routing"
	"maskline/smpp/pdu"
)

// outbound is what the edge writes itself.
type outbound struct {
	messages *message.Service
	verify   *verify.Service
	replies  *message.Replies
	calls    *call.Service
}

// outboundStore is what it needs of a store.
type outboundStore interface {
	numberdb.AttemptStore
	numberdb.MessageStore
	numberdb.VerificationStore
	numberdb.WorkflowStore
	numberdb.CallStore
}

// newOutbound makes what writes messages, and returns who hears of their receipts.
func (e *edge) newOutbound() (_ routing.Reports, err error) {
	e.messages, err = message.New(messageConfig(e.cfg, e.told.hub.Told), e.store, sessionsOf{e.sessions}, bySMPP{e}, e.now, e.log.Named("messages"), e.metrics)
	if err != nil {
		return nil, err
	}
	numbers := sendersOf{e.sessions, e.table, e.desk, e.protection.guard, e.now}
	e.verify, err = verify.New(verify.Config{Told: e.told.hub.Told}, e.store, e.messages, numbers, phones{}, e.now, e.log.Named("verify"), e.metrics)
	if err != nil {
		return nil, err
	}
	return e.messages, e.newCalls()
}

// newReplies comes before the router, which hears the words.
func (e *edge) newReplies() (err error) {
	e.replies, err = message.NewReplies(bySMPP{e}, e.cfg.SMPP.AnswerWithin, time.Now, e.metrics)
	return err
}

// bySMPP sends through the SMPP side, which is made after what writes.
type bySMPP struct{ edge *edge }

// Originate is routing.Originator's.
func (s bySMPP) Originate(m *routing.Origination, done func(routing.Originated)) {
	if s.edge.inside != nil { // SMPP goes by the time, and the message's deadline by the clock of the sandbox
		m.AnswerBy = time.Now().Add(s.edge.cfg.SMPP.AnswerWithin)
	}
	s.edge.smpp.Originate(m, done)
}

func messageConfig(cfg *configs.Config, told func(tenant string)) message.Config {
	return message.Config{Answer: cfg.SMPP.AnswerWithin, Told: told}
}

// sessionsOf is the owner of sessions in the words of the API.
type sessionsOf struct{ owner *sessions.Owner }

// Get finds a tenant's session.
func (s sessionsOf) Get(ctx context.Context, tenant string, id numberdb.ID) (numberdb.Session, error) {
	found, err := s.owner.Get(ctx, tenant, id)
	if errors.Is(err, sessions.ErrNoSession) {
		return found, problem.New(problem.NotFound)
	}
	return found, err
}

// sendersOf knows the masks for what the edge writes itself.
type sendersOf struct {
	owner *sessions.Owner
	table *numberdb.Table
	desk  *sessionDesk
	guard *guard.Guard
	now   func() time.Time
}

// Senders are the masks that may write messages of a tenant.
func (s sendersOf) Senders(tenant string, mask e164.Number, pool string) (all []e164.Number) {
	if mask == 0 {
		if s.open(tenant, pool) {
			for _, m := range s.owner.Masks(pool) {
				if writes(&m) {
					all = append(all, m.Number)
				}
			}
		}
		return all
	}
	if m, known := s.owner.Mask(mask); known {
		if m.Pool != "" && s.open(tenant, m.Pool) && writes(m) {
			all = append(all, mask)
		}
		return all
	}
	// One that was bound by hand is of the tenant that it leads to.
	if b, status := s.table.Lookup(mask, 0, s.now()); status.Found() && b.Tenant == tenant && b.Services.Has(numberdb.SMS) {
		all = append(all, mask)
	}
	return all
}

// open reports whether a tenant may use a pool.
func (s sendersOf) open(tenant, pool string) bool {
	for _, p := range s.owner.Pools() {
		if p.Name == pool {
			return p.Tenant == "" || p.Tenant == tenant
		}
	}
	return false
}

func writes(m *numberdb.Mask) bool {
	return m.Services.Has(numberdb.SMS) && m.State == numberdb.Free
}

// Emergency reports whether a text is an emergency number.
func (s sendersOf) Emergency(text string) bool { return s.desk.isEmergency(text) }

// Refuse says why nothing is sent to a number; what is asked for counts in the score
// of the key.
func (s sendersOf) Refuse(ctx context.Context, tenant string, to e164.Number) error {
	_, ours := s.owner.Mask(to)
	switch {
	case !s.desk.exists(to):
		return &problem.Error{Code: problem.InvalidNumber, Fields: []problem.Field{{Field: "body.to", Problem: sandbox.OnlyFiction}}}
	case s.Emergency(to.Reveal()):
		return problem.New(problem.EmergencyNumber)
	case ours || s.table.IsMask(to):
		return problem.New(problem.NumberIsMask)
	}
	who := guard.Who{Key: auth.From(ctx).Key, Tenant: tenant}
	return safeguards.Problem(s.guard.Contact(ctx, who, guard.Party{Field: "to", Number: to}))
}

// Bound reports whether the party knows somebody else by the mask.
func (s sendersOf) Bound(mask, party e164.Number) bool {
	_, status := s.table.Lookup(mask, party, s.now())
	return status.Found() && status != numberdb.Public || status == numberdb.Ended
}

// phones is the alphabet of phones.
type phones struct{}

// OneSegment reports whether a text is of the GSM alphabet and fits into one short
// message.
func (phones) OneSegment(text string) bool {
	coded, err := pdu.AppendEncoded(nil, []byte(text), pdu.GSM7)
	return err == nil && pdu.Units(pdu.GSM7, coded) <= pdu.Room(pdu.GSM7, 0)
}
