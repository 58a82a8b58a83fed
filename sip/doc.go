// Package sip is the SIP side of the edge: trunks of carriers and of tenants'
// own PBXs, and two-leg calls between them in which neither side ever meets
// anything that the other one sent.
//
// A message's way: socket.go (UDP) and stream.go (TCP, TLS) drop what comes from
// nobody's trunk, what comes too fast and what message.Check refuses, before sipgo
// parses it; dispatch.go finds the call or the answer; the call decides; actor.go
// does what it decided.
//
// A [call] is a pure reducer: its state and one event at one instant give
// actions. It holds the transactions and timers of both legs (RFC 3261 §17) as
// well as the dialogs, since it must see everything in wire order; sipgo's own
// transaction layer starts a goroutine per message and answers CANCEL by itself.
// Nothing in it does I/O, reads a clock or draws a lot, so that whole calls are
// simulated from a seed, with messages lost, repeated and reordered.
//
// An [actor] runs one call: a mailbox that whoever has an event empties. There
// is no goroutine per call.
//
// Guarantees: both legs of a call always end, after 32 s of silence at the
// latest; its media is released once; the caller gets at most one final answer; a
// carrier that fails is left for the next one until media or a definite answer
// reached the caller; no request leaves outside a dialog of ours, none to an
// address that its trunk does not allow; no name from the wire is resolved.
//
// A digest is asked for in auth_in.go and answered in auth_out.go, to the trunk's
// own realm and address alone; register.go keeps us registered. What the edge says
// itself is in voice.go.
//
// A MESSAGE is no part of a call: text_in.go hands it to the other protocol and
// answers when that has it, text_out.go sends what comes from there; texts.go has
// the bounds. docs/decisions/020-messages-cross.md
//
// Start reading at call.go, then edge.go, then listen.go.
package sip
