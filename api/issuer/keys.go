package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// algorithms that a signature may have: none with a secret that both sides know.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	}
}

func algorithmNames() (names []string) {
	for _, a := range algorithms() {
		names = append(names, string(a))
	}
	return names
}

// keys are those of an issuer.
type keys struct {
	issuer     string
	client     *http.Client
	now        func() time.Time
	ok, failed prometheus.Counter
	count      prometheus.Gauge
	known      atomic.Pointer[[]jose.JSONWebKey] // nil: none were read yet
	tried      atomic.Int64                      // when they were read last for a token, in milliseconds since 1970
	underWay   atomic.Int32                      // readings
}

// againAfter is how long a token with an unknown key waits for the next reading.
const againAfter = time.Minute

var (
	errUnknownKey = errors.New("no such key")
	errNotYet     = errors.New("the keys are being read")
)

// have makes sure that the key is known, if it can be: one request in a minute reads
// the keys anew, the others do not wait.
func (k *keys) have(ctx context.Context, id string) error {
	if k.knows(id) {
		return nil
	}
	now, tried := k.now().UnixMilli(), k.tried.Load()
	switch {
	case now-tried < againAfter.Milliseconds():
		if k.underWay.Load() > 0 || k.known.Load() == nil {
			return errNotYet
		}
		return errUnknownKey
	case !k.tried.CompareAndSwap(tried, now): // another request was faster
		return errNotYet
	}
	// Whoever goes away before it is read must not keep the others waiting a minute.
	if err := k.fetch(context.WithoutCancel(ctx)); err != nil || !k.knows(id) {
		if k.known.Load() == nil {
			return errNotYet
		}
		return errUnknownKey
	}
	return nil
}

func (k *keys) knows(id string) bool {
	list := k.known.Load()
	if list == nil {
		return false
	}
	for i := range *list {
		if fits(&(*list)[i], id) {
			return true
		}
	}
	return false
}

// fits: a token need not name its key.
func fits(key *jose.JSONWebKey, id string) bool {
	return (key.Use == "" || key.Use == "sig") && (id == "" || key.KeyID == id)
}

// VerifySignature is for oidc.IDTokenVerifier, which has checked the algorithm.
func (k *keys) VerifySignature(_ context.Context, jwt string) ([]byte, error) {
	signed, err := jose.ParseSigned(jwt, algorithms())
	if err != nil || len(signed.Signatures) != 1 {
		return nil, errUnknownKey
	}
	list := k.known.Load()
	if list == nil {
		return nil, errNotYet
	}
	for i := range *list {
		key := &(*list)[i]
		if !fits(key, signed.Signatures[0].Header.KeyID) {
			continue
		}
		if payload, err := signed.Verify(key); err == nil {
			return payload, nil
		}
	}
	return nil, errUnknownKey
}

// fetch reads the keys by discovery.
func (k *keys) fetch(ctx context.Context) error {
	k.underWay.Add(1)
	defer k.underWay.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, 2*fetchTimeout)
	defer cancel()
	list, err := k.read(ctx)
	if err != nil {
		k.failed.Inc()
		return err
	}
	k.known.Store(&list)
	k.ok.Inc()
	k.count.Set(float64(len(list)))
	return nil
}

// mostKeys bounds those of one issuer: each may be tried for a token that names none.
const mostKeys = 64

func (k *keys) read(ctx context.Context) ([]jose.JSONWebKey, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, k.client), k.issuer)
	if err != nil {
		return nil, fmt.Errorf("discovering: %w", err)
	}
	var found struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&found); err != nil {
		return nil, fmt.Errorf("discovering: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, found.Keys, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	if r.URL.Scheme != "https" && strings.HasPrefix(k.issuer, "https:") {
		return nil, errors.New("reading keys: expected an address of https")
	}
	resp, err := k.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading keys: %w", err)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("reading keys: status %d", resp.StatusCode)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("reading keys: %w", err)
	}
	list := make([]jose.JSONWebKey, 0, min(len(set.Keys), mostKeys))
	for i := range set.Keys {
		if key := &set.Keys[i]; key.Valid() && key.IsPublic() && len(list) < mostKeys {
			list = append(list, *key)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("reading keys: there are none")
	}
	return list, nil
}
