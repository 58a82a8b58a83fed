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
	"maskline/seal"
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
	// Codes gives what access tokens are made with. Nil: there are none.
	Codes func(ctx context.Context) (*seal.MAC, error)
	// Others tells whose the tokens of other issuers are. Nil: there are none.
	Others Others
	// Certificates tells who shows a client's certificate and no other credential. Nil:
	// nobody.
	Certificates *Certificates
}

// Others know tokens of identity providers.
type Others interface {
	// Identify tells whose a token is, a JWT. Its error is ErrNobody for what looks like
	// a guess, or a *problem.Error.
	Identify(ctx context.Context, token string) (*Identity, error)
}

// ErrNobody says that a token is nobody's.
var ErrNobody = errors.New("the token is nobody's")

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
	codes    *seal.MAC // of access tokens; nil: there are none
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
	before := k.known.Load()
	if before != nil {
		version, err := k.store.APIKeyVersion(ctx)
		if err != nil || version == k.version {
			return err
		}
	}
	keys, version, err := k.store.APIKeys(ctx)
	if err != nil {
		return err
	}
	next := &keyring{byPublic: make(map[string]*entry, len(keys)), byID: make(map[numberdb.ID]*entry, len(keys))}
	if before != nil {
		next.codes = before.codes
	} else if k.cfg.Codes != nil {
		if next.codes, err = k.cfg.Codes(ctx); err != nil {
			return err
		}
	}
	k.version = version
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
		Key: key.ID.Text(numberdb.KeyPrefix), Tenant: key.Tenant, Role: Role(key.Role), Test: IsTestKey(key),
	}
	most := i.Role.Scopes()
	for _, scope := range key.Scopes {
		if slices.Contains(most, Scope(scope)) { // a role that has become less takes its keys with it
			i.Scopes = append(i.Scopes, Scope(scope))
		}
	}
	return i
}

// IsTestKey reports whether a key is of the sandbox.
func IsTestKey(key *numberdb.APIKey) bool { return strings.HasPrefix(key.Public, testPrefix) }

// write stores keys and shows them at once. mu is held.
func (k *Keys) write(ctx context.Context, keys ...numberdb.APIKey) error {
	if k.known.Load() == nil {
		return problem.Unavailable()
	}
	if err := k.store.PutAPIKeys(ctx, keys); err != nil {
		return err
	}
	before := k.known.Load()
	next := &keyring{byPublic: maps.Clone(before.byPublic), byID: maps.Clone(before.byID), codes: before.codes}
	for i := range keys {
		k.put(next, keys[i])
	}
	k.known.Store(next)
	return nil
}

// Authenticate tells who sent a request. It waits for nothing but an issuer whose new
// key a token names, once in a minute.
func (k *Keys) Authenticate(r *http.Request) (*Identity, error) {
	ring := k.known.Load()
	if ring == nil || len(ring.byID) == 0 { // the first key stands in its file before the store has it
		return nil, problem.Unavailable()
	}
	fields := r.Header.Values("Authorization")
	if len(fields) == 0 {
		if k.cfg.Certificates != nil {
			if who := k.cfg.Certificates.Of(r.TLS); who != nil {
				return who, nil
			}
		}
		k.metrics.refused.missing.Inc()
		return nil, problem.New(problem.Unauthorized)
	}
	if len(fields) > 1 {
		return nil, k.unknown(r.RemoteAddr)
	}
	scheme, text, _ := strings.Cut(fields[0], " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return nil, k.unknown(r.RemoteAddr)
	case strings.HasPrefix(text, tokenPrefix):
		return k.byToken(ring, r.RemoteAddr, text)
	case k.cfg.Others != nil && !strings.HasPrefix(text, textPrefix):
		return k.byOthers(r, text)
	default:
		return k.byKey(ring, r.RemoteAddr, text)
	}
}

// byKey tells whose key's text it is.
func (k *Keys) byKey(ring *keyring, source, text string) (*Identity, error) {
	e := ring.find(text)
	if e == nil {
		return nil, k.unknown(source)
	}
	now := k.now()
	if !k.valid(e, now) {
		k.metrics.refused.over.Inc()
		return nil, over(e, k.failed(source))
	}
	e.used.Store(now.UnixMicro())
	return &e.identity, nil
}

// byOthers tells whose token of another issuer it is.
func (k *Keys) byOthers(r *http.Request, text string) (*Identity, error) {
	who, err := k.cfg.Others.Identify(r.Context(), text)
	var over *problem.Error
	switch {
	case errors.Is(err, ErrNobody):
		return nil, k.unknown(r.RemoteAddr)
	case errors.As(err, &over) && over.Code == problem.Unauthorized:
		k.metrics.refused.over.Inc()
	}
	return who, err
}

// unknown is the answer to what is nobody's.
func (k *Keys) unknown(source string) error {
	k.metrics.refused.unknown.Inc()
	return k.failed(source)
}

// Lives reports whether the key with this id lets its holder in, for what goes on after
// its request was let in. It never waits.
func (k *Keys) Lives(id string) bool {
	parsed, err := numberdb.ParseID(numberdb.KeyPrefix, id)
	ring := k.known.Load()
	if err != nil || ring == nil {
		return false
	}
	e := ring.byID[parsed]
	return e != nil && k.valid(e, k.now())
}

// failed is the answer to what looks like a guess of a source, which is address and
// port.
func (k *Keys) failed(address string) error {
	source, err := netip.ParseAddrPort(address)
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

// find is the key of a text such as "sk_live_…"; nil: of none.
func (ring *keyring) find(text string) *entry {
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
