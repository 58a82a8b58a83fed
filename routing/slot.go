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
	// Answers reports whether the owner of a session that is reached at an account or a
	// peer has a number to answer from. One that is not known yet counts as having
	// one; Open finds out. It never waits.
	Answers(session numberdb.ID) bool
}

// judgeSlot holds a message or call back that is the first of its sender's to a
// public mask. A sender who has no number, or a mask for one, has no way back either,
// and is let through.
func (s *state) judgeSlot(req *Request, plan *Plan) bool {
	switch {
	case plan.public == 0 || req.From == 0 || req.From.IsShortCode() || s.table.IsMask(req.From):
		return false
	case plan.To.Kind == ToNumber && req.From.Canonical() == plan.To.Number.Canonical():
		return false
	case plan.To.Kind != ToNumber && !s.slots.Answers(plan.public):
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
