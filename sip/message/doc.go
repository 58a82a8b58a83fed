// Package message is what Maskline accepts and what it says in SIP.
//
// Towards the wire it is strict: [Check] judges a datagram's raw bytes before
// any parser sees them, and [NewRequest] and [NewResponse] check what sipgo's
// parser lets through. Each refusal is a [Fault] that knows its status code,
// its phrase and its name in metrics, and never quotes what was received.
//
// From the wire it takes little: what leaves towards one party is written by
// [Draft] and [Reply] from an allow-list, starting from nothing. No header,
// tag, Call-ID, phrase, Contact or session description line of one party ever
// reaches the other one; a session description is read into [SDP] and written
// anew. The one exception is the emergency call ([Emergency]).
//
// A party gets back what it sent itself: Via, From, To, Call-ID, CSeq and
// Record-Route of its own request, as RFC 3261 §8.2.6 asks.
//
// The package does no I/O, keeps no state and reads no clock. Start reading at
// guard.go and validate.go for the way in, at draft.go, legb.go and sdp.go for
// the way out.
package message
