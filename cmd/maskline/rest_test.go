package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/api/rest"
)

// twoTenants is testConfig with another tenant and its account.
var twoTenants = strings.NewReplacer("tenants: [{name: shop}]", "tenants: [{name: shop}, {name: taxi}]",
	"tenant: shop}]", "tenant: shop}, {system_id: cabs, password: x, tenant: taxi}]").Replace(testConfig)

// web is a client of an edge's /v1 with a key.
type web struct {
	*running
	c        *cli
	url      string
	key      string
	contract *contract
}

// served is an edge with masks, and a client with the operator's key.
func served(t *testing.T) *web {
	t.Helper()
	return servedWith(t, twoTenants)
}

func servedWith(t *testing.T, config string) *web {
	t.Helper()
	return servedBy(t, newCLI(t), config)
}

func servedBy(t *testing.T, c *cli, config string) *web {
	t.Helper()
	c.write("edge.yaml", config)
	r := startEdge(t, c)
	c.stock()
	return operatorAt(r, c, r.url())
}

func (r *running) url() string { return "http://" + r.api.Addr().String() }

// operatorAt is a client with the key that an edge has made for its operator.
func operatorAt(r *running, c *cli, url string) *web {
	r.t.Helper()
	w := &web{running: r, c: c, url: url}
	w.contract = readContract(r.t, []byte(w.ask(http.MethodGet, "/v1/openapi.json", "").text))
	r.eventually("there is an admin key", func() bool {
		key, err := os.ReadFile(c.path("data/admin.key"))
		w.key = strings.TrimSpace(string(key))
		return err == nil && w.key != "" && w.ask(http.MethodGet, "/v1/keys", "").status == http.StatusOK
	})
	return w
}

// as is a client with a new key of a tenant; without scopes it has the usual ones of
// its role.
func (w *web) as(tenant, role string, scopes ...auth.Scope) *web {
	w.t.Helper()
	args := []string{"keys", "create", "--tenant", tenant, "--role", role}
	for _, scope := range scopes {
		args = append(args, "--scope", string(scope))
	}
	return w.with(strings.TrimSpace(w.c.at(args...)))
}

// with is a client with another key; none where it is empty.
func (w *web) with(key string) *web {
	own := *w
	own.key = key
	return &own
}

type reply struct {
	t      *testing.T
	status int
	header http.Header
	text   string
	body   map[string]any
}

