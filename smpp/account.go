package smpp

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"sync"
	"sync/atomic"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// account is a peer that may bind to us.
type account struct {
	cfg          AccountConfig
	index        uint32 // its place in the configuration
	passwordHash [sha256.Size]byte
	peer         *peer
	origin       routing.Origin
	carrier      *carrier     // of a carrier's own account
	destination  *destination // its binds that take messages
	held         heldReceipts

	pace      *sharedPace   // of what it submits, all binds together; nil: no limit
	quota     *quota        // nil: no limit
	overQuota atomic.Uint64 // messages refused by it

	mu    sync.Mutex
	bound int // binds now
}

// claimBind takes one of the binds that the account may hold.
func (a *account) claimBind() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cfg.Binds > 0 && a.bound >= a.cfg.Binds {
		return false
	}
	a.bound++
	return true
}

func (a *account) releaseBind() {
	a.mu.Lock()
	a.bound--
	a.mu.Unlock()
}

// mayBindFrom reports whether the account's allow-list holds the source.
func (a *account) mayBindFrom(source netip.Addr) bool {
	if len(a.cfg.Allow) == 0 {
		return true
	}
	for _, p := range a.cfg.Allow {
		if p.Contains(source) {
			return true
		}
	}
	return false
}

// authenticate finds the account of a bind. Every refusal looks alike from
// outside: what failed goes to the log only. Passwords are compared as hashes,
// in constant time, and an unknown system_id costs the same comparison.
func (e *Edge) authenticate(b *pdu.Bind, source netip.Addr) (*account, string) {
	given := sha256.Sum256(b.Password)
	a, known := e.accounts[string(b.SystemID)]
	want := e.noPassword
	if known {
		want = a.passwordHash
	}
	same := subtle.ConstantTimeCompare(given[:], want[:]) == 1
	switch {
	case !known:
		return nil, "unknown system_id"
	case !same:
		return nil, "wrong password"
	case !a.mayBindFrom(source):
		return nil, "source not allowed"
	case !a.claimBind():
		return nil, "too many binds"
	default:
		return a, ""
	}
}
