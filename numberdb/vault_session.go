package numberdb

import (
	"crypto/subtle"
	"encoding/binary"
	"math"
	"time"

	"maskline/e164"
)

// StoredSession is a session as stores keep it; times are microseconds since
// 1970, durations microseconds.
type StoredSession struct {
	ID       int64
	Tenant   string
	Pool     string
	Shape    int16
	Services int16
	Created  int64
	Expires  int64
	IdleTTL  int64
	MaxUses  int64
	Keep     int64 // 0: until Expires
	Ended    int16
	Sealed   []byte // participants and label, tied to all other columns
}

// PartyTag finds the sessions of a party: the first half of the hidden party.
// Two parties may have one tag, so what is found is compared when it is open.
type PartyTag int64

const sessionFormat = 1 // first octet of what is sealed of a session

// Tag is the party's tag; there is none of no party.
func (v *Vault) Tag(party e164.Number) PartyTag {
	hidden := v.Hide(party)
	return PartyTag(binary.BigEndian.Uint64(hidden[:8]))
}

// Tags appends those of the session's participants, each once.
func (v *Vault) Tags(dst []PartyTag, s *Session) []PartyTag { return v.Sealer().Tags(dst, s) }

// StoreSession makes the stored form.
func (v *Vault) StoreSession(s *Session) StoredSession { return v.Sealer().StoreSession(s) }

// OpenSession reads the stored form. The error never holds a value of it.
func (v *Vault) OpenSession(stored *StoredSession) (Session, error) {
	plain, err := v.content.Open(make([]byte, 0, 256), stored.Sealed, stored.place(make([]byte, 0, 256)))
	if err != nil || len(plain) < 2 || plain[0] != sessionFormat {
		return Session{}, ErrSealed
	}
	s := Session{
		ID: ID(stored.ID), Tenant: stored.Tenant, Pool: stored.Pool, Shape: Shape(stored.Shape), Services: Services(stored.Services),
		Participants: make([]Participant, plain[1]),
		Created:      fromMicros(stored.Created), Expires: fromMicros(stored.Expires), IdleTTL: time.Duration(stored.IdleTTL) * time.Microsecond,
		MaxUses: int(stored.MaxUses), Keep: fromMicros(stored.Keep), Ended: EndReason(stored.Ended),
	}
	plain = plain[2:]
	for i := range s.Participants {
		if plain, err = readParticipant(&s.Participants[i], plain); err != nil {
			return Session{}, err
		}
	}
	s.Label = string(plain)
	return s, s.Check()
}

// versionAt is where a version is in what is sealed: after the octet of the format
// it begins with a nonce, which is random. So every write makes another version,
// those of edges that do not look at it too.
const versionAt = 1

// Version is that of the row.
func (stored *StoredSession) Version() (v SessionVersion) {
	if len(stored.Sealed) >= versionAt+len(v) {
		copy(v[:], stored.Sealed[versionAt:])
	}
	return v
}

// place ties what is sealed to its row: all of the row but Sealed.
func (stored *StoredSession) place(dst []byte) []byte {
	dst = append(dst, "session"...)
	for _, word := range [...]int64{
		stored.ID, stored.Created, stored.Expires, stored.IdleTTL, stored.MaxUses, stored.Keep,
		int64(stored.Shape), int64(stored.Services), int64(stored.Ended), int64(len(stored.Tenant)),
	} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(word))
	}
	return append(append(dst, stored.Tenant...), stored.Pool...)
}

// appendParticipant writes three numbers and the endpoint after its length.
func appendParticipant(dst []byte, p *Participant) []byte {
	for _, n := range [...]e164.Number{p.Number, p.Dial, p.Second} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	at := len(dst)
	dst = appendEndpoint(append(dst, 0, 0), p.To)
	binary.BigEndian.PutUint16(dst[at:], uint16(len(dst)-at-2))
	return dst
}

func readParticipant(p *Participant, plain []byte) (rest []byte, err error) {
	const fixed = 3*8 + 2
	if len(plain) < fixed {
		return nil, ErrSealed
	}
	for i, n := range []*e164.Number{&p.Number, &p.Dial, &p.Second} {
		*n = e164.Number(binary.BigEndian.Uint64(plain[8*i:]))
	}
	length := int(binary.BigEndian.Uint16(plain[fixed-2:]))
	if plain = plain[fixed:]; length > len(plain) {
		return nil, ErrSealed
	}
	p.To, err = readEndpoint(plain[:length])
	return plain[length:], err
}

// HiddenKey is a client's idempotency key, or the fingerprint of its request, as
// stores keep it: equal for equal input, and nothing without the data key.
type HiddenKey [2 * 8]byte

// HideKey hides a tenant's idempotency key.
func (v *Vault) HideKey(tenant, key string) HiddenKey {
	return v.hide("idempotency key", tenant, []byte(key))
}

// HideRequest hides the fingerprint of a request. A plain digest of a request
// could be tried against all numbers.
func (v *Vault) HideRequest(tenant string, fingerprint []byte) HiddenKey {
	return v.hide("request", tenant, fingerprint)
}

// SameRequest compares with a stored one, in constant time.
func (k *HiddenKey) SameRequest(stored []byte) bool {
	return subtle.ConstantTimeCompare(k[:], stored) == 1
}

func (v *Vault) hide(purpose, tenant string, data []byte) (out HiddenKey) {
	d := make([]byte, 0, 256)
	d = append(append(d, math.MaxUint8, 0), purpose...) // no binding's digest begins so
	d = append(append(d, 0), tenant...)
	d = append(append(d, 0), data...)
	binary.BigEndian.PutUint64(out[:8], v.digests.Digest(d))
	d[1] = 1
	binary.BigEndian.PutUint64(out[8:], v.digests.Digest(d))
	return out
}
