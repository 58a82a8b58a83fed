// Package guard keeps the API from being misused: who asks too often, who may not
// be a participant, what a tenant may have, and what looks like abuse.
//
// [Guard.Admit] counts a request before anything is done for it: by key, by tenant,
// and how many of a tenant are under way. [Guard.Allocate] judges a session or lease,
// [Guard.Contact] a number that is to be written to or called. What is refused is a
// [*Refusal], which names a problem of the API, a field and a reason, and never a
// value that was submitted.
//
// What a key does is counted in slots of five minutes for an hour, and each rule of
// [Score] says how many points it gives and why. Many points tighten the key's rate,
// then ask for a second step, then suspend the key, and that key alone.
//
// Memory is bounded: the keys and tenants that were not seen for longest are
// forgotten. Numbers are remembered as keyed hashes only. Nothing here waits for a
// store, and nothing is shared between edges: each counts what it serves.
//
// Start reading at guard.go, then rate.go, activity.go and score.go.
package guard
