package guard

import (
	"encoding/binary"
	"hash/maphash"
	"strconv"
	"time"

	"maskline/e164"
)

// Act is something that a key did.
type Act uint8

// The acts that are counted.
const (
	Allocated    Act = iota // a session or lease was made
	Leased                  // it was a lease
	Rotated                 // masks were changed before their time, or a lease given back soon after
	NewCountry              // the first number of a calling code that the tenant has reached
	Neighbour               // a number next to one that the key has reached before
	Reached                 // a number was reached, whichever
	RefusedRange            // a number of a denied range was asked for
	acts
)

const (
	slotTime = 5 * time.Minute
	slots    = 12 // an hour
	// recent is how many numbers of a key are remembered to find neighbours by.
	recent = 128
	// soon is a life of a lease so short that its number was hardly used.
	soon = 2 * time.Minute
)

// keyState is what is known of a key.
type keyState struct {
	bucket
	slots     [slots]slot
	recent    [recent]uint64 // keyed hashes of numbers; 0: none
	at        int            // the next place
	suspended bool
	told      int64 // the slot in which abuse was told last
}

// slot is what a key did in five minutes.
type slot struct {
	number int64 // since 1970
	counts [acts]uint32
}

func slotOf(now time.Time) int64 { return now.Unix() / int64(slotTime/time.Second) }

// note counts.
func (k *keyState) note(act Act, n uint32, now time.Time) {
	number := slotOf(now)
	s := &k.slots[uint64(number)%slots]
	if s.number != number {
		*s = slot{number: number}
	}
	s.counts[act] += n
}

// lastHour is what the key did in this slot and the eleven before.
func (k *keyState) lastHour(now time.Time) (sum [acts]uint32) {
	number := slotOf(now)
	for i := range k.slots {
		if s := &k.slots[i]; s.number > number-slots && s.number <= number {
			for act, n := range s.counts {
				sum[act] += n
			}
		}
	}
	return sum
}

// reach notes a number. It is a neighbour where the one before or after it in the
// numbering was reached by the key of late.
func (k *keyState) reach(seed maphash.Seed, n e164.Number, now time.Time) {
	own := hashOf(seed, n)
	k.note(Reached, 1, now)
	if k.remembers(own) {
		return // the same person again
	}
	if k.remembers(hashOf(seed, n-1)) || k.remembers(hashOf(seed, n+1)) {
		k.note(Neighbour, 1, now)
	}
	k.recent[k.at] = own
	k.at = (k.at + 1) % recent
}

func (k *keyState) remembers(hash uint64) bool {
	for _, h := range &k.recent {
		if h == hash {
			return true
		}
	}
	return false
}

// hashOf is keyed by a seed of this process, and never 0.
func hashOf(seed maphash.Seed, n e164.Number) uint64 {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], uint64(n))
	return maphash.Bytes(seed, b[:]) | 1
}

// newCountry reports whether the tenant has not reached the number's calling code
// before, and remembers it. The first one of all is its home.
func (t *tenantState) newCountry(n e164.Number) bool {
	code, err := strconv.Atoi(n.CallingCode())
	if err != nil || code < 0 || code > 999 {
		return false
	}
	home := t.seen == [len(t.seen)]uint64{}
	bit := uint64(1) << (code % 64)
	isNew := t.seen[code/64]&bit == 0
	t.seen[code/64] |= bit
	return isNew && !home
}
