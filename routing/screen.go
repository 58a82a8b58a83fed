package routing

import (
	"maskline/e164"
	"maskline/numberdb"
)

// Screen looks at texts that come to leased masks. It keeps nothing and never waits.
type Screen interface {
	// Refuses reports whether the text, in capitals, is to go no further. It is valid
	// until Refuses returns.
	Refuses(tenant string, mask e164.Number, capitals []byte) bool
}

// judgeScreen asks of messages to masks that somebody has leased as a whole.
func (s *state) judgeScreen(req *Request, plan *Plan) bool {
	if req.Service != SMS || plan.Outbound || req.Text == nil {
		return false
	}
	if m, known := s.masks.Mask(plan.Mask); !known || m.State != numberdb.Held {
		return false
	}
	if !s.screen.Refuses(plan.Tenant, plan.Mask, req.capitals()) {
		return false
	}
	plan.Verdict = RuleRefused
	return true
}
