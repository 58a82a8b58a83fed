// Package smpp is the SMPP side of the edge: peers bind to it (SMSC role), it
// binds to carriers (ESME role), and messages are relayed between all of them.
//
// What it guarantees: an upstream is answered once, within Config.AnswerWithin,
// and with success only after a downstream has accepted the message. Nothing is
// stored on the way. A message goes to a second carrier only if the first one
// refused it or never got it, or if the bind allows that after an unknown
// outcome; sent again by its upstream, it is answered with a late acceptance.
// Segments of one message take one carrier and one bind, in order. What goes to a
// party is built from an allow-list; it never holds the other party's number.
// Receipts go to who submitted, with the id and the addresses that it knows, and
// wait durably while it is not bound.
//
// What it never does: hold message text beyond the answer, log a number, start a
// goroutine or a timer for a message.
//
// Each connection has a reader and a writer goroutine; one sweeper meets all
// deadlines. A message is owned by one place at a time (message.go), so it is
// completed once. session.mu is taken last, below destination.mu or
// directWriter.mu; every other lock is held alone.
//
// What the edge writes itself enters by origin.go. Start reading at edge.go, session.go and handle.go; then relay.go, send.go and
// destination.go for a message's way, spread.go, lane.go and flow.go for which
// bind takes it and when, shape.go and whole.go for what it is turned into where
// two binds differ, receipts.go for what comes back. Messages of
// and for SIP peers cross by fromsip.go and topeer.go. The page docs/smpp.md has the
// tables: what passes, what is answered, what is bounded.
package smpp
