package smpp

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"slices"
	"time"

	"maskline/smpp/pdu"
)

// authFault is why a bind is refused. Outside all of them look alike; the log
// and the metrics tell them apart.
type authFault uint8

const (
	authOK authFault = iota
	authFaulty
	authDraining
	authUnknown
	authPassword
	authSource
	authBinds
	authSourceLocked
	authAccountLocked
	authOutbind
	authFaults
)

// String is the name in metrics.
func (f authFault) String() string {
	return [authFaults]string{
		"none", "faulty_bind", "draining", "unknown_system_id", "wrong_password", "source_not_allowed", "too_many_binds",
		"source_locked", "account_locked", "outbind",
	}[f]
}

// text is for people.
func (f authFault) text() string {
	return [authFaults]string{
		"", "faulty bind", "draining", "unknown system_id", "wrong password", "source not allowed", "too many binds",
		"too many failures of this source", "too many failures for this account, and the source is not known", "outbind not expected",
	}[f]
}

// authenticate finds the account of a bind. Passwords are compared as hashes, in
// constant time, and an unknown system_id costs the same comparison.
func (e *Edge) authenticate(b *pdu.Bind, s *session, now time.Time) (*account, authFault) {
	source := s.source
	given := sha256.Sum256(b.Password)
	a, known := e.accounts.Load().byID[string(b.SystemID)]
	want := e.noPassword
	if known {
		want = a.settings.Load().passwordHash
	}
	same := subtle.ConstantTimeCompare(given[:], want[:]) == 1
	switch {
	case e.sources.locked(source, now): // it may have opened connections before it was
		return nil, authSourceLocked
	case !known:
		return nil, authUnknown
	case !a.mayBindFrom(source):
		return nil, authSource
	}
	if fault := a.tried(source, same, e.cfg.Auth, now); fault != authOK {
		return nil, fault
	}
	if !a.claimBind(s) {
		return nil, authBinds
	}
	return a, authOK
}

// guesses guards an account against guessing from many sources at once. Sources
// that the account has bound from, or that its allow-list names, are trusted:
// they neither count nor are they locked out, so nobody can lock out the owner.
type guesses struct {
	failures int // of sources that are not trusted
	since    time.Time
	known    []netip.Prefix // that it has bound from, latest last
}

// maxKnown bounds the sources that an account is known by.
const maxKnown = 64

// tried judges one bind by its source and whether its password was right.
func (a *account) tried(source netip.Addr, same bool, cfg AuthConfig, now time.Time) authFault {
	allowed := slices.ContainsFunc(a.settings.Load().Allow, func(p netip.Prefix) bool {
		return p.Bits() > 0 && p.Contains(source) // a list of everybody tells nobody apart
	})
	key := sourceOf(source)
	a.mu.Lock()
	defer a.mu.Unlock()
	g := &a.guesses
	at := slices.Index(g.known, key)
	trusted := allowed || at >= 0
	if now.Sub(g.since) >= cfg.Per {
		g.failures, g.since = 0, now
	}
	switch {
	case !trusted && g.failures >= cfg.AccountFailures:
		return authAccountLocked // a right password too, or it would be the one answer that differs
	case !same:
		if !trusted {
			g.failures++
		}
		return authPassword
	}
	if at >= 0 {
		g.known = slices.Delete(g.known, at, at+1)
	} else if len(g.known) >= maxKnown {
		g.known = slices.Delete(g.known, 0, 1)
	}
	g.known = append(g.known, key)
	return authOK
}