// request is one with the client's key; fields are names and values of the header.
func (w *web) request(method, path, body string, fields ...string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.key != "" {
		r.Header.Set("Authorization", "Bearer "+w.key)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	return r
}

// ask sends a request and holds the answer against the contract.
func (w *web) ask(method, path, body string, fields ...string) reply {
	w.t.Helper()
	r := w.request(method, path, body, fields...)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	resp, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	g := reply{t: w.t, status: resp.StatusCode, header: resp.Header, text: string(text)}
	_ = json.Unmarshal(text, &g.body)
	if w.contract == nil {
		return g
	}
	if err := w.contract.hold(method, r.URL.Path, &g); err != nil {
		w.t.Errorf("%s %s: %v", method, r.URL.Path, err)
	}
	return g
}

// keysBeginning are the ids of the key with that text.
func (w *web) keysBeginning(text string) (ids []string) {
	w.t.Helper()
	for _, k := range into[[]api.Key](w.c, "keys", "list") {
		if strings.HasPrefix(text, k.Begins) {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

func (g reply) field(name string) string {
	text, _ := g.body[name].(string)
	return text
}

func (g reply) id() string { return g.field("id") }

func (g reply) want(status int) reply {
	g.t.Helper()
	if g.status != status {
		g.t.Errorf("%d %s, want %d", g.status, g.text, status)
	}
	return g
}

func (g reply) wantProblem(code problem.Code) reply {
	g.t.Helper()
	if g.status != problem.Of(code).Status || g.field("code") != string(code) {
		g.t.Errorf("%d %s, want %s", g.status, g.text, code)
	}
	return g
}

// dial are the masks of a session's people.
func (g reply) dial() (masks []string) {
	g.t.Helper()
	var s rest.Session
	if err := json.Unmarshal([]byte(g.text), &s); err != nil {
		g.t.Fatal(err)
	}
	for i := range s.Participants {
		masks = append(masks, s.Participants[i].Dial)
	}
	return masks
}

const (
	idempotency = "Idempotency-Key"
	onePair     = `{"pool":"uk","participants":[{"number":"+447700900101"},{"number":"+447700900202"}]}`
)

func TestTheFirstKey(t *testing.T) {
	w := served(t)
	info, err := os.Stat(w.c.path("data/admin.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info.Mode(), err)
	}
	if !strings.HasPrefix(w.key, "sk_live_") || len(w.key) != 51 {
		t.Errorf("it has %d characters", len(w.key))
	}
	w.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "1").want(http.StatusCreated)
	list := into[[]api.Key](w.c, "keys", "list")
	if len(list) != 1 || list[0].Role != "owner" || list[0].Tenant != "" || list[0].LastUsedAt == nil {
		t.Errorf("%+v", list)
	}
	if strings.Contains(string(w.log.bytes()), w.key[12:]) {
		t.Error("the key is in the log")
	}
}

func TestKeysAtTheCommandLine(t *testing.T) {
	for _, name := range []string{"without an edge", "with an edge"} {
		t.Run(name, func(t *testing.T) {
			c := newCLI(t)
			var r *running
			if name == "with an edge" {
				r = startEdge(t, c)
			}
			made := into[api.Key](c, "keys", "create", "--role", "integrator", "--tenant", "shop", "--label", "our shop", "--expires", "1h")
			if made.Key == "" || made.Tenant != "shop" || made.ExpiresAt == nil || slices.Contains(made.Scopes, "pii:read") || !slices.Contains(made.Scopes, "sessions:write") {
				t.Errorf("%+v", made)
			}
			text := strings.TrimSpace(c.at("keys", "create", "--role", "read-only", "--scope", "sessions:read"))
			if !strings.HasPrefix(text, "sk_live_") {
				t.Errorf("%q", text)
			}
			c.at("keys", "revoke", made.ID)
			states := map[string]string{}
			for _, k := range into[[]api.Key](c, "keys", "list") {
				states[k.ID] = k.State
				if k.Key != "" {
					t.Error("a list shows texts")
				}
			}
			if states[made.ID] != "revoked" {
				t.Errorf("%v", states)
			}
			c.refuses(1, "role: expected", "keys", "create", "--role", "root")
			c.refuses(1, "scopes[0]: expected", "keys", "create", "--role", "read-only", "--scope", "admin")
			c.refuses(1, "tenant: expected", "keys", "create", "--role", "owner", "--tenant", "nobody")
			c.refuses(1, "label: expected", "keys", "create", "--role", "owner", "--label", "for +447700900101")
			c.refuses(1, "id: expected", "keys", "revoke", "x")
			c.refuses(4, "There is no such resource", "keys", "revoke", "key_0000000000001")
			if r == nil {
				r = startEdge(t, c)
			}
			acts := r.did()
			for _, want := range []string{"operator key.set", "operator key.revoked"} {
				if !slices.Contains(acts, want) {
					t.Errorf("not in the audit: %s; %q", want, acts)
				}
			}
		})
	}
}

func TestKeysByAPI(t *testing.T) {
	w := served(t)
	shop, taxi := w.as("shop", "owner"), w.as("taxi", "owner")
	mine := shop.ask(http.MethodPost, "/v1/keys", `{"role":"integrator","label":"web shop"}`).want(http.StatusCreated)
	if mine.field("tenant") != "shop" {
		t.Errorf("a tenant's key is of %q", mine.field("tenant"))
	}
	worker := w.with(mine.field("key"))
	worker.ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK)
	worker.ask(http.MethodGet, "/v1/keys", "").wantProblem(problem.InsufficientScope)

	// A tenant neither sees nor touches the keys of another.
	taxi.ask(http.MethodDelete, "/v1/keys/"+mine.field("id"), "").wantProblem(problem.NotFound)
	taxi.ask(http.MethodPost, "/v1/keys/"+mine.field("id")+"/rotate", `{}`).wantProblem(problem.NotFound)
	if g := taxi.ask(http.MethodGet, "/v1/keys?tenant=shop", "").want(http.StatusOK); strings.Contains(g.text, "shop") {
		t.Errorf("keys of another: %s", g.text)
	}
	for _, of := range []string{"taxi", "nobody"} { // it does not learn which tenants there are
		shop.ask(http.MethodPost, "/v1/keys", `{"role":"owner","tenant":"`+of+`"}`).wantProblem(problem.ValidationFailed)
	}
	// Nobody gives more than he has: the owner's key was made without pii:read.
	shop.ask(http.MethodPost, "/v1/keys", `{"role":"auditor","scopes":["pii:read"]}`).wantProblem(problem.InsufficientScope)
	shop.ask(http.MethodPost, "/v1/keys", `{"role":"read-only","scopes":["sessions:write"]}`).wantProblem(problem.ValidationFailed)
	shop.ask(http.MethodPost, "/v1/keys", `{"role":"root"}`).wantProblem(problem.ValidationFailed)
	strong := w.as("shop", "auditor", "pii:read", "sessions:read")
	for _, k := range into[[]api.Key](w.c, "keys", "list") {
		if strings.HasPrefix(strong.key, k.Begins) {
			shop.ask(http.MethodPost, "/v1/keys/"+k.ID+"/rotate", `{}`).wantProblem(problem.InsufficientScope)
		}
	}

	// Rotation overlaps.
	next := shop.ask(http.MethodPost, "/v1/keys/"+mine.field("id")+"/rotate", `{"overlap":3600}`).want(http.StatusCreated)
	for _, key := range []string{mine.field("key"), next.field("key")} {
		w.with(key).ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK)
	}
	last := shop.ask(http.MethodPost, "/v1/keys/"+next.field("id")+"/rotate", `{}`).want(http.StatusCreated)
	w.with(next.field("key")).ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.Unauthorized)
	w.with(last.field("key")).ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK)

	// A revoked key is refused at once, and stays so over a restart.
	shop.ask(http.MethodDelete, "/v1/keys/"+mine.field("id"), "").want(http.StatusOK)
	worker.ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.Unauthorized)
	shop.ask(http.MethodPost, "/v1/keys/"+mine.field("id")+"/rotate", `{}`).wantProblem(problem.CapabilityUnavailable)

	// Pages.
	seen, cursor := map[string]bool{}, ""
	for range 10 {
		g := shop.ask(http.MethodGet, "/v1/keys?limit=1&cursor="+cursor, "").want(http.StatusOK)
		var page struct {
			Data       []api.Key `json:"data"`
			NextCursor string    `json:"next_cursor"`
		}
		if err := json.Unmarshal([]byte(g.text), &page); err != nil {
			t.Fatal(err)
		}
		for _, k := range page.Data {
			seen[k.ID] = true
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d keys on the pages", len(seen))
	}
	shop.ask(http.MethodGet, "/v1/keys?cursor=nonsense", "").wantProblem(problem.ValidationFailed)
}

