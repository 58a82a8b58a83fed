package sip

import (
	"time"

	"maskline/e164"
)

// Voicemail takes over calls that nobody answered. No call asks for one yet: where
// it will be asked, and why there, is in docs/decisions/024-voicemail.md.
type Voicemail interface {
	// Take is asked at the moment in which the caller would be refused, or hear an
	// announcement. It must not block. False: the call goes on to its refusal.
	Take(call Unanswered) (Mailbox, bool)
}

// Unanswered is a call that reached nobody.
type Unanswered struct {
	ID      string      // correlation id, of logs and records
	Tenant  string      // of the mask
	Mask    e164.Number // that was dialled
	Called  e164.Number // for whom the message is
	Code    int         // the refusal that the caller would get, and its Q.850 cause
	Cause   int
	Reached bool // somebody's phone rang
}

// Mailbox is how one message is taken. The call is answered for it, and in its record
// like an announcement after an answer.
type Mailbox struct {
	Greeting Announcement  // before the tone; empty: the tone alone
	Longest  time.Duration // of the message; the call ends then
	// Record begins with the tone, on the caller's side; MediaSession.Release ends it.
	// Its error ends the call with the refusal.
	Record func(MediaSession) error
}
