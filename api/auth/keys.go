package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api/problem"
	"maskline/numberdb"
)

// Config of Keys.
type Config struct {
	// Failures per minute and source that are told one by one; beyond it the answer
	// is rate-limited, and a valid key still passes. 0: no limit.
	Failures int
	// Refresh is how often the store is asked for keys that another edge has made or
	// revoked. Default 1s; 0 is the default.
	Refresh time.Duration
	// Uses is how often the last use of keys is written. Default 30s; 0 is the
	// default.
	Uses time.Duration
	// First gives the text of a key for a store without any: it becomes the
	// operator's, with every scope. Nil: nothing is made.
	First func() (text string, err error)
}

func (c Config) withDefaults() Config {
	if c.Refresh == 0 {
		c.Refresh = time.Second
	}
	if c.Uses == 0 {
		c.Uses = 30 * time.Second
	}
	return c
}

// Keys are the API keys in memory. Its methods may be called beside one another.
type Keys struct {
	cfg      Config
	store    numberdb.APIKeyStore
	now      func() time.Time // in whole microseconds
	log      *zap.Logger
	metrics  *metrics
	failures failures
	ids      numberdb.IDs

	known   atomic.Pointer[keyring] // nil: the store was not read yet
	mu      sync.Mutex              // of changes of known: one at a time, the store's included
	version numberdb.APIKeyVersion  // of known; mu
	stale   bool                    // the last refresh failed; Run's own
}

// keyring is never changed.
type keyring struct {
	byPublic map[string]*entry
	byID     map[numberdb.ID]*entry
}

// entry is a key with what is asked of it for each request.
type entry struct {
	numberdb.APIKey
	identity Identity
	used     *atomic.Int64 // microseconds since 1970, what the store does not have yet; 0: nothing
}

// NewKeys makes keys over a store and registers their metrics. Run reads them.
func NewKeys(cfg Config, store numberdb.APIKeyStore, clock func() time.Time, log *zap.Logger, reg prometheus.Registerer) (*Keys, error) {
	k := &Keys{
		cfg: cfg.withDefaults(), store: store, log: log, failures: failures{limit: cfg.Failures},
		now: func() time.Time { return clock().UTC().Truncate(time.Microsecond) },
	}
	var err error
	k.metrics, err = newMetrics(reg, k)
	return k, err
}

// Run keeps the keys equal to the store's until ctx ends.
func (k *Keys) Run(ctx context.Context) error {
	refresh, uses := time.NewTicker(k.cfg.Refresh), time.NewTicker(k.cfg.Uses)
	defer refresh.Stop()
	defer uses.Stop()
	for k.refresh(ctx); ; {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
			defer cancel()
			k.writeUses(last)
			return nil
		case <-refresh.C:
			k.refresh(ctx)
		case <-uses.C:
			k.writeUses(ctx)
		}
	}
}

const lastWrite = 2 * time.Second

// refresh reads the keys if any has changed. Without the store those that are
// known stay: nobody can revoke one then.
func (k *Keys) refresh(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	err := k.read(limited)
	if err == nil && k.cfg.First != nil && len(k.known.Load().byID) == 0 {
		err = k.makeFirst(limited)
	}
	if err != nil && ctx.Err() == nil && !k.stale {
		k.log.Warn("API keys cannot be read; those that are known stay", zap.Error(err))
	}
	k.stale = err != nil
}

const refreshTimeout = 10 * time.Second

// Load reads the keys from the store once, where Run does not run.
func (k *Keys) Load(ctx context.Context) error { return k.read(ctx) }

func (k *Keys) read(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known.Load() != nil {
		version, err := k.store.APIKeyVersion(ctx)
		if err != nil || version == k.version {
			return err
		}
	}
	keys, version, err := k.store.APIKeys(ctx)
	if err != nil {
		return err
	}
	k.version = version
	next := &keyring{byPublic: make(map[string]*entry, len(keys)), byID: make(map[numberdb.ID]*entry, len(keys))}
	for i := range keys {
		k.put(next, keys[i])
	}
	k.known.Store(next)
	return nil
}

// put adds a key to a ring that nobody sees yet. mu is held.
func (k *Keys) put(ring *keyring, key numberdb.APIKey) {
	e := &entry{APIKey: key, identity: identityOf(&key), used: new(atomic.Int64)}
	if before := k.known.Load(); before != nil && before.byID[key.ID] != nil {
		e.used = before.byID[key.ID].used
	}
	ring.byPublic[key.Public], ring.byID[key.ID] = e, e
}

