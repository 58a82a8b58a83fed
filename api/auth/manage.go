package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"maskline/api/problem"
	"maskline/numberdb"
)

// Wanted is what a new key is to be.
type Wanted struct {
	Tenant  string
	Role    Role
	Scopes  []Scope // nil: the usual ones of the role
	Label   string
	Expires time.Duration // from now; 0: never
	Test    bool          // of the sandbox, which is always a tenant's
}

// Keys that were revoked stay, so all that were ever made are counted.
const (
	mostKeys     = 100_000
	mostOfTenant = 10_000 // so that no tenant leaves the others none
)

// room refuses a key of a tenant where there are as many as may be. mu is held.
func (k *Keys) room(tenant string) error {
	ring := k.known.Load()
	if ring == nil {
		return nil // nothing is written then
	}
	count := 0
	for _, e := range ring.byID {
		if e.Tenant == tenant {
			count++
		}
	}
	if len(ring.byID) >= mostKeys || tenant != "" && count >= mostOfTenant {
		return &problem.Error{Code: problem.QuotaExceeded, Detail: "There are as many keys as may be, revoked ones too."}
	}
	return nil
}

// Local is the identity of who may use the control socket or the store itself: it
// may do everything.
func Local() *Identity {
	return &Identity{Key: "local", Role: Owner, Scopes: Scopes()}
}

