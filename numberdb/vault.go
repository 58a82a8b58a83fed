package numberdb

import (
	"cmp"
	"encoding/binary"
	"errors"
	"time"

	"maskline/e164"
	"maskline/seal"
)

// Vault turns bindings and sessions into what a store may hold, where no real
// number can be read without the data key: parties are hidden so that they can
// be found again, endpoints are sealed. Masks are ours and stay readable. It may
// be used by many goroutines.
type Vault struct {
	parties *seal.Permutation
	digests *seal.Permutation
	content *seal.Box
	audit   *seal.MAC
	tokens  *seal.MAC
}

// NewVault makes a vault of a data key, which all edges on a store share.
func NewVault(key *seal.Key) *Vault {
	return &Vault{
		key.Permutation("parties of bindings"), key.Permutation("digests of bindings"), key.Box("numberdb"), key.MAC("audit"), key.MAC("access tokens"),
	}
}

// TokenMAC makes the codes of the API's access tokens.
func (v *Vault) TokenMAC() *seal.MAC { return v.tokens }

// HiddenParty is a party as stores keep it; the zero one is everybody.
type HiddenParty [seal.BlockSize]byte

// Stored is a binding as stores keep it. Numbers are the integers of e164.Number
// in canonical form, times microseconds since 1970.
type Stored struct {
	Mask     int64
	Party    HiddenParty
	Sealed   []byte // the endpoint, tied to all other columns but Keep
	Present  int64
	Second   int64 // 0: none
	Services int16
	Carriers string // divided by '|'
	Expires  int64  // 0: never; -1: 1970 itself
	Tenant   string
	Session  int64 // 0: none
	Counted  bool
	Keep     int64 // 0: until Expires
	Digest   int64 // keyed, of all of the above but Keep
}

// ErrSealed is what opening a stored binding, session or opt-out reports beside
// its faults.
var ErrSealed = errors.New("what is stored does not open: it was written with another key, or altered")

// Hide is the party as stores keep it.
func (v *Vault) Hide(party e164.Number) HiddenParty {
	if party == 0 {
		return HiddenParty{}
	}
	return v.parties.Hide(uint64(party.Canonical()))
}

// Find is the party that was hidden.
func (v *Vault) Find(hidden HiddenParty) (e164.Number, error) { return v.find(&hidden) }

// find undoes the hiding in place.
func (v *Vault) find(hidden *HiddenParty) (e164.Number, error) {
	if *hidden == (HiddenParty{}) {
		return 0, nil
	}
	value, ok := v.parties.Undo((*[seal.BlockSize]byte)(hidden))
	if !ok || value == 0 {
		return 0, ErrSealed
	}
	return e164.Number(value), nil
}

// Key is the key of a stored binding, all that is told of a deleted one.
func (v *Vault) Key(mask int64, hidden HiddenParty) (BindingKey, error) {
	party, err := v.Find(hidden)
	return BindingKey{e164.Number(mask), party}, err
}

// Store makes the stored form; of many a Sealer is cheaper.
func (v *Vault) Store(b *Binding) Stored { return v.Sealer().Store(b) }

// Open reads the stored form; of many an Opener is cheaper.
func (v *Vault) Open(s *Stored) (Binding, error) { return v.Opener().Open(s) }

// Digest is a keyed digest of what the table holds of a binding: a store keeps
// it so that it can be compared with the table without being read.
func (v *Vault) Digest(b *Binding) uint64 {
	return v.digests.Digest(appendDigested(make([]byte, 0, 128), b))
}

// appendDigested writes what Digest is of.
func appendDigested(d []byte, b *Binding) []byte {
	for _, word := range [...]uint64{
		uint64(b.Mask.Canonical()), uint64(b.Party.Canonical()), uint64(b.Present), uint64(b.Second),
		uint64(micros(b.Expires)), uint64(b.Session),
	} {
		d = binary.BigEndian.AppendUint64(d, word)
	}
	counted := byte(0)
	if b.Counted {
		counted = 1
	}
	d = append(d, byte(b.Services), counted, byte(len(b.Tenant)))
	d = append(d, b.Tenant...)
	d = append(d, byte(len(b.Carriers)))
	for _, c := range b.Carriers {
		d = append(append(d, byte(len(c))), c...)
	}
	return appendEndpoint(d, b.To)
}

// place ties what is sealed to its row: all of the row but Sealed and Keep.
func (s *Stored) place(dst []byte) []byte {
	dst = append(append(dst, "binding"...), s.Party[:]...)
	for _, word := range [...]int64{s.Mask, s.Present, s.Second, s.Expires, s.Session, s.Digest} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(word))
	}
	counted := byte(0)
	if s.Counted {
		counted = 1
	}
	dst = binary.BigEndian.AppendUint16(append(dst, counted), uint16(s.Services))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s.Tenant)))
	return append(append(dst, s.Tenant...), s.Carriers...)
}

// appendEndpoint writes the kind and the number or name.
func appendEndpoint(dst []byte, e Endpoint) []byte {
	dst = append(dst, byte(e.Kind))
	if e.Kind == Tel {
		return binary.BigEndian.AppendUint64(dst, uint64(e.Number))
	}
	return append(dst, e.Name...)
}

func readEndpoint(plain []byte) (Endpoint, error) {
	if len(plain) == 0 {
		return Endpoint{}, ErrSealed
	}
	e := Endpoint{Kind: EndpointKind(plain[0])}
	if plain = plain[1:]; e.Kind != Tel {
		e.Name = string(plain)
		return e, nil
	}
	if len(plain) != 8 {
		return Endpoint{}, ErrSealed
	}
	e.Number = e164.Number(binary.BigEndian.Uint64(plain))
	return e, nil
}

// atEpoch is the first microsecond of 1970, since 0 is never.
const atEpoch = -1

// micros is the stored form of a time; zero is never.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return cmp.Or(t.UnixMicro(), atEpoch)
}

func fromMicros(us int64) time.Time {
	switch us {
	case 0:
		return time.Time{}
	case atEpoch:
		us = 0
	}
	return time.UnixMicro(us).UTC()
}
