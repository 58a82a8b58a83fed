// Package verify proves that somebody has a number: it sends a code by the edge's
// own carriers and compares what the person types with it.
//
// A code is in memory until a carrier has it; the store keeps a keyed digest, which
// is compared in constant time. A guess is counted durably before it is answered, so
// that guesses beside one another are never more than the workflow allows. A new code
// makes the one before worthless, and takes no guesses back. Codes come in growing
// intervals; those of one number, and of a prefix whose codes nobody types in, are
// stopped.
//
// What is refused leaves nothing behind. It never logs a number or a code. Start
// reading at service.go, then start.go and check.go; resource.go has the operations.
package verify