// What was suspended for its doings is the operator's to let in again.
func TestASuspendedKeyIsResumed(t *testing.T) {
	w := served(t)
	owner, shop := w.as("shop", "owner"), w.as("shop", "integrator")
	id := w.keysBeginning(shop.key)[0]
	if err := w.suspendKey(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	shop.ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.Unauthorized)
	resume := "/v1/keys/" + id + "/resume"
	owner.ask(http.MethodPost, resume, "").wantProblem(problem.InsufficientScope)
	w.ask(http.MethodPost, "/v1/keys/key_0000000000001/resume", "").wantProblem(problem.NotFound)
	if g := w.ask(http.MethodPost, resume, "").want(http.StatusOK); g.field("state") != "active" {
		t.Errorf("%s", g.text)
	}
	shop.ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK)
}

func TestGuessingKeys(t *testing.T) {
	w := served(t)
	guess := w.with("sk_live_" + strings.Repeat("a", 43))
	for range 20 {
		guess.ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.Unauthorized)
	}
	if g := guess.ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.RateLimited); g.header.Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
	w.ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK) // a valid key still passes
}

func TestAnotherEdgesRevocation(t *testing.T) {
	w := served(t)
	shop := w.as("shop", "read-only")
	shop.ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK)
	keys, _, err := w.store.APIKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		if strings.HasPrefix(shop.key, "sk_"+keys[i].Public) {
			keys[i].Revoked = time.Now().UTC().Truncate(time.Microsecond)
			if err := w.store.PutAPIKeys(t.Context(), keys[i:i+1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.eventually("the key is refused", func() bool { return shop.ask(http.MethodGet, "/v1/sessions", "").status == http.StatusUnauthorized })
}
