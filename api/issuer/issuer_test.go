package issuer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/go-jose/go-jose/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/testbench/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// provider is an issuer of go-oidc's own test package, with keys of ours.
type provider struct {
	*httptest.Server
	t     *testing.T
	mu    sync.Mutex
	keys  map[string]*ecdsa.PrivateKey // by id; those of kept ones are not shown
	shown []string
	away  bool
	asked atomic.Int64 // for keys
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{t: t, keys: map[string]*ecdsa.PrivateKey{}}
	p.add("one")
	p.shown = []string{"one"}
	p.Server = httptest.NewTLSServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) add(id string) {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.keys[id] = key
}

// ServeHTTP answers with the keys that are shown now.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	server := &oidctest.Server{Algorithms: []string{"ES256"}}
	for _, id := range p.shown {
		server.PublicKeys = append(server.PublicKeys, oidctest.PublicKey{PublicKey: p.keys[id].Public(), KeyID: id, Algorithm: "ES256"})
	}
	away := p.away
	p.mu.Unlock()
	if r.URL.Path == "/keys" {
		p.asked.Add(1)
	}
	if away {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	server.SetIssuer(p.URL)
	server.ServeHTTP(w, r)
}

func (p *provider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// claims of a token that is good.
func (p *provider) claims() map[string]any {
	return map[string]any{"iss": p.URL, "aud": "maskline", "sub": "jane@shop.example", "exp": start.Add(time.Hour).Unix(), "tenant": "shop", "role": "integrator"}
}

func (p *provider) token(id string, claims map[string]any) string {
	p.t.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	return oidctest.SignIDToken(p.keys[id], id, "ES256", string(text))
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

type edge struct {
	*Issuers
	now atomic.Int64 // nanoseconds after start
}

func edgeOf(t *testing.T, p *provider) *edge {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &edge{}
	world := World{
		HasTenant: func(name string) bool { return name == "shop" || name == "taxi" }, Pseudonym: func(subject []byte) string { return strings.Repeat("b", len(subject)%7+1) },
		Clock: func() time.Time { return start.Add(time.Duration(e.now.Load())) },
	}
	cfg := Config{URL: p.URL, Audience: "maskline", Tenant: "tenant", Role: "role", Operator: "the-operator", CA: ca}
	var err error
	if e.Issuers, err = New([]Config{cfg}, world, zap.NewNop(), prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	return e
}

func codeOf(err error) string {
	var p *problem.Error
	switch {
	case errors.Is(err, auth.ErrNobody):
		return "nobody"
	case errors.As(err, &p):
		return string(p.Code)
	case err == nil:
		return ""
	default:
		return err.Error()
	}
}

func TestClaimsAreMapped(t *testing.T) {
	p := newProvider(t)
	e := edgeOf(t, p)
	usual := auth.Integrator.Usual()
	for name, c := range map[string]struct {
		change map[string]any
		tenant string
		role   auth.Role
		scopes []auth.Scope
	}{
		"as they are":                  {nil, "shop", auth.Integrator, usual},
		"a list of audiences":          {map[string]any{"aud": []string{"other", "maskline"}}, "shop", auth.Integrator, usual},
		"a list of roles":              {map[string]any{"role": []any{"editor", 7, "read-only", "auditor"}}, "shop", auth.Auditor, auth.Auditor.Usual()},
		"the operator":                 {map[string]any{"tenant": "the-operator", "role": "owner"}, "", auth.Owner, auth.Owner.Usual()},
		"scopes":                       {map[string]any{"scope": "openid sessions:read pii:read sessions:read admin"}, "shop", auth.Integrator, []auth.Scope{auth.SessionsRead, auth.PIIRead}},
		"a list of scopes":             {map[string]any{"scp": []string{"messages:read"}}, "shop", auth.Integrator, []auth.Scope{auth.MessagesRead}},
		"scopes of others":             {map[string]any{"scope": "openid profile"}, "shop", auth.Integrator, usual},
		"scopes that the role has not": {map[string]any{"scope": "admin"}, "shop", auth.Integrator, nil},
	} {
		claims := p.claims()
		maps.Copy(claims, c.change)
		who, err := e.Identify(t.Context(), p.token("one", claims))
		if err != nil || who.Tenant != c.tenant || who.Role != c.role || !slices.Equal(who.Scopes, c.scopes) || !strings.HasPrefix(who.Key, "sub_b") || strings.Contains(who.Key, "jane") {
			t.Errorf("%s: %+v %v", name, who, err)
		}
	}
}

func TestNamesOfClaimsWithDots(t *testing.T) {
	claims := map[string]any{"realm_access": map[string]any{"roles": []any{"owner"}}, "https://x.example/role": "auditor", "a": "b"}
	for name, want := range map[string][]string{
		"realm_access.roles": {"owner"}, "https://x.example/role": {"auditor"}, "a.b": nil, "realm_access": nil, "realm_access.none": nil, "": nil, ".": nil, "a.": nil,
	} {
		if got := textsOf(claims, name); !slices.Equal(got, want) {
			t.Errorf("%q: %q", name, got)
		}
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	p := newProvider(t)
	p.add("stranger")
	e := edgeOf(t, p)
	if _, err := e.Identify(t.Context(), p.token("one", p.claims())); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change map[string]any
		want   string
	}{
		"another issuer":      {map[string]any{"iss": "https://other.example"}, "nobody"},
		"no issuer":           {map[string]any{"iss": 7}, "nobody"},
		"another audience":    {map[string]any{"aud": "other"}, "nobody"},
		"no audience":         {map[string]any{"aud": nil}, "nobody"},
		"over":                {map[string]any{"exp": start.Add(-time.Second).Unix()}, "unauthorized"},
		"without an end":      {map[string]any{"exp": nil}, "unauthorized"},
		"not yet":             {map[string]any{"nbf": start.Add(time.Hour).Unix()}, "nobody"},
		"of nobody":           {map[string]any{"sub": ""}, "nobody"},
		"no tenant":           {map[string]any{"tenant": nil}, "unauthorized"},
		"the empty tenant":    {map[string]any{"tenant": ""}, "unauthorized"},
		"all tenants":         {map[string]any{"tenant": "*"}, "unauthorized"},
		"two tenants":         {map[string]any{"tenant": []string{"shop", "taxi"}}, "unauthorized"},
		"a tenant that is no": {map[string]any{"tenant": "nobody"}, "unauthorized"},
		"no role":             {map[string]any{"role": nil}, "unauthorized"},
		"a role of others":    {map[string]any{"role": "root"}, "unauthorized"},
		"a role in an object": {map[string]any{"role": map[string]any{"owner": true}}, "unauthorized"},
	} {
		claims := p.claims()
		maps.Copy(claims, c.change)
		maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
		if who, err := e.Identify(t.Context(), p.token("one", claims)); codeOf(err) != c.want || who != nil {
			t.Errorf("%s: %+v %v", name, who, err)
		}
	}
	good := p.token("one", p.claims())
	head, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	shared, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: p.Certificate().RawSubjectPublicKeyInfo}, nil)
	if err != nil {
		t.Fatal(err)
	}
	forged := &provider{t: t, keys: map[string]*ecdsa.PrivateKey{"one": p.keys["stranger"]}}
	claims, err := json.Marshal(p.claims())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := shared.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	hs256, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"empty": "", "two parts": head + "." + payload, "four parts": good + ".x", "no signature": head + "." + payload + ".", "algorithm none": text(`{"alg":"none"}`) + "." + payload + ".",
		"a secret of both": hs256, "another's claims": head + "." + text(strings.Replace(string(claims), "shop", "taxi", 1)) + "." + signature,
		"another's key under this one's name": forged.token("one", p.claims()), "an unknown key": p.token("stranger", p.claims()), "large": head + "." + strings.Repeat("A", mostToken) + "." + signature,
		"no base64": head + ".%%%." + signature, "its own key": text(`{"alg":"ES256","jwk":{}}`) + "." + payload + "." + signature,
	} {
		if who, err := e.Identify(t.Context(), token); codeOf(err) != "nobody" || who != nil {
			t.Errorf("%s: %+v %v", name, who, err)
		}
	}
}

