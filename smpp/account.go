package smpp

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"maskline/routing"
)

// account is a peer that may bind to us. What it is never changes; what it may
// do is replaced by a reload.
type account struct {
	cfg         accountIdentity
	index       uint32 // its place in accounts.list
	peer        *peer
	origin      routing.Origin
	carrier     *carrier     // of a carrier's own account
	destination *destination // its binds that take messages
	held        heldReceipts
	settings    atomic.Pointer[accountSettings]

	quota     quota
	overQuota atomic.Uint64 // messages refused by it

	mu      sync.Mutex
	guesses guesses
	binds   []*session   // by place; nil: the place is free
	stats   []*bindStats // by place
	removed bool         // from the configuration: nobody binds as it
}

// accountIdentity is the part of an AccountConfig that is fixed.
type accountIdentity struct {
	SystemID, Tenant, Carrier, Country string
	CallingCode                        uint16
}

// accountSettings is the part that a reload replaces.
type accountSettings struct {
	AccountConfig
	passwordHash [sha256.Size]byte
	pace         *sharedPace // of what it submits, all binds together; nil: no limit
}

func (c *AccountConfig) identity() accountIdentity {
	return accountIdentity{c.SystemID, c.Tenant, c.Carrier, c.Country, c.CallingCode}
}

// apply replaces the settings. Standing binds keep their window.
func (a *account) apply(cfg *AccountConfig) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := &accountSettings{AccountConfig: *cfg, passwordHash: sha256.Sum256([]byte(cfg.Password))}
	old := a.settings.Load()
	if old != nil && old.TPS == cfg.TPS {
		next.pace = old.pace
	} else {
		next.pace = newSharedPace(cfg.TPS)
	}
	a.quota.limit.Store(int64(cfg.Quota.Day))
	a.settings.Store(next)
	a.removed = false
}

// remove ends the account: no further bind is taken.
func (a *account) remove() {
	a.mu.Lock()
	a.removed = true
	a.mu.Unlock()
}

func (a *account) isRemoved() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.removed
}

// accounts is every account of the edge. It is never changed, only replaced.
type accounts struct {
	byID map[string]*account // those of the configuration
	list []*account          // by index; removed ones too, whose messages may still have receipts
}

// account finds one of the configuration, nil where there is none.
func (e *Edge) account(systemID string) *account { return e.accounts.Load().byID[systemID] }

func (e *Edge) accountList() []*account { return e.accounts.Load().list }

func (e *Edge) accountAt(index uint32) *account { return e.accountList()[index] }

func (e *Edge) newAccount(cfg *AccountConfig, index int) (*account, error) {
	a := &account{
		cfg: cfg.identity(), index: uint32(index), peer: e.metrics.peer(cfg.SystemID),
		origin: routing.Origin{Tenant: cfg.Tenant, Carrier: cfg.Carrier, Country: cfg.Country, CallingCode: cfg.CallingCode},
	}
	a.held.edge = e
	a.destination = e.newDestination(a.peer, nil)
	if cfg.Carrier != "" {
		if a.carrier = e.carriers[cfg.Carrier]; a.carrier == nil {
			return nil, fmt.Errorf("account %q: no carrier is named %q", cfg.SystemID, cfg.Carrier)
		}
	}
	return a, nil
}

// withAccounts is the directory that the configuration asks for, and whom it
// leaves out. Nothing is changed: those who stay are to be given their settings.
func (e *Edge) withAccounts(old *accounts, cfgs []AccountConfig) (next *accounts, gone []*account, err error) {
	next = &accounts{byID: make(map[string]*account, len(cfgs)), list: slices.Clone(old.list)}
	for i := range cfgs {
		cfg := &cfgs[i]
		if next.byID[cfg.SystemID] != nil {
			return nil, nil, fmt.Errorf("account %q stands twice", cfg.SystemID)
		}
		at := slices.IndexFunc(next.list, func(a *account) bool { return a.cfg.SystemID == cfg.SystemID })
		if at < 0 {
			a, err := e.newAccount(cfg, len(next.list))
			if err != nil {
				return nil, nil, err
			}
			at, next.list = len(next.list), append(next.list, a)
		}
		if a := next.list[at]; a.cfg != cfg.identity() {
			return nil, nil, fmt.Errorf("account %q: its tenant, carrier and country are fixed while the edge runs", cfg.SystemID)
		}
		next.byID[cfg.SystemID] = next.list[at]
	}
	for id, a := range old.byID {
		if next.byID[id] == nil {
			gone = append(gone, a)
		}
	}
	return next, gone, nil
}

// claimBind gives a session the first free place of those that the account may
// hold.
func (a *account) claimBind(s *session) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	bound := 0
	for _, other := range a.binds {
		if other != nil {
			bound++
		}
	}
	if limit := a.settings.Load().Binds; a.removed || limit > 0 && bound >= limit {
		return false
	}
	at := slices.Index(a.binds, nil)
	if at < 0 {
		at = len(a.binds)
		a.binds = append(a.binds, nil)
		a.stats = append(a.stats, s.edge.metrics.newBindStats(a.cfg.SystemID, "in", at))
	}
	a.binds[at], s.stats = s, a.stats[at]
	return true
}

func (a *account) releaseBind(s *session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at := slices.Index(a.binds, s); at >= 0 {
		a.binds[at] = nil
	}
}

// places lists the metrics of its binds.
func (a *account) places() []*bindStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.stats)
}

// mayBindFrom reports whether the account's allow-list holds the source.
func (a *account) mayBindFrom(source netip.Addr) bool {
	allow := a.settings.Load().Allow
	if len(allow) == 0 {
		return true
	}
	for _, p := range allow {
		if p.Contains(source) {
			return true
		}
	}
	return false
}
