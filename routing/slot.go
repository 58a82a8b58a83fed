package routing

import (
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// Slots gives the owner of a session's public mask one mask for each caller, by
// which the owner answers this caller and nobody else.
type Slots interface {
	// Open makes the caller known to the owner. done is called once, by any
	// goroutine and perhaps before Open returns, soon after by at the latest: opened
	// says that the table knows the caller now, and will after a crash. It holds no
	// lock of the caller's.
	Open(session numberdb.ID, mask, caller e164.Number, by time.Time, done func(opened bool))
}

// judgeSlot holds a message or call back that is the first of its sender's to a
// public mask. A sender who has no number, or a mask for one, has no way back either,
// and is let through.
func (s *state) judgeSlot(req *Request, plan *Plan) bool {
	if plan.public == 0 || plan.To.Kind != ToNumber || req.From == 0 || req.From.IsShortCode() ||
		req.From.Canonical() == plan.To.Number.Canonical() || s.table.IsMask(req.From) {
		return false
	}
	plan.Verdict = FirstContact
	return true
}

// Open makes the sender of a FirstContact known to the owner of the mask, as Slots
// does. Decide forwards the request then.
func (r *Router) Open(plan *Plan, by time.Time, done func(opened bool)) {
	r.state.Load().slots.Open(plan.public, plan.Mask, plan.Party, by, done)
}