// Tokens with unknown keys make the edge ask once in a minute; a new key is found by
// the first that names it, and an issuer that is away takes none of the known ones.
func TestKeysAreReadNowAndThen(t *testing.T) {
	p := newProvider(t)
	p.add("two")
	p.add("stranger")
	e := edgeOf(t, p)
	p.set(func() { p.away = true })
	if _, err := e.Identify(t.Context(), p.token("one", p.claims())); codeOf(err) != "storage-unavailable" {
		t.Errorf("an issuer that was never there: %v", err)
	}
	p.set(func() { p.away = false })
	e.now.Add(int64(againAfter))
	if _, err := e.Identify(t.Context(), p.token("one", p.claims())); err != nil {
		t.Fatal(err)
	}
	before := p.asked.Load()
	for range 50 {
		if _, err := e.Identify(t.Context(), p.token("stranger", p.claims())); codeOf(err) != "nobody" {
			t.Fatal(err)
		}
	}
	if p.asked.Load() != before {
		t.Errorf("the issuer was asked %d times", p.asked.Load()-before)
	}
	p.set(func() { p.shown = []string{"two"} })
	e.now.Add(int64(againAfter))
	if _, err := e.Identify(t.Context(), p.token("two", p.claims())); err != nil {
		t.Errorf("a new key: %v", err)
	}
	if _, err := e.Identify(t.Context(), p.token("one", p.claims())); codeOf(err) != "nobody" {
		t.Errorf("a key that was taken back: %v", err)
	}
	p.set(func() { p.away = true })
	e.now.Add(int64(againAfter))
	for _, id := range []string{"stranger", "two"} {
		_, err := e.Identify(t.Context(), p.token(id, p.claims()))
		if id == "two" && err != nil || id == "stranger" && codeOf(err) != "nobody" {
			t.Errorf("while the issuer is away, by %s: %v", id, err)
		}
	}
	if p.asked.Load() != before+1 {
		t.Errorf("the keys were asked for %d times", p.asked.Load()-before)
	}
}

