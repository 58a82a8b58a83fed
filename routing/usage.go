package routing

import "time"

// Usage counts what the traffic of tenants costs. Its methods never wait.
type Usage interface {
	// Exhausted reports whether a tenant has spent what it may in a day.
	Exhausted(tenant string, now time.Time) bool
	// Sent counts a message, or a segment of one, that was taken for cost millionths.
	Sent(tenant string, cost uint64, now time.Time)
	// Talked counts a call that has ended, at cost millionths for each minute begun.
	Talked(tenant string, cost uint64, talked time.Duration, now time.Time)
}

// judgeSpending keeps what would cost a tenant more than it may spend. What goes to
// its own account or peer costs nothing.
func (s *state) judgeSpending(req *Request, plan *Plan) bool {
	if plan.To.Kind != ToNumber || !s.usage.Exhausted(plan.Tenant, req.Now) {
		return false
	}
	plan.Verdict = SpendLimit
	return true
}
