// Package safeguards puts the guard between the API and what it gives out, and shows
// what safeguards keep: limits, consents, the audit.
//
// [Limits] counts every request and tells the limits in RateLimit fields.
// [Desk] lets the guard judge sessions and leases before they are made, and
// [Consents], [Audit] and [Limits] are resources under /v1. A refusal of the guard
// becomes a problem by one table.
//
// Nothing that was submitted is repeated. Start reading at limits.go and desk.go.
package safeguards
