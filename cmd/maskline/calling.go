package main

import (
	"context"

	"maskline/api/auth"
	"maskline/api/call"
	"maskline/api/guard"
	"maskline/api/safeguards"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
	"maskline/sip"
)

// newCalls makes what makes calls between participants.
func (e *edge) newCalls() (err error) {
	cfg := call.Config{Node: string(e.cfg.Node), Ring: e.cfg.API.Calls.Ring}
	e.calls, err = call.New(cfg, e.store, sessionsOf{e.sessions}, calledOf{e.protection.guard}, bySIP{e}, e.told.hub.Told, e.now, e.log.Named("calls"), e.metrics)
	return err
}

// calledOf judges who is called.
type calledOf struct{ guard *guard.Guard }

// Calls judges each of them; what is asked for counts in the score of the key.
func (g calledOf) Calls(ctx context.Context, tenant string, parties ...e164.Number) error {
	who := guard.Who{Key: auth.From(ctx).Key, Tenant: tenant}
	for _, n := range parties {
		if err := g.guard.Contact(ctx, who, guard.Party{Number: n}); err != nil {
			return safeguards.Problem(err)
		}
	}
	return nil
}

// bySIP makes calls by the SIP side, which is made after what asks for them.
type bySIP struct{ edge *edge }

// Verdict asks routing.
func (s bySIP) Verdict(side *call.Side) routing.Verdict {
	if s.edge.sip == nil {
		return routing.NoCarrier
	}
	req := wayOf(side)
	req.Service, req.Now, req.Uncounted = routing.Voice, s.edge.now(), true
	var plan routing.Plan
	s.edge.router.Decide(&req, &plan)
	return plan.Verdict
}

func wayOf(s *call.Side) routing.Request {
	return routing.Request{Origin: s.Origin, From: s.From, To: s.To}
}

// Make begins a call.
func (s bySIP) Make(m *call.Making) (uint64, error) {
	if s.edge.sip == nil || s.edge.inside == nil && !s.edge.listening.Load() {
		return 0, call.ErrBusy
	}
	o := &sip.Order{
		ID: m.ID, First: wayOf(&m.First), Second: wayOf(&m.Second), Ring: m.Ring,
		Tell: func(n sip.OrderNews) { m.Tell(newsOf(&n)) },
	}
	o.First.Uncounted = true
	return s.edge.sip.Order(o)
}

// Release ends one.
func (s bySIP) Release(running uint64) { s.edge.sip.Release(running) }

func newsOf(n *sip.OrderNews) call.News {
	out := call.News{At: n.At, Reason: n.Reason, Talked: n.Talked}
	if n.Side == sip.SideB {
		out.Leg = numberdb.SecondLeg
	}
	switch n.Kind {
	case sip.OrderRinging:
		out.State = numberdb.CallRinging
	case sip.OrderAnswered:
		out.State = numberdb.CallConnecting
	case sip.OrderConnected:
		out.State = numberdb.CallConnected
	case sip.OrderEnded:
		out.State, out.Outcome = numberdb.CallEnded, outcomeOf(n.Reason, n.Code)
	}
	return out
}

// outcomeOf says in the API's words how a call ended.
func outcomeOf(reason string, code int) numberdb.CallOutcome {
	if code == 200 {
		return numberdb.CallCompleted
	}
	switch reason {
	case "released", "cancelled":
		return numberdb.CallCancelled
	case "no_answer", "not_accepted":
		return numberdb.CallNoAnswer
	case "refused", "callee":
		return refusedOutcome(code)
	case "timeout", "unreachable", "peer_unavailable", "no_such_peer", routing.NoCarrier.String():
		return numberdb.CallUnreachable
	}
	for _, v := range routing.Verdicts() {
		if v != routing.Forward && v.String() == reason {
			return numberdb.CallRefused
		}
	}
	return numberdb.CallFailed
}

// refusedOutcome reads the final answer of a leg's network. RFC 3261 §21.
func refusedOutcome(code int) numberdb.CallOutcome {
	switch code {
	case 486, 600:
		return numberdb.CallBusy
	case 408, 480:
		return numberdb.CallNoAnswer
	case 603, 607, 608:
		return numberdb.CallDeclined
	default:
		return numberdb.CallUnreachable
	}
}
