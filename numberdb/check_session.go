package numberdb

import (
	"errors"
	"slices"
)

// Faults of sessions and attempts. They name the field and never a value.
var (
	ErrNoID         = errors.New("id: a session needs one")
	ErrPool         = errors.New("pool: expected a name of 1 to 64 printable characters")
	ErrShape        = errors.New("shape: expected a known one")
	ErrParticipants = errors.New("participants: expected two for a session with one mask for each side or a shared one, " +
		"up to 100 for a group, one or two else")
	ErrParticipant     = errors.New("participants: each needs a number or an endpoint, and has no mask as its number")
	ErrSamePerson      = errors.New("participants: a number stands there twice")
	ErrSecond          = errors.New("participants: a second mask needs a first, and another one")
	ErrCreated         = errors.New("created: expected a time from 1970 to 2261, to the microsecond at most")
	ErrSessionEnd      = errors.New("expires: expected a time after created, to the microsecond at most")
	ErrKeep            = errors.New("keep: expected a time from 1970 to 2261, to the microsecond at most")
	ErrEnded           = errors.New("ended: expected a known reason")
	ErrLabel           = errors.New("label: expected at most 64 printable characters")
	ErrAttemptKey      = errors.New("key: expected an idempotency key of 1 to 255 octets")
	ErrFingerprint     = errors.New("fingerprint: expected 1 to 64 octets")
	ErrResponse        = errors.New("response: expected an id")
	ErrUntil           = errors.New("until: expected a time from 1970 to 2261, to the microsecond at most")
	ErrSessionServices = errors.New("services: expected sms, voice or both")
)

const (
	maxParticipants = 100
	maxLabel        = 64
	maxAttemptKey   = 255
	maxFingerprint  = 64
)

// Check refuses what no store may hold.
func (s *Session) Check() error {
	switch {
	case s.ID == 0 || int64(s.ID) < 0:
		return ErrNoID
	case !isOwner(s.Tenant):
		return ErrTenant
	case !isName(s.Pool):
		return ErrPool
	case s.Shape > Lease:
		return ErrShape
	case s.Services == 0 || s.Services&^(SMS|Voice) != 0:
		return ErrSessionServices
	case !isTime(s.Created):
		return ErrCreated
	case !isTime(s.Expires) || s.Expires.Before(s.Created):
		return ErrSessionEnd
	case !isDuration(s.IdleTTL):
		return ErrIdleTTL
	case s.MaxUses < 0 || s.MaxUses > maxUses:
		return ErrMaxUses
	case !s.Keep.IsZero() && !isTime(s.Keep):
		return ErrKeep
	case s.Ended > Rotated:
		return ErrEnded
	case !isText(s.Label, maxLabel):
		return ErrLabel
	}
	return s.checkParticipants()
}

func (s *Session) checkParticipants() error {
	least, most := 1, 2
	switch s.Shape {
	case PerSide, Shared:
		least = 2
	case Group:
		most = maxParticipants
	default: // the one whom the mask leads to, and perhaps whoever contacts it
	}
	if len(s.Participants) < least || len(s.Participants) > most {
		return ErrParticipants
	}
	for i := range s.Participants {
		p := &s.Participants[i]
		if err := p.check(); err != nil {
			return err
		}
		if p.Number != 0 && slices.ContainsFunc(s.Participants[:i], func(other Participant) bool {
			return other.Number.Canonical() == p.Number.Canonical()
		}) {
			return ErrSamePerson
		}
	}
	return nil
}

func (p *Participant) check() error {
	switch number := p.Number.Canonical(); {
	case p.Number != 0 && !p.Number.Valid() || p.Dial != 0 && !p.Dial.Valid() || p.Second != 0 && !p.Second.Valid():
		return errNumber
	case number == 0 && p.To.Kind == NoEndpoint,
		number != 0 && (number == p.Dial.Canonical() || number == p.Second.Canonical()):
		return ErrParticipant
	case number.IsShortCode():
		return ErrShortParty
	case p.Second != 0 && (p.Dial == 0 || p.Dial.Canonical() == p.Second.Canonical()):
		return ErrSecond
	}
	if p.To.Kind == NoEndpoint && p.To == (Endpoint{}) {
		return nil
	}
	return p.To.check()
}

// Check refuses what no store may hold.
func (a *Attempt) Check() error {
	switch {
	case !isOwner(a.Tenant):
		return ErrTenant
	case a.Key == "" || len(a.Key) > maxAttemptKey:
		return ErrAttemptKey
	case len(a.Fingerprint) == 0 || len(a.Fingerprint) > maxFingerprint:
		return ErrFingerprint
	case a.Response == 0 || int64(a.Response) < 0:
		return ErrResponse
	case !isTime(a.Until):
		return ErrUntil
	}
	return nil
}
