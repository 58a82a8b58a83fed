package main

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"maskline/api/problem"
)

const tokenPath = "/v1/oauth/token"

// form asks for a token with a form.
func (w *web) form(body string, fields ...string) reply {
	w.t.Helper()
	nobody := w.with("")
	return nobody.ask(http.MethodPost, tokenPath, body, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, fields...)...)
}

func (w *web) clientID() string { return w.keysBeginning(w.key)[0] }

func TestTokensByAPI(t *testing.T) {
	w := served(t)
	shop := w.as("shop", "integrator")
	id := shop.clientID()
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	inForm := "&client_id=" + id + "&client_secret=" + shop.key
	for name, g := range map[string]reply{
		"in the form": w.form("grant_type=client_credentials&scope=sessions:read" + inForm), "by Basic": w.form("grant_type=client_credentials&scope=sessions:read", "Authorization", basic(id, shop.key)),
		"by Basic, and its id in the form": w.form("grant_type=client_credentials&scope=sessions:read&client_id="+id, "Authorization", basic(id, shop.key)),
		"what is not known is passed over": w.form("grant_type=client_credentials&scope=sessions%3Aread+sessions:read&audience=x" + inForm),
	} {
		g.want(http.StatusOK)
		if g.header.Get("Cache-Control") != "no-store" || g.header.Get("Pragma") != "no-cache" || g.field("token_type") != "Bearer" || g.field("scope") != "sessions:read" || g.body["expires_in"] != 900.0 {
			t.Errorf("%s: %v %s", name, g.header, g.text)
		}
		token := w.with(g.field("access_token"))
		token.ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK)
		token.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "1").wantProblem(problem.InsufficientScope)
		if limits := token.ask(http.MethodGet, "/v1/limits", "").want(http.StatusOK); limits.field("key") != id {
			t.Errorf("%s: it counts for %s", name, limits.field("key"))
		}
	}
	all := w.form("grant_type=client_credentials" + inForm).want(http.StatusOK)
	if !strings.Contains(all.field("scope"), "sessions:write") || strings.Contains(all.field("scope"), "pii:read") {
		t.Errorf("without a scope: %s", all.field("scope"))
	}
	token := w.with(all.field("access_token"))
	made := token.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "1").want(http.StatusCreated)
	w.with(w.as("taxi", "owner").key).ask(http.MethodGet, "/v1/sessions/"+made.field("id"), "").wantProblem(problem.NotFound)
	w.ask(http.MethodDelete, "/v1/keys/"+id, "").want(http.StatusOK)
	token.ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.Unauthorized)
	w.form("grant_type=client_credentials" + inForm).want(http.StatusUnauthorized)
	if log := string(w.log.bytes()); strings.Contains(log, all.field("access_token")[20:]) || strings.Contains(log, shop.key[12:]) {
		t.Error("a token or a key is in the log")
	}
}

