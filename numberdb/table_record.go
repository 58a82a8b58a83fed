package numberdb

import (
	"math/bits"
	"sync/atomic"
	"time"

	"maskline/e164"
)

// record is a binding in 64 octets without pointers: one cache line.
//
// The writer changes wordState first, to an odd version, and last, to the even one
// below it. A version comes again after 2^31 writes only, so a copy is whole where
// the state is the same after it as before.
type record [8]uint64

// The words. Numbers take 54 bits; what is above them is in brackets.
const (
	wordState   = iota // version, 32 bits [tenant, 32]
	wordMask           // [services, 8; counted, 1; used, 1: the rest is a record]
	wordParty          // [carriers, the first 10 bits]
	wordTo             // number or name [kind, 2; seconds of expiry above 34 bits, 8]
	wordPresent        // [carriers, the next 10]
	wordSecond         // [carriers, the last 10]
	wordExpires        // nanoseconds, 30 bits [seconds since 1970, 34]; all 0: never
	wordSession
)

const (
	tenantShift  = 32
	countedShift = numberBits + 8
	usedBit      = 1 << (countedShift + 1)
	secondsShift = 30
	secondsBits  = 34
	highShift    = numberBits + 2
	carrierBits  = 10
	carrierMask  = 1<<carrierBits - 1
)

func (r *record) load(word int) uint64 {
	pause()
	return atomic.LoadUint64(&r[word])
}

func (r *record) store(word int, v uint64) {
	pause()
	atomic.StoreUint64(&r[word], v)
}

// copied is what the record holds now. The caller has to look at the state again.
func (r *record) copied(state uint64) (c record) {
	c[wordState] = state
	for i := wordMask; i < len(r); i++ {
		c[i] = r.load(i)
	}
	return c
}

// write gives the record a content, whose version is new.
func (r *record) write(content *record) {
	r.store(wordState, content[wordState]|1)
	for i := wordMask; i < len(r); i++ {
		r.store(i, content[i])
	}
	r.store(wordState, content[wordState])
}

// differs is 0 where the cell holds the record of a key.
func (r *record) differs(mask, party uint64) uint64 {
	return (r.load(wordMask)&(usedBit|numberMask) ^ (mask | usedBit)) | (r.load(wordParty)&numberMask ^ party)
}

// For the writer, and for copies.
func (r *record) key() (mask, party uint64) {
	return r[wordMask] & numberMask, r[wordParty] & numberMask
}

func (r *record) has(mask, party uint64) bool {
	return (r[wordMask]&(usedBit|numberMask)^(mask|usedBit))|(r[wordParty]&numberMask^party) == 0
}

func (r *record) kind() EndpointKind { return EndpointKind(r[wordTo] >> numberBits & 3) }
func (r *record) tenant() uint32     { return uint32(r[wordState] >> tenantShift) }
func (r *record) carriers() uint32 {
	return uint32(r[wordParty]>>numberBits | r[wordPresent]>>numberBits<<carrierBits | r[wordSecond]>>numberBits<<(2*carrierBits))
}

// texts are what records hold indices of.
type texts struct {
	endpoints names[string]
	tenants   names[string]
	carriers  names[[]string]
}

// packed makes the record of a binding. It holds its names until release.
func (t *texts) packed(mask, party uint64, b *Binding) record {
	var r record
	carriers := uint64(t.carriers.hold(joined(b.Carriers), func(string) []string { return append([]string(nil), b.Carriers...) }))
	same := func(s string) string { return s }
	to := uint64(b.To.Number)
	if b.To.Kind != Tel {
		to = uint64(t.endpoints.hold(b.To.Name, same))
	}
	r[wordState] = uint64(t.tenants.hold(b.Tenant, same)) << tenantShift
	r[wordMask] = mask | uint64(b.Services)<<numberBits | usedBit
	if b.Counted {
		r[wordMask] |= 1 << countedShift
	}
	r[wordParty] = party | carriers&carrierMask<<numberBits
	r[wordPresent] = uint64(b.Present)&numberMask | carriers>>carrierBits&carrierMask<<numberBits
	r[wordSecond] = uint64(b.Second)&numberMask | carriers>>(2*carrierBits)<<numberBits
	r[wordTo] = to&numberMask | uint64(b.To.Kind)&3<<numberBits
	if !b.Expires.IsZero() {
		// What expired before 1970 has expired all the same.
		seconds, ns := uint64(max(0, b.Expires.Unix())), uint64(b.Expires.Nanosecond())
		r[wordExpires] = max(1, seconds<<secondsShift|ns)
		r[wordTo] |= seconds >> secondsBits << highShift
	}
	r[wordSession] = uint64(b.Session)
	return r
}

// release lets the names of a record go that readers cannot find any more.
func (t *texts) release(r *record) {
	t.carriers.release(r.carriers())
	t.tenants.release(r.tenant())
	if r.kind() != Tel {
		t.endpoints.release(uint32(r[wordTo] & numberMask))
	}
}

// binding reads a record. Where the record is changed meanwhile, names may be
// another's; the caller has to check.
func (t *texts) binding(r *record, b *Binding) {
	*b = Binding{
		Mask: e164.Number(r[wordMask] & numberMask), Party: e164.Number(r[wordParty] & numberMask),
		To:       Endpoint{Kind: r.kind()},
		Present:  e164.Number(r[wordPresent] & numberMask),
		Second:   e164.Number(r[wordSecond] & numberMask),
		Services: Services(r[wordMask] >> numberBits),
		Counted:  r[wordMask]>>countedShift&1 != 0,
		Session:  ID(r[wordSession]),
		Tenant:   t.tenants.at(r.tenant()),
		Carriers: t.carriers.at(r.carriers()),
	}
	if b.To.Kind == Tel {
		b.To.Number = e164.Number(r[wordTo] & numberMask)
	} else {
		b.To.Name = t.endpoints.at(uint32(r[wordTo]))
	}
	if x := r[wordExpires]; x != 0 {
		seconds := x>>secondsShift | r[wordTo]>>highShift<<secondsBits
		b.Expires = time.Unix(int64(seconds), int64(x&(1<<secondsShift-1))).UTC()
	}
}

// hash spreads keys. Its seed keeps chosen numbers from being chosen to collide.
type hash uint64

func (h hash) of(mask, party uint64) uint64 {
	hi, lo := bits.Mul64(mask^uint64(h), (party+0x9E3779B97F4A7C15)*0xD6E8FEB86659FD93^uint64(h))
	x := (hi ^ lo) * 0x9E3779B97F4A7C15
	return x ^ x>>32
}
