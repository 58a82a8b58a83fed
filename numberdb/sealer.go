package numberdb

import (
	"encoding/binary"
	"slices"
	"strings"

	"maskline/e164"
	"maskline/seal"
)

// sealedRoom is what a Sealer makes room for at most at once: the sealed parts of a
// hundred rows or two.
const sealedRoom = 8 << 10

// Sealer makes the stored forms of many rows. It keeps its buffers, so it is for one
// goroutine; what it has made is not touched again.
type Sealer struct {
	vault  *Vault
	sealed []byte // of the rows so far, and room for more

	// What passes through an interface lies on the heap once.
	block        [seal.BlockSize]byte
	place, plain []byte
}

// Sealer is one for the vault.
func (v *Vault) Sealer() *Sealer {
	return &Sealer{vault: v, place: make([]byte, 0, 256), plain: make([]byte, 0, 256)}
}

// Hide is Vault.Hide.
func (z *Sealer) Hide(party e164.Number) HiddenParty {
	if party == 0 {
		return HiddenParty{}
	}
	z.vault.parties.HideIn(&z.block, uint64(party.Canonical()))
	return z.block
}

// Store makes the stored form.
func (z *Sealer) Store(b *Binding) Stored {
	s := Stored{
		Mask: int64(b.Mask.Canonical()), Party: z.Hide(b.Party),
		Present: int64(b.Present), Second: int64(b.Second), Services: int16(b.Services),
		Carriers: strings.Join(b.Carriers, "|"), Expires: micros(b.Expires), Tenant: b.Tenant,
		Session: int64(b.Session), Counted: b.Counted, Keep: micros(b.Keep),
	}
	z.plain = appendDigested(z.plain[:0], b)
	s.Digest = int64(z.vault.digests.DigestIn(&z.block, z.plain))
	z.plain = appendEndpoint(z.plain[:0], b.To)
	z.place = s.place(z.place[:0])
	s.Sealed = z.seal()
	return s
}

// StoreSession makes the stored form.
func (z *Sealer) StoreSession(s *Session) StoredSession {
	stored := StoredSession{
		ID: int64(s.ID), Tenant: s.Tenant, Pool: s.Pool, Shape: int16(s.Shape), Services: int16(s.Services),
		Created: micros(s.Created), Expires: micros(s.Expires), IdleTTL: s.IdleTTL.Microseconds(),
		MaxUses: int64(s.MaxUses), Keep: micros(s.Keep), Ended: int16(s.Ended),
	}
	z.plain = append(z.plain[:0], sessionFormat, byte(len(s.Participants)))
	for i := range s.Participants {
		z.plain = appendParticipant(z.plain, &s.Participants[i])
	}
	z.plain = append(z.plain, s.Label...)
	z.place = stored.place(z.place[:0])
	stored.Sealed = z.seal()
	return stored
}

// Tags appends those of the session's participants, each once.
func (z *Sealer) Tags(dst []PartyTag, s *Session) []PartyTag {
	start := len(dst)
	for i := range s.Participants {
		number := s.Participants[i].Number
		if number == 0 {
			continue
		}
		hidden := z.Hide(number)
		if tag := PartyTag(binary.BigEndian.Uint64(hidden[:8])); !slices.Contains(dst[start:], tag) {
			dst = append(dst, tag)
		}
	}
	return dst
}

// seal seals plain for its place.
func (z *Sealer) seal() []byte {
	start, size := len(z.sealed), len(z.plain)+seal.Overhead
	if cap(z.sealed)-start < size {
		z.sealed, start = make([]byte, 0, max(size, min(2*cap(z.sealed), sealedRoom))), 0
	}
	z.sealed = z.vault.content.Seal(z.sealed, z.plain, z.place)
	return z.sealed[start:len(z.sealed):len(z.sealed)]
}