func identityOf(key *numberdb.APIKey) Identity {
	i := Identity{
		Key: key.ID.Text(numberdb.KeyPrefix), Tenant: key.Tenant, Role: Role(key.Role), Test: strings.HasPrefix(key.Public, testPrefix),
	}
	most := i.Role.Scopes()
	for _, scope := range key.Scopes {
		if slices.Contains(most, Scope(scope)) { // a role that has become less takes its keys with it
			i.Scopes = append(i.Scopes, Scope(scope))
		}
	}
	return i
}

// write stores keys and shows them at once. mu is held.
func (k *Keys) write(ctx context.Context, keys ...numberdb.APIKey) error {
	if k.known.Load() == nil {
		return problem.Unavailable()
	}
	if err := k.store.PutAPIKeys(ctx, keys); err != nil {
		return err
	}
	before := k.known.Load()
	next := &keyring{byPublic: maps.Clone(before.byPublic), byID: maps.Clone(before.byID)}
	for i := range keys {
		k.put(next, keys[i])
	}
	k.known.Store(next)
	return nil
}

// Authenticate tells who sent a request. It never waits.
func (k *Keys) Authenticate(r *http.Request) (*Identity, error) {
	ring := k.known.Load()
	if ring == nil || len(ring.byID) == 0 { // the first key stands in its file before the store has it
		return nil, problem.Unavailable()
	}
	fields := r.Header.Values("Authorization")
	if len(fields) == 0 {
		k.metrics.refused.missing.Inc()
		return nil, problem.New(problem.Unauthorized)
	}
	if len(fields) == 1 {
		if e := k.find(ring, fields[0]); e != nil {
			now := k.now()
			if k.valid(e, now) {
				e.used.Store(now.UnixMicro())
				return &e.identity, nil
			}
			k.metrics.refused.over.Inc()
			return nil, over(e, k.failed(r))
		}
	}
	k.metrics.refused.unknown.Inc()
	return nil, k.failed(r)
}

// failed is the answer to what looks like a guess.
func (k *Keys) failed(r *http.Request) error {
	source, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return problem.New(problem.Unauthorized)
	}
	if wait := k.failures.add(source.Addr(), k.now()); wait > 0 {
		k.metrics.refused.limited.Inc()
		return &problem.Error{Code: problem.RateLimited, RetryAfter: wait}
	}
	return problem.New(problem.Unauthorized)
}

// over tells the holder of a key that it is suspended. Who has its whole text is
// nobody who guesses.
func over(e *entry, refused error) error {
	var p *problem.Error
	if !e.Revoked.IsZero() || e.Suspended.IsZero() || !errors.As(refused, &p) || p.Code != problem.Unauthorized {
		return refused
	}
	return &problem.Error{
		Code: problem.Unauthorized, Detail: "The key is suspended for what it did.", Reason: "suspended", NextStep: "let the operator look at it and resume the key",
	}
}

// find is the key of a field such as "Bearer sk_live_…".
func (k *Keys) find(ring *keyring, field string) *entry {
	scheme, text, _ := strings.Cut(field, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	public := publicOf(text)
	if public == "" {
		return nil
	}
	e := ring.byPublic[public]
	if e == nil {
		return nil
	}
	hash := hashOf(text)
	if subtle.ConstantTimeCompare(hash[:], e.Hash[:]) != 1 {
		return nil
	}
	return e
}

func (k *Keys) valid(e *entry, now time.Time) bool {
	return e.Revoked.IsZero() && e.Suspended.IsZero() && (e.Expires.IsZero() || now.Before(e.Expires))
}

// makeFirst gives a store without keys the operator's.
func (k *Keys) makeFirst(ctx context.Context) error {
	text, err := k.cfg.First()
	if err != nil {
		return err
	}
	if publicOf(text) == "" {
		return errors.New("the first API key is no key's text")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.write(ctx, k.newKey(text, &Wanted{Role: Owner, Scopes: Scopes(), Label: "first key"}))
}

// writeUses writes the last uses that the store does not have.
func (k *Keys) writeUses(ctx context.Context) {
	ring := k.known.Load()
	if ring == nil {
		return
	}
	used := map[numberdb.ID]time.Time{}
	for id, e := range ring.byID {
		if at := e.used.Swap(0); at != 0 {
			used[id] = time.UnixMicro(at).UTC()
		}
	}
	if len(used) == 0 {
		return
	}
	if err := k.store.NoteAPIKeysUsed(ctx, used); err != nil {
		for id, at := range used { // the next time, if it was not used since
			ring.byID[id].used.CompareAndSwap(0, at.UnixMicro())
		}
		k.log.Debug("could not write the last use of API keys", zap.Error(err))
	}
}
