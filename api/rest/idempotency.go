package rest

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/numberdb"
)

// rememberFor is how long an idempotency key stands for its request.
const rememberFor = 24 * time.Hour

// Attempt is the request under way as the store remembers it, to be committed
// together with what the request makes; its Response is set then. Only handlers of
// Idempotent operations have one.
func Attempt(ctx context.Context) *numberdb.Attempt {
	under, is := ctx.Value(attemptKey{}).(*underWay)
	if !is {
		return nil
	}
	return &numberdb.Attempt{
		Tenant: under.tenant, Key: under.key, Fingerprint: under.hash.Sum(nil), Until: under.since.Add(rememberFor).Truncate(time.Microsecond),
	}
}

type attemptKey struct{}

type underWay struct {
	tenant, key string
	hash        hash.Hash
	since       time.Time
}

// pending are the keys whose requests this edge is working on.
type pending struct {
	mu   sync.Mutex
	keys map[numberdb.AttemptKey]struct{}
}

func (p *pending) begin(key numberdb.AttemptKey) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, taken := p.keys[key]; taken {
		return false
	}
	if p.keys == nil {
		p.keys = map[numberdb.AttemptKey]struct{}{}
	}
	p.keys[key] = struct{}{}
	return true
}

func (p *pending) end(key numberdb.AttemptKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.keys, key)
}

// attempt takes the idempotency key of a request, one request at a time for each.
func (a *API) attempt(ctx huma.Context, next func(huma.Context)) {
	r, _ := humago.Unwrap(ctx)
	key := r.Header.Get(idempotencyName)
	if len(r.Header.Values(idempotencyName)) != 1 || !isIdempotencyKey(key) {
		Refuse(ctx, problem.New(problem.IdempotencyMissing))
		return
	}
	who := auth.From(ctx.Context())
	named := numberdb.AttemptKey{Tenant: who.Tenant, Key: key}
	if !a.pending.begin(named) {
		Refuse(ctx, &problem.Error{Code: problem.IdempotencyConflict, RetryAfter: time.Second})
		return
	}
	defer a.pending.end(named)
	under := &underWay{tenant: who.Tenant, key: key, hash: sha256.New(), since: a.now()}
	// The request's place is part of its fingerprint: one key is not for two.
	_, _ = under.hash.Write([]byte(r.Method + " " + r.URL.Path + "\n"))
	r.Body = &hashed{ReadCloser: r.Body, hash: under.hash}
	next(huma.WithValue(ctx, attemptKey{}, under))
}

// hashed is a body whose octets are hashed as they are read.
type hashed struct {
	io.ReadCloser
	hash hash.Hash
}

// Read reads and hashes.
func (h *hashed) Read(part []byte) (int, error) {
	n, err := h.ReadCloser.Read(part)
	_, _ = h.hash.Write(part[:n])
	return n, err
}

const (
	idempotencyName = "Idempotency-Key"
	idempotencyMost = 255
)

func isIdempotencyKey(key string) bool {
	if key == "" || len(key) > idempotencyMost {
		return false
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}

func idempotencyField() *huma.Param {
	least, most := 1, idempotencyMost
	return &huma.Param{
		Name: idempotencyName, In: "header", Required: true,
		Description: "A text of your own, such as a UUID, that stands for this request for 24 hours: sending it again with the same body makes nothing new.",
		Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &least, MaxLength: &most},
	}
}
