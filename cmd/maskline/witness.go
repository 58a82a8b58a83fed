package main

import (
	"maskline/api/events"
	"maskline/numberdb/sessions"
	"maskline/routing"
)

// witness tells tenants of messages and calls as they pass, where they want to be told:
// whose, through which session, and a word.
type witness struct {
	traffic *events.Traffic
	owner   *sessions.Owner
}

var _ routing.Witness = (*witness)(nil)

type refusedTold struct {
	Reason string `json:"reason"`
}

// Refused is routing's.
func (w *witness) Refused(service routing.Service, plan *routing.Plan) {
	if !w.traffic.Anybody() {
		return
	}
	stranger := plan.Verdict == routing.OutOfSession || plan.Verdict == routing.Ended
	var kind events.Kind
	switch {
	case service == routing.Voice && stranger:
		kind = events.OutOfSessionCall
	case service == routing.Voice:
		kind = events.CallBlocked
	case stranger:
		kind = events.OutOfSessionMessage
	default:
		kind = events.MessageBlocked
	}
	tenant := plan.Tenant
	switch {
	case plan.Verdict == routing.Ended && tenant == "":
		tenant = plan.Former
	case plan.Verdict == routing.OutOfSession:
		tenant = w.tenantOf(plan)
	}
	if w.traffic.Wants(tenant, kind) {
		w.traffic.Tell(tenant, kind, plan.Session, refusedTold{plan.Verdict.String()})
	}
}

// tenantOf is whose the mask's pool is; a mask of a pool for everybody, or bound by hand,
// is the operator's.
func (w *witness) tenantOf(plan *routing.Plan) string {
	m, known := w.owner.Mask(plan.Mask)
	if !known || m.Pool == "" {
		return ""
	}
	return w.owner.PoolTenant(m.Pool)
}

type broughtTold struct {
	Segments int    `json:"segments,omitempty"`
	To       string `json:"to"` // number, account or peer
}

// brought tells of a message to a mask that was handed on.
func (w *witness) brought(plan *routing.Plan, segments int) {
	if !w.traffic.Wants(plan.Tenant, events.MessageInbound) {
		return
	}
	to := "number"
	switch plan.To.Kind {
	case routing.ToAccount:
		to = "account"
	case routing.ToPeer:
		to = "peer"
	default:
	}
	w.traffic.Tell(plan.Tenant, events.MessageInbound, plan.Session, broughtTold{segments, to})
}

type progressTold struct {
	Call string `json:"call_id"`
}

// progress tells of a call that rings or is answered.
func (w *witness) progress(call, tenant string, answered bool) {
	kind := events.CallRinging
	if answered {
		kind = events.CallAnswered
	}
	if tenant != "" && w.traffic.Wants(tenant, kind) {
		w.traffic.Tell(tenant, kind, 0, progressTold{call})
	}
}