func TestAnIssuerThatCannotBeTrusted(t *testing.T) {
	for name, spoil := range map[string]func(*provider, http.ResponseWriter, *http.Request){
		"another name": func(p *provider, w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"issuer":"https://other.example","jwks_uri":"` + p.URL + `/keys"}`))
		},
		"keys without TLS": func(p *provider, w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"issuer":"` + p.URL + `","jwks_uri":"` + strings.Replace(p.URL, "https", "http", 1) + `/keys"}`))
		},
		"a redirect": func(p *provider, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, p.URL+"/x", http.StatusFound)
		},
		"without end":   func(_ *provider, w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, mostAnswer+1)) },
		"no keys":       func(p *provider, w http.ResponseWriter, r *http.Request) { p.shown = nil; p.ServeHTTP(w, r) },
		"nothing there": func(_ *provider, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { spoil(p, w, r) })
			if _, err := edgeOf(t, p).Identify(t.Context(), p.token("one", p.claims())); codeOf(err) != "storage-unavailable" {
				t.Error(err)
			}
		})
	}
	p := newProvider(t)
	e := edgeOf(t, p)
	e.all[0].keys.client.Transport = bounded{&http.Transport{DisableKeepAlives: true}} // the system's authorities
	var authority x509.UnknownAuthorityError
	if err := e.all[0].keys.fetch(t.Context()); !errors.As(err, &authority) {
		t.Errorf("a certificate of nobody: %v", err)
	}
}

func TestKeysAreKeptFresh(t *testing.T) {
	p := newProvider(t)
	e := edgeOf(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	await.That(t, 10*time.Second, "the keys are read", func() bool { return e.all[0].keys.knows("one") })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
