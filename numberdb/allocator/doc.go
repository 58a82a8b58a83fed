// Package allocator decides which masks the people of a session get.
//
// It guarantees that no party holds a mask twice, that a mask which ended for a
// party is not shown to it before its quarantine is over and it was told to
// forget it, that no mask has more parties than the pool's ceiling, and
// that a pool is never left for another one. A mask that anybody may contact is
// shared with nobody. Each party walks its own permutation of the pool, so what
// it had last comes back last: never first-fit, which connects late callers to
// strangers (docs/allocation.md).
//
// It is an engine of decisions in memory: no I/O, no goroutines, no clock of its
// own. What is held is told to it by [Engine.Learn] and [Engine.Forget], at the
// start and from the store's feed, or is its own decision. Its caller makes each
// decision durable before it is answered, or takes it back with [Engine.Undo].
// One engine owns a pool. An [Engine] may be used by many goroutines; one lock
// is held for microseconds.
//
// Start reading at request.go, then pick.go and walk.go; life.go ends things.
package allocator