// Create makes a key and returns its text, which nobody learns again. A key gives
// nobody more than its maker has. Errors that are the caller's are *problem.Error.
func (k *Keys) Create(ctx context.Context, by *Identity, w *Wanted) (text string, key numberdb.APIKey, err error) {
	if err := k.mayGive(by, w); err != nil {
		return "", key, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.room(w.Tenant); err != nil {
		return "", key, err
	}
	text = w.text()
	key = k.newKey(text, w)
	if err := key.Check(); err != nil {
		return "", key, invalidKey(err)
	}
	return text, key, k.storing(k.write(ctx, key))
}

func (w *Wanted) text() string {
	if w.Test {
		return NewTestText()
	}
	return NewText()
}

// mayGive checks what is wanted of a key.
func (k *Keys) mayGive(by *Identity, w *Wanted) error {
	most := w.Role.Scopes()
	if most == nil {
		return problem.Invalid("body.role", "expected owner, operator, integrator, auditor or read-only")
	}
	if by.Tenant != "" && w.Tenant != by.Tenant {
		return problem.New(problem.NotFound)
	}
	switch {
	case w.Test && w.Tenant == "":
		return problem.Invalid("body.tenant", "expected a tenant, since each has a sandbox of its own")
	case by.Test && !w.Test:
		return &problem.Error{Code: problem.InsufficientScope, Detail: "A key of the sandbox makes keys of the sandbox alone."}
	}
	if w.Scopes == nil {
		w.Scopes = w.Role.Usual()
	}
	for i, scope := range w.Scopes {
		switch {
		case !slices.Contains(most, scope):
			return problem.Invalid(fmt.Sprintf("body.scopes[%d]", i), "expected a scope that the role has")
		case !by.May(scope):
			return &problem.Error{Code: problem.InsufficientScope, Detail: "A key gives nobody more than it has itself."}
		}
	}
	return nil
}

func (k *Keys) newKey(text string, w *Wanted) numberdb.APIKey {
	now := k.now()
	key := numberdb.APIKey{
		ID: k.ids.Next(now), Public: publicOf(text), Hash: hashOf(text), Tenant: w.Tenant, Role: string(w.Role), Label: w.Label, Created: now,
	}
	for _, scope := range w.Scopes {
		key.Scopes = append(key.Scopes, string(scope))
	}
	if w.Expires > 0 {
		key.Expires = now.Add(w.Expires).Truncate(time.Microsecond)
	}
	return key
}

// List gives the keys of a tenant, or all, in the order of their IDs.
func (k *Keys) List(tenant string) ([]numberdb.APIKey, error) {
	ring := k.known.Load()
	if ring == nil {
		return nil, problem.Unavailable()
	}
	list := []numberdb.APIKey{}
	for _, e := range ring.byID {
		if tenant == numberdb.AnyTenant || e.Tenant == tenant {
			key := e.APIKey
			if at := e.used.Load(); at != 0 {
				key.Used = time.UnixMicro(at).UTC()
			}
			list = append(list, key)
		}
	}
	slices.SortFunc(list, func(a, b numberdb.APIKey) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return list, nil
}

// Revoke ends a key for good. Revoking one that was revoked is no fault.
func (k *Keys) Revoke(ctx context.Context, by *Identity, id numberdb.ID) (numberdb.APIKey, error) {
	return k.change(ctx, by, id, func(key *numberdb.APIKey, now time.Time) {
		if key.Revoked.IsZero() {
			key.Revoked = now
		}
	})
}

// Suspend refuses a key, or lets it in again.
func (k *Keys) Suspend(ctx context.Context, by *Identity, id numberdb.ID, suspended bool) (numberdb.APIKey, error) {
	return k.change(ctx, by, id, func(key *numberdb.APIKey, now time.Time) {
		switch {
		case !suspended:
			key.Suspended = time.Time{}
		case key.Suspended.IsZero():
			key.Suspended = now
		}
	})
}

func (k *Keys) change(ctx context.Context, by *Identity, id numberdb.ID, change func(*numberdb.APIKey, time.Time)) (numberdb.APIKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, err := k.get(by, id)
	if err != nil {
		return key, err
	}
	change(&key, k.now())
	return key, k.storing(k.write(ctx, key))
}

// get is a key that the identity may know of. mu is held.
func (k *Keys) get(by *Identity, id numberdb.ID) (numberdb.APIKey, error) {
	ring := k.known.Load()
	if ring == nil {
		return numberdb.APIKey{}, problem.Unavailable()
	}
	e := ring.byID[id]
	if e == nil || !by.Operator() && e.Tenant != by.Tenant || by.Test && !e.identity.Test {
		return numberdb.APIKey{}, problem.New(problem.NotFound)
	}
	return e.APIKey, nil
}

// Rotate makes a key that may do what another one may, which ends after overlap.
func (k *Keys) Rotate(ctx context.Context, by *Identity, id numberdb.ID, overlap time.Duration) (text string, key numberdb.APIKey, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	old, err := k.get(by, id)
	if err != nil {
		return "", key, err
	}
	now := k.now()
	if !k.valid(&entry{APIKey: old}, now) {
		return "", key, &problem.Error{Code: problem.CapabilityUnavailable, Detail: "The key is revoked, suspended or expired."}
	}
	w := &Wanted{Tenant: old.Tenant, Role: Role(old.Role), Scopes: []Scope{}, Label: old.Label, Test: IsTestKey(&old)}
	for _, scope := range old.Scopes {
		w.Scopes = append(w.Scopes, Scope(scope))
	}
	if err := k.mayGive(by, w); err != nil {
		return "", key, err
	}
	if err := k.room(old.Tenant); err != nil {
		return "", key, err
	}
	if !old.Expires.IsZero() {
		w.Expires = old.Expires.Sub(old.Created) // as long as it was to live
	}
	text = w.text()
	key = k.newKey(text, w)
	if end := now.Add(overlap).Truncate(time.Microsecond); old.Expires.IsZero() || end.Before(old.Expires) {
		old.Expires = end
	}
	return text, key, k.storing(k.write(ctx, old, key))
}

// storing is a fault of the store in the words of the API.
func (k *Keys) storing(err error) error {
	var p *problem.Error
	if err == nil || errors.As(err, &p) {
		return err
	}
	k.log.Warn("API keys cannot be written", zap.Error(err))
	return problem.Unavailable()
}

func invalidKey(err error) error {
	switch {
	case errors.Is(err, numberdb.ErrKeyLabel):
		return problem.Invalid("body.label", "expected at most 64 printable characters without numbers")
	case errors.Is(err, numberdb.ErrTenant):
		return problem.Invalid("body.tenant", "expected a tenant's name")
	default:
		return problem.New(problem.ValidationFailed)
	}
}
