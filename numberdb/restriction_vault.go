package numberdb

import (
	"cmp"
	"encoding/binary"
	"time"

	"maskline/e164"
)

// StoredRestriction is a restriction as stores keep it, in the forms of Stored.
type StoredRestriction struct {
	Kind   string // RestrictionKind.String
	Tenant string
	Mask   int64 // 0: every mask
	Party  HiddenParty
	Peer   int64  // keyed digest of the peer; 0: none
	Sealed []byte // the peer, tied to all other fields
	Since  int64
	Lifted bool
}

// StoreRestriction makes the stored form.
func (v *Vault) StoreRestriction(c *RestrictionChange) StoredRestriction {
	r := c.canonical()
	s := StoredRestriction{
		Kind: r.Kind.String(), Tenant: r.Tenant, Mask: int64(r.Mask), Party: v.Hide(r.Party),
		Since: r.Since.UnixMicro(), Lifted: c.Lifted,
	}
	plain := appendEndpoint(make([]byte, 0, 64), r.Peer)
	if r.Peer != (Endpoint{}) {
		s.Peer = cmp.Or(int64(v.digests.Digest(append([]byte("peer"), plain...))), 1)
	}
	s.Sealed = v.content.Seal(nil, plain, s.place())
	return s
}

// OpenRestriction reads the stored form. The error never holds a value of it.
func (v *Vault) OpenRestriction(s *StoredRestriction) (c RestrictionChange, err error) {
	plain, err := v.content.Open(nil, s.Sealed, s.place())
	if err != nil {
		return RestrictionChange{}, ErrSealed
	}
	if c.Kind, err = ParseRestrictionKind(s.Kind); err != nil {
		return RestrictionChange{}, err
	}
	if c.Party, err = v.Find(s.Party); err != nil {
		return RestrictionChange{}, err
	}
	if c.Peer, err = readEndpoint(plain); err != nil {
		return RestrictionChange{}, err
	}
	c.Tenant, c.Mask, c.Lifted = s.Tenant, e164.Number(s.Mask), s.Lifted
	c.Since = time.UnixMicro(s.Since).UTC()
	return c, c.Check()
}

// place ties the sealed peer to its row.
func (s *StoredRestriction) place() []byte {
	lifted := byte(0)
	if s.Lifted {
		lifted = 1
	}
	dst := append([]byte("restriction"), lifted)
	for _, word := range [...]int64{s.Mask, s.Peer, s.Since} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(word))
	}
	dst = append(append(dst, s.Party[:]...), byte(len(s.Kind)))
	return append(append(dst, s.Kind...), s.Tenant...)
}
