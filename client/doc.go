// Package client calls the HTTP API of an edge. It needs the standard library
// alone.
//
// Each operation of the OpenAPI document has a method, each schema a type; both
// are written from the document and compared with that of a running edge by the
// edge's tests. What goes wrong is a *Problem, or an error that is
// ErrUnavailable: the edge, its store or its carriers are away, and a program may
// go on without a mask.
//
// A call is tried again where that can do no harm: every read, every deletion,
// what carries an Idempotency-Key (the client makes one where the caller names
// none), and what the edge has refused before doing anything. Between attempts it
// waits as Retry-After says, else longer each time, and never beyond the call's
// deadline. A call whose outcome is unknown and that may not be repeated is told
// as ErrUnavailable.
//
// Start reading at client.go, then call.go.
package client
