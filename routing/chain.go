package routing

import (
	"github.com/prometheus/client_golang/prometheus"
)

// step is one rule of the chain. judge returns true where the chain ends with
// it: Plan.Verdict and Plan.Answer then say how.
type step struct {
	name  string
	judge func(*state, *Request, *Plan) bool
	count [actions]prometheus.Counter
}

// The names of the rules that are always there, in maskline route and metrics.
const (
	ruleEmergency = "emergency"
	ruleWords     = "opt_out_words"
	ruleBinding   = "binding"
	ruleLoop      = "loop"
	ruleBlock     = "block"
	ruleOptOut    = "opt_out"
	rulePrefix    = "rule:" // of the configured ones
	ruleScreen    = "third_party_codes"
	ruleSpending  = "spend_limit"
	ruleSlot      = "slot"
	ruleCarriers  = "carriers"
)

// chain is the order of the rules; docs/decisions/012-rules.md argues for it.
// Rules that can never decide anything are not in it.
func (s *state) chain() []step {
	chain := []step{{name: ruleEmergency, judge: (*state).judgeEmergency}}
	if s.words != nil {
		chain = append(chain, step{name: ruleWords, judge: (*state).judgeWords})
	}
	chain = append(chain, step{name: ruleBinding, judge: (*state).judgeBinding}, step{name: ruleLoop, judge: (*state).judgeLoop})
	if s.restrictions != nil {
		chain = append(chain, step{name: ruleBlock, judge: (*state).judgeBlock}, step{name: ruleOptOut, judge: (*state).judgeOptOut})
	}
	for i := range s.rules {
		chain = append(chain, step{name: rulePrefix + s.rules[i].name, judge: s.rules[i].judge})
	}
	if s.screen != nil && s.masks != nil {
		chain = append(chain, step{name: ruleScreen, judge: (*state).judgeScreen})
	}
	if s.usage != nil {
		chain = append(chain, step{name: ruleSpending, judge: (*state).judgeSpending})
	}
	if s.slots != nil {
		chain = append(chain, step{name: ruleSlot, judge: (*state).judgeSlot})
	}
	return append(chain, step{name: ruleCarriers, judge: (*state).judgeCarriers})
}

// action is what a rule did to a request; one that passed it on did nothing.
type action uint8

const (
	forwards action = iota
	refuses
	drops
	optsOut
	optsIn
	helps
	holds
	actions
)

var actionNames = [actions]string{"forward", "refuse", "drop", "opt_out", "opt_in", "help", "hold"}

// String is the label in metrics.
func (a action) String() string { return actionNames[a] }

func actionOf(req *Request, plan *Plan) action {
	switch {
	case plan.Verdict == OptOut:
		return optsOut
	case plan.Verdict == OptIn:
		return optsIn
	case plan.Verdict == Help:
		return helps
	case plan.Verdict == FirstContact:
		return holds
	case plan.Verdict == Forward:
		return forwards
	case plan.Answer.Drop && req.Service == SMS:
		return drops
	default:
		return refuses
	}
}

// run asks the rules in order and returns the place of the one that decided,
// or the length of the chain where all let the request pass.
func (s *state) run(req *Request, plan *Plan) int {
	if req.From.IsShortCode() && !s.sendsFrom(req) {
		req.From = 0
	}
	for i := range s.steps {
		if s.steps[i].judge(s, req, plan) {
			return i
		}
	}
	return len(s.steps)
}

// sendsFrom reports whether a short code is the mask that a tenant writes from.
// Else it is nobody's number, and as good as withheld.
func (s *state) sendsFrom(req *Request) bool {
	return req.Origin.Tenant != "" && !req.To.IsShortCode() && !s.table.IsMask(req.To)
}

// judgeEmergency ends the chain for emergency strings: nothing below may keep
// them, and none is ever masked. Only a tenant's own call goes through, to the
// one trunk that takes emergency calls.
func (s *state) judgeEmergency(req *Request, plan *Plan) bool {
	if !s.emergency.is(req.Dialled, req.Origin.Country) {
		return false
	}
	if req.Service != Voice || req.Origin.Tenant == "" || s.emergency.trunk == nil {
		plan.Verdict = EmergencyRefused
		return true
	}
	plan.Emergency = true
	plan.Tenant = req.Origin.Tenant
	plan.Present = req.From
	plan.candidates[0] = candidate{carrier: s.emergency.trunk, present: req.From}
	plan.count = 1
	return true
}

// judgeBinding finds whom the request is about; all below know the tenant.
func (s *state) judgeBinding(req *Request, plan *Plan) bool {
	plan.Verdict = bind(s.table, req, plan)
	plan.Answer = s.answers.of(plan.Verdict)
	return plan.Verdict != Forward
}

// judgeLoop ends what would go round: to an end that is a mask; a message from a
// mask, since only we write from one; one that was delivered again and again. A
// party with a binding of its own is no mask. A call from a mask may be a
// forwarded one, and has its own loop detection.
func (s *state) judgeLoop(req *Request, plan *Plan) bool {
	loops := plan.To.Kind == ToNumber && s.table.IsMask(plan.To.Number)
	if req.Service == SMS {
		loops = loops || plan.Public && s.fromMask(req) || s.echoes != nil && s.echoes.tooMany(req.Fingerprint, req.Now)
	}
	if loops {
		plan.Verdict = Loop
	}
	return loops
}

// fromMask reports whether a carrier brings a message from one of our masks.
func (s *state) fromMask(req *Request) bool {
	return req.Origin.Tenant == "" && req.From != 0 && s.table.IsMask(req.From)
}

// judgeBlock looks at both ends: who writes to which mask, and who would get
// it from which.
func (s *state) judgeBlock(_ *Request, plan *Plan) bool {
	far := !plan.Outbound && plan.To.Kind == ToNumber
	if far && plan.second != 0 && s.restrictions.Blocked(plan.Tenant, plan.second, plan.To.Number) {
		plan.second = 0
	}
	blocked := s.restrictions.Blocked(plan.Tenant, plan.Mask, plan.Party) ||
		far && s.restrictions.Blocked(plan.Tenant, plan.Present, plan.To.Number)
	if blocked {
		plan.Verdict = Blocked
	}
	return blocked
}

// judgeOptOut keeps messages from parties that want none. What answers their own word
// is none of these.
func (s *state) judgeOptOut(req *Request, plan *Plan) bool {
	if req.Service != SMS || plan.To.Kind != ToNumber || req.Origin.Writes == WritesReply || !s.restrictions.OptedOut(plan.Tenant, plan.To.Number, plan.peer) {
		return false
	}
	plan.Verdict = OptedOut
	return true
}

func (s *state) judgeCarriers(req *Request, plan *Plan) bool {
	if plan.To.Kind != ToNumber {
		return false // to an account or peer: no carrier takes part
	}
	if s.order(req, plan); plan.count > 0 {
		return false
	}
	plan.Verdict = NoCarrier
	return true
}