// The errors of the token endpoint are those of RFC 6749 §5.2, and repeat nothing.
func TestErrorsOfTheTokenEndpoint(t *testing.T) {
	w := served(t)
	shop := w.as("shop", "integrator")
	id, kind := shop.clientID(), "grant_type=client_credentials"
	client := "&client_id=" + id + "&client_secret=" + shop.key
	const canary = "canary447700900999"
	type ask struct {
		body   string
		status int
		code   string
		fields []string
	}
	for name, c := range map[string]ask{
		"no grant":              {client[1:], 400, "invalid_request", nil},
		"another grant":         {"grant_type=" + canary + client, 400, "unsupported_grant_type", nil},
		"a parameter twice":     {kind + client + "&" + kind, 400, "invalid_request", nil},
		"no form":               {kind + "&%zz=" + canary + client, 400, "invalid_request", nil},
		"JSON":                  {`{"grant_type":"` + canary + `"}`, 400, "invalid_request", []string{"Content-Type", "application/json"}},
		"too large":             {kind + client + "&x=" + strings.Repeat(canary, 1000), 413, "invalid_request", nil},
		"no client":             {kind, 401, "invalid_client", nil},
		"another secret":        {kind + "&client_id=" + id + "&client_secret=" + canary, 401, "invalid_client", nil},
		"another client":        {kind + "&client_id=" + canary + "&client_secret=" + shop.key, 401, "invalid_client", nil},
		"a bearer":              {kind, 401, "invalid_client", []string{"Authorization", "Bearer " + shop.key}},
		"no Basic":              {kind, 401, "invalid_client", []string{"Authorization", "Basic " + canary}},
		"credentials twice":     {kind + client, 400, "invalid_request", []string{"Authorization", "Basic eDp5"}},
		"a scope too many":      {kind + client + "&scope=sessions:read+keys:write", 400, "invalid_scope", nil},
		"no scope that is":      {kind + client + "&scope=" + canary, 400, "invalid_scope", nil},
		"control characters":    {kind + client + "&scope=%0d%0aSet-Cookie:" + canary, 400, "invalid_scope", nil},
		"scopes without number": {kind + client + "&scope=" + strings.Repeat("a+", 2000), 400, "invalid_scope", nil},
	} {
		g := w.form(c.body, c.fields...)
		if g.status != c.status || g.field("error") != c.code || !strings.HasPrefix(g.header.Get("Content-Type"), "application/json") || g.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", name, g.status, g.header, g.text)
		}
		if strings.Contains(g.text, "canary") || strings.Contains(g.text, shop.key[12:]) {
			t.Errorf("%s: repeated: %s", name, g.text)
		}
		if (g.status == 401) != strings.HasPrefix(g.header.Get("WWW-Authenticate"), "Basic") {
			t.Errorf("%s: %v", name, g.header)
		}
	}
	// Guesses count with those of keys.
	limited := reply{}
	for range 30 {
		limited = w.form(kind + "&client_id=" + id + "&client_secret=" + canary)
	}
	if limited.status != http.StatusTooManyRequests || limited.field("error") != "temporarily_unavailable" || limited.header.Get("Retry-After") == "" {
		t.Errorf("%d %v %s", limited.status, limited.header, limited.text)
	}
	w.with("sk_live_"+strings.Repeat("a", 43)).ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.RateLimited)
	w.form(kind + client).want(http.StatusOK)
	if strings.Contains(string(w.log.bytes()), "canary") || strings.Contains(w.get("/metrics").body, "canary") {
		t.Error("what was sent is in the log or the metrics")
	}
}

// Asking for tokens counts among a key's requests.
func TestTokensHaveARate(t *testing.T) {
	w := servedWith(t, strings.Replace(twoTenants, `api: {listen: "127.0.0.1:0"`, `api: {listen: "127.0.0.1:0", limits: {rps: 2}`, 1))
	shop := w.as("shop", "integrator")
	client := "grant_type=client_credentials&client_id=" + shop.clientID() + "&client_secret=" + shop.key
	w.eventually("too many are refused", func() bool {
		g := w.form(client)
		return g.status == http.StatusTooManyRequests && g.field("error") == "temporarily_unavailable" && g.header.Get("Retry-After") != ""
	})
}

// The clients of others: Go's OAuth library, which fetches the token itself, and curl.
func TestOAuthClientsOfOthers(t *testing.T) {
	w := served(t)
	shop := w.as("shop", "integrator")
	base := "http://" + w.api.Addr().String()
	for name, style := range map[string]oauth2.AuthStyle{"in the header": oauth2.AuthStyleInHeader, "in the form": oauth2.AuthStyleInParams} {
		cfg := clientcredentials.Config{ClientID: shop.clientID(), ClientSecret: shop.key, TokenURL: base + tokenPath, Scopes: []string{"sessions:read"}, AuthStyle: style}
		client := cfg.Client(t.Context())
		resp, err := client.Get(base + "/v1/sessions")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s %v", name, resp.StatusCode, text, err)
		}
		cfg.Scopes = []string{"keys:write"}
		_, err = cfg.Token(t.Context())
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) || refused.ErrorCode != "invalid_scope" {
			t.Errorf("%s: %v", name, err)
		}
		client.CloseIdleConnections()
	}
	http.DefaultClient.CloseIdleConnections()
	out, err := exec.CommandContext(t.Context(), "curl", "-sf", "-u", shop.clientID()+":"+shop.key, "-d", "grant_type=client_credentials", base+tokenPath).Output()
	if err != nil || !slices.Contains(strings.Split(string(out), `"`), "access_token") {
		t.Errorf("curl: %s %v", out, err)
	}
}
