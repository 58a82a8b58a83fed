package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"maskline/api/problem"
)

// identityProvider is that of go-oidc's own tests, behind TLS with a certificate of its
// own.
type identityProvider struct {
	*httptest.Server
	t   *testing.T
	key *rsa.PrivateKey
}

func newIdentityProvider(t *testing.T) *identityProvider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	server := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "main", Algorithm: "RS256"}}}
	p := &identityProvider{httptest.NewUnstartedServer(server), t, key}
	p.StartTLS()
	t.Cleanup(p.Close)
	server.SetIssuer(p.URL)
	return p
}

func (p *identityProvider) token(tenant, role string, more map[string]any) string {
	p.t.Helper()
	claims := map[string]any{
		"iss": p.URL, "aud": "maskline", "sub": "jane.447700900999@shop.example", "exp": time.Now().Add(time.Hour).Unix(), "org": map[string]any{"tenant": tenant}, "role": role,
	}
	maps.Copy(claims, more)
	text, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	return oidctest.SignIDToken(p.key, "main", "RS256", string(text))
}

func TestTokensOfAnIdentityProvider(t *testing.T) {
	p := newIdentityProvider(t)
	c := newCLI(t)
	c.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})))
	w := servedBy(t, c, strings.Replace(twoTenants, `api: {listen: "127.0.0.1:0"`, `api: {listen: "127.0.0.1:0", oidc: [{issuer: "`+p.URL+
		`", audience: maskline, tenant_claim: org.tenant, role_claim: role, operator: everybody, ca: ca.pem}]`, 1))
	shop, taxi := w.with(p.token("shop", "integrator", nil)), w.with(p.token("taxi", "owner", nil))
	w.eventually("the provider's keys are there", func() bool { return shop.ask(http.MethodGet, "/v1/sessions", "").status == http.StatusOK })
	made := shop.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "1").want(http.StatusCreated)
	if made.field("tenant") != "shop" || strings.Contains(made.text, "7700900101") {
		t.Errorf("%s", made.text)
	}
	taxi.ask(http.MethodGet, "/v1/sessions/"+made.field("id"), "").wantProblem(problem.NotFound)
	shop.ask(http.MethodGet, "/v1/keys", "").wantProblem(problem.InsufficientScope)
	taxi.ask(http.MethodGet, "/v1/numbers", "").wantProblem(problem.InsufficientScope)
	w.with(p.token("everybody", "owner", nil)).ask(http.MethodGet, "/v1/numbers", "").want(http.StatusOK)
	w.with(p.token("shop", "integrator", map[string]any{"scope": "openid events:read"})).ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.InsufficientScope)
	limits := shop.ask(http.MethodGet, "/v1/limits", "").want(http.StatusOK)
	if !strings.HasPrefix(limits.field("key"), "sub_") || limits.field("tenant") != "shop" {
		t.Errorf("%s", limits.text)
	}
	w.eventually("the audit names a pseudonym", func() bool {
		return strings.Contains(w.ask(http.MethodGet, "/v1/audit?subject="+made.field("id"), "").text, `"actor":"`+limits.field("key"))
	})
	for range 30 { // what is over is nobody's guess
		w.with(p.token("shop", "owner", map[string]any{"exp": time.Now().Add(-time.Minute).Unix()})).ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.Unauthorized)
	}
	guess := w.with(p.token("shop", "owner", map[string]any{"aud": "another"}))
	for range 20 {
		guess.ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.Unauthorized)
	}
	guess.ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.RateLimited)
	p.Close() // the provider is away: what is known goes on
	shop.ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK)
	if err := w.suspendKey(t.Context(), limits.field("key")); err != nil {
		t.Error(err)
	}
	if log := string(w.log.bytes()); strings.Contains(log, "jane") || strings.Contains(log, "7700900999") || strings.Contains(log, "eyJ") {
		t.Error("a token or whom it speaks of is in the log")
	}
}
