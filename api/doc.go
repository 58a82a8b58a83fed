// Package api serves what operators and programs ask over HTTP: health,
// readiness and metrics on the API listener, and the control socket that the
// local command line talks to.
//
// Nothing here is on the path of a message or call. Every server has deadlines
// on reading, writing and idling and a bound on headers and bodies; a request
// that fails gets a short problem text that repeats no real number. The control
// socket is a unix socket with mode 0600: whoever may open it may run the edge.
// Real numbers leave only through it (export, lists, dry run), because that is
// what its user asked for.
//
// Start reading at health.go, then control.go.
package api
