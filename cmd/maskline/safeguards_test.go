package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/guard"
	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/numberdb/sessions"
	"maskline/routing"
)

// ring lets in by fixed texts.
type ring map[string]*auth.Identity

func (k ring) Authenticate(r *http.Request) (*auth.Identity, error) {
	if who := k[r.Header.Get("Authorization")]; who != nil {
		return who, nil
	}
	return nil, problem.New(problem.Unauthorized)
}

// ownerDesk is a plain desk over the owner of a running edge.
type ownerDesk struct {
	rest.SessionDesk
	owner *sessions.Owner
}

func (d ownerDesk) Create(ctx context.Context, r *api.SessionRequest, attempt *numberdb.Attempt) (numberdb.Session, bool, error) {
	ask := &sessions.Request{Tenant: r.Tenant, Pool: r.Pool, Attempt: attempt}
	for _, p := range r.Participants {
		ask.Sides = append(ask.Sides, sessions.Side{Number: e164.MustParse(p.Number)})
	}
	s, err := d.owner.Create(ctx, ask)
	return s, false, err
}

func (d ownerDesk) Change(ctx context.Context, tenant string, id numberdb.ID, _ *rest.SessionChange) (numberdb.Session, bool, error) {
	s, err := d.owner.End(ctx, tenant, id, numberdb.Released)
	return s, false, err
}

// change replaces a text in the configuration.
func (c *cli) change(from, to string) {
	c.t.Helper()
	text, err := os.ReadFile(c.path("edge.yaml"))
	if err != nil || !strings.Contains(string(text), from) {
		c.t.Fatalf("%q is not in the file, %v", from, err)
	}
	c.write("edge.yaml", strings.Replace(string(text), from, to, 1))
}

// guarded is the API of a running edge with what protects it.
type guarded struct {
	*running
	t    *testing.T
	url  string
	desk rest.SessionDesk
	keys ring
}

func newGuarded(t *testing.T, tenants, limits string) (*cli, *guarded) {
	t.Helper()
	c := newCLI(t)
	c.change("[{name: shop}]", tenants)
	c.change(`api: {listen: "127.0.0.1:0"`, `api: {listen: "127.0.0.1:0"`+limits)
	r := startEdge(t, c)
	c.stock()
	g := &guarded{running: r, t: t}
	server := g.serve(t)
	t.Cleanup(func() { server.Close(); http.DefaultClient.CloseIdleConnections() })
	return c, g
}

// serve runs an API with what protects the edge.
func (g *guarded) serve(t testing.TB) *httptest.Server {
	all := auth.Scopes()
	g.keys = ring{
		"Bearer shop": {Key: "key_1", Tenant: "shop", Scopes: all}, "Bearer blind": {Key: "key_2", Tenant: "shop", Scopes: []auth.Scope{auth.RestrictionsRead, auth.RestrictionsWrite}},
		"Bearer other": {Key: "key_3", Tenant: "other", Scopes: all}, "Bearer operator": {Key: "key_4", Scopes: all},
	}
	a, err := rest.New(rest.Config{}, g.keys, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	g.protection.register(a)
	g.desk = g.protection.desk(ownerDesk{owner: g.sessions})
	server := httptest.NewServer(a.Handler())
	g.url = server.URL
	return server
}

type guardReply struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

func (g *guarded) ask(key, method, path, body string, fields ...string) guardReply {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), method, g.url+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	out := guardReply{status: resp.StatusCode, header: resp.Header, text: string(text)}
	_ = json.Unmarshal(text, &out.body)
	return out
}

// session makes one by the guarded desk.
func (g *guarded) session(key string, attempt *numberdb.Attempt, numbers ...string) (numberdb.Session, error) {
	g.t.Helper()
	who := g.keys["Bearer "+key]
	r := &api.SessionRequest{Tenant: who.Tenant, Pool: "uk"}
	for _, n := range numbers {
		r.Participants = append(r.Participants, api.Participate{Number: n})
	}
	ctx := numberdb.WithActor(auth.With(g.t.Context(), who), who.Key)
	s, _, err := g.desk.Create(ctx, r, attempt)
	return s, err
}

func (g *guarded) wantCode(err error, code problem.Code) *problem.Error {
	g.t.Helper()
	var p *problem.Error
	if !errors.As(err, &p) || p.Code != code {
		g.t.Fatalf("%v, want %s", err, code)
	}
	return p
}

const quotaTenants = "[{name: shop, sessions: 2, regions: [GB]}, {name: other}]"

func TestSessionsOfTheAPIAreJudged(t *testing.T) {
	_, g := newGuarded(t, quotaTenants, "")
	for number, code := range map[string]problem.Code{
		"+112": problem.EmergencyNumber, "112": problem.EmergencyNumber, "60123": problem.InvalidNumber, "+442079460011": problem.NumberIsMask,
		"+449098790000": problem.PremiumDestination, "+881612345678": problem.PremiumDestination, "+33612345678": problem.RegionNotEnabled,
	} {
		_, err := g.session("shop", nil, "+447700900101", number)
		p := g.wantCode(err, code)
		if len(p.Fields) != 1 || p.Fields[0].Field != "body.participants[1].number" || strings.Contains(p.Error()+p.Fields[0].Problem, number[1:]) {
			t.Errorf("%s: %+v", code, p)
		}
	}
	one, err := g.session("shop", nil, "+447700900101", "+447700900202")
	if err != nil {
		t.Fatal(err)
	}
	attempt := &numberdb.Attempt{Tenant: "shop", Key: "once", Fingerprint: []byte("x"), Until: time.Now().Add(time.Hour).Truncate(time.Microsecond)}
	if _, err := g.session("shop", attempt, "+447700900103", "+447700900204"); err != nil {
		t.Fatal(err)
	}
	_, err = g.session("shop", nil, "+447700900105", "+447700900206")
	g.wantCode(err, problem.QuotaExceeded)
	if _, err = g.session("shop", attempt, "+447700900103", "+447700900204"); err == nil {
		t.Fatal("the plain desk makes no replays")
	}
	var conflict *numberdb.Conflict // so the desk was asked, beyond the quota
	if !errors.As(err, &conflict) {
		t.Errorf("a request that was done before: %v", err)
	}
	who := g.keys["Bearer shop"]
	if _, _, err := g.desk.Change(auth.With(t.Context(), who), "shop", one.ID, &rest.SessionChange{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.desk.Change(auth.With(t.Context(), who), "shop", one.ID, &rest.SessionChange{}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.session("shop", nil, "+447700900107", "+447700900208"); err != nil {
		t.Errorf("after one was released: %v", err)
	}
	for i := range 5 {
		if _, err := g.session("other", nil, "+44770090030"+fmt.Sprint(i), "+3361234567"+fmt.Sprint(i)); err != nil {
			t.Errorf("another tenant: %v", err)
		}
	}
	answer := g.ask("shop", http.MethodGet, "/v1/limits", "")
	if answer.status != http.StatusOK || !strings.Contains(answer.text, `"regions":["GB"]`) || !strings.Contains(answer.text, `"limit":2`) {
		t.Errorf("%d %s", answer.status, answer.text)
	}
	acts := strings.Join(g.did(), "; ")
	if !strings.Contains(acts, "key_1 session.created") || !strings.Contains(acts, "key_3 session.created") {
		t.Errorf("the audit: %s", acts)
	}
}

func TestConsentsOfTheAPI(t *testing.T) {
	_, g := newGuarded(t, "[{name: shop, consents: true}, {name: other}]", "")
	const person, path = "+447700900101", "/v1/consents"
	body := `{"number":"` + person + `","text":"I may be called on ` + person + `","method":"checkbox","workflow":"delivery"}`
	if g.ask("shop", http.MethodPost, path, body).body["code"] != "idempotency-key-missing" {
		t.Error("without an idempotency key")
	}
	made := g.ask("shop", http.MethodPost, path, body, "Idempotency-Key", "k1")
	id, _ := made.body["id"].(string)
	if made.status != http.StatusCreated || made.header.Get("Location") != path+"/"+id || made.body["number"] != person {
		t.Fatalf("%d %v %s", made.status, made.header, made.text)
	}
	again := g.ask("shop", http.MethodPost, path, body, "Idempotency-Key", "k1")
	if again.status != http.StatusCreated || again.body["id"] != id || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%d %s", again.status, again.text)
	}
	if other := g.ask("shop", http.MethodPost, path, strings.Replace(body, "checkbox", "sms", 1), "Idempotency-Key", "k1"); other.body["code"] != "idempotency-mismatch" {
		t.Errorf("%s", other.text)
	}
	for name, k := range map[string]struct{ body, code string }{
		"emergency": {strings.Replace(body, person, "999", 1), "emergency-number"}, "no number": {strings.Replace(body, person, "7700900101", 1), "invalid-number"},
		"in the future": {strings.Replace(body, `"method"`, `"given_at":"2199-01-01T00:00:00Z","method"`, 1), "validation-failed"},
		"no text":       {strings.Replace(body, "I may be called on "+person, "", 1), "validation-failed"}, "a control character": {strings.Replace(body, "I may", `\u0007`, 1), "validation-failed"},
		"another tenant": {strings.Replace(body, `{`, `{"tenant":"other",`, 1), "validation-failed"},
	} {
		got := g.ask("shop", http.MethodPost, path, k.body, "Idempotency-Key", name)
		if got.body["code"] != k.code || strings.Contains(got.text, "7700900101") {
			t.Errorf("%s: %s", name, got.text)
		}
	}
	blind := g.ask("blind", http.MethodGet, path, "")
	if blind.status != http.StatusOK || strings.Contains(blind.text, "7700900101") || !strings.Contains(blind.text, id) {
		t.Errorf("without pii:read: %s", blind.text)
	}
	if list := g.ask("other", http.MethodGet, path, ""); list.status != http.StatusOK || strings.Contains(list.text, id) {
		t.Errorf("another tenant sees %s", list.text)
	}
	for _, key := range []string{"other"} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			if got := g.ask(key, method, path+"/"+id, ""); got.body["code"] != "not-found" {
				t.Errorf("%s %s: %s", key, method, got.text)
			}
		}
	}
	if got := g.ask("operator", http.MethodPost, path+"/search", `{"number":"`+person+`"}`); got.status != http.StatusOK || !strings.Contains(got.text, id) {
		t.Errorf("search: %d %s", got.status, got.text)
	}
	_, err := g.session("shop", nil, person, "+447700900202")
	if p := g.wantCode(err, problem.ConsentMissing); p.Fields[0].Field != "body.participants[1].number" {
		t.Errorf("%+v", p)
	}
	g.ask("shop", http.MethodPost, path, strings.ReplaceAll(body, person, "+447700900202"), "Idempotency-Key", "k2")
	if _, err = g.session("shop", nil, person, "+447700900202"); err != nil {
		t.Errorf("with consents: %v", err)
	}
	for range 2 {
		if got := g.ask("shop", http.MethodDelete, path+"/"+id, ""); got.status != http.StatusOK || got.body["withdrawn_at"] == nil {
			t.Errorf("%d %s", got.status, got.text)
		}
	}
	_, err = g.session("shop", nil, person, "+447700900202")
	g.wantCode(err, problem.ConsentMissing)
	acts := strings.Join(g.did(), "; ")
	if strings.Count(acts, "key_1 consent.given") != 2 || strings.Count(acts, "key_1 consent.withdrawn") != 1 {
		t.Errorf("the audit: %s", acts)
	}
	if log := string(g.log.bytes()); strings.Contains(log, "7700900101") || strings.Contains(log, "I may be called") {
		t.Error("a number or text is in the log")
	}
}

func TestTheAuditByTheAPI(t *testing.T) {
	_, g := newGuarded(t, "[{name: shop}, {name: other}]", "")
	for i := range 3 {
		if _, err := g.session("shop", nil, "+447700900101", "+44770090020"+string(rune('1'+i))); err != nil && i == 0 {
			t.Fatal(err)
		}
	}
	g.did()
	all := g.ask("operator", http.MethodGet, "/v1/audit?limit=2", "")
	data, _ := all.body["data"].([]any)
	if len(data) != 2 || all.body["next_cursor"] == nil {
		t.Fatalf("%s", all.text)
	}
	next := g.ask("operator", http.MethodGet, "/v1/audit?limit=1000&cursor="+all.body["next_cursor"].(string), "")
	if !strings.Contains(next.text, `"place":3`) || strings.Contains(next.text, `"place":2,`) || !strings.Contains(next.text, "session.created") {
		t.Errorf("%s", next.text)
	}
	if own := g.ask("shop", http.MethodGet, "/v1/audit", ""); !strings.Contains(own.text, "session.created") || strings.Contains(own.text, "mask.free") {
		t.Errorf("a tenant's: %s", own.text)
	}
	if none := g.ask("other", http.MethodGet, "/v1/audit?tenant=shop", ""); strings.Contains(none.text, "session.created") {
		t.Errorf("another tenant's: %s", none.text)
	}
	if bad := g.ask("operator", http.MethodGet, "/v1/audit?cursor=zzzz", ""); bad.body["code"] != "validation-failed" {
		t.Errorf("%s", bad.text)
	}
	if got := g.ask("blind", http.MethodGet, "/v1/audit", ""); got.body["code"] != "insufficient-scope" {
		t.Errorf("%s", got.text)
	}
}

func TestRatesOfTheAPI(t *testing.T) {
	c, g := newGuarded(t, "[{name: shop}, {name: other, rps: 2}]", ", limits: {rps: 3}")
	limited := guardReply{}
	for range 20 {
		if limited = g.ask("shop", http.MethodGet, "/v1/limits", ""); limited.status != http.StatusOK {
			break
		}
		if limited.header.Get("RateLimit-Policy") != `"key";q=3;w=1` || !strings.HasPrefix(limited.header.Get("RateLimit"), `"key";r=`) {
			t.Fatalf("%v", limited.header)
		}
	}
	if limited.status != http.StatusTooManyRequests || limited.body["code"] != "rate-limited" || limited.header.Get("Retry-After") != "1" || !strings.HasPrefix(limited.header.Get("RateLimit"), `"key";r=0;t=`) {
		t.Fatalf("%d %v %s", limited.status, limited.header, limited.text)
	}
	if got := g.ask("other", http.MethodGet, "/v1/limits", ""); got.status != http.StatusOK || got.header.Get("RateLimit-Policy") != `"key";q=3;w=1, "tenant";q=2;w=1` {
		t.Errorf("%d %v", got.status, got.header)
	}
	c.change("rps: 3", "rps: 0")
	if out := c.at("reload"); !strings.Contains(out, "applied: api.limits.rps") {
		t.Errorf("%s", out)
	}
	for range 20 {
		if got := g.ask("shop", http.MethodGet, "/v1/limits", ""); got.status != http.StatusOK || got.header.Get("RateLimit") != "" {
			t.Fatalf("after the reload: %d %v", got.status, got.header)
		}
	}
}

func TestAKeyIsSuspended(t *testing.T) {
	_, g := newGuarded(t, "[{name: shop}]", ", abuse: {denied: 2, throttle: 40, step_up: 60, suspend: 100}")
	suspended := make(chan string, 10)
	g.protection.alarms.suspend = func(_ context.Context, key string) error { suspended <- key; return nil }
	for i := range 9 {
		_, err := g.session("shop", nil, "+447700900101", "+88161234567"+string(rune('1'+i)))
		g.wantCode(err, problem.PremiumDestination)
	}
	if key := <-suspended; key != "key_1" || len(suspended) != 0 {
		t.Errorf("%s is suspended", key)
	}
	_, err := g.session("shop", nil, "+447700900101", "+447700900202")
	if p := g.wantCode(err, problem.StepUpRequired); p.NextStep == "" || !strings.Contains(p.Detail, "denied-ranges, 9 in the last hour where 2 pass (100 points)") {
		t.Errorf("%+v", p)
	}
	if _, err := g.session("blind", nil, "+447700900101", "+447700900202"); err != nil {
		t.Errorf("another key of the tenant: %v", err)
	}
	g.eventually("the alarm to be in the audit", func() bool {
		acts := strings.Join(g.did(), "; ")
		return strings.Contains(acts, "edge abuse.detected") && strings.Contains(acts, "edge abuse.suspended")
	})
	if got := g.ask("shop", http.MethodGet, "/v1/limits", ""); got.body["score"] != 100.0 || !strings.Contains(got.text, `"rule":"denied-ranges"`) {
		t.Errorf("%s", got.text)
	}
}

func TestDestinationsOfAFile(t *testing.T) {
	c, g := newGuarded(t, "[{name: shop}]", "")
	satellite := func() error {
		return g.protection.guard.Contact(t.Context(), guard.Who{}, guard.Party{Number: e164.MustParse("+881612345678")})
	}
	if satellite() == nil {
		t.Fatal("not refused")
	}
	c.write("ranges.csv", "prefix,kind,action\n881,satellite,allow\n")
	c.change("api: {", "api: {destinations: ranges.csv, ")
	if out := c.at("reload"); !strings.Contains(out, "applied: api.destinations") {
		t.Errorf("%s", out)
	}
	if err := satellite(); err != nil {
		t.Error(err)
	}
	c.write("ranges.csv", "881,satellite,allow\n")
	c.refuses(1, "api.destinations: destinations: expected lines", "reload")
	if err := satellite(); err != nil {
		t.Error("a file with a fault is in effect", err)
	}
}

// A code of somebody else's service at a leased mask is told once, and refused where
// the configuration says so; other texts pass.
func TestCodesOfOthersAtLeasedMasks(t *testing.T) {
	c, g := newGuarded(t, "[{name: shop}]", "")
	c.write("edge.yaml", testConfigWith(c, "routing: {third_party_codes: refuse, own_codes: [Shopwerk]}\n"))
	if out := c.at("reload"); !strings.Contains(out, "applied: routing.third_party_codes") {
		t.Fatal(out)
	}
	leased := into[api.Session](c, "sessions", "lease", "--pool", "uk", "--to", "tel:+447700900101", "--services", "sms")
	mask, err := e164.ParseMask(leased.Participants[0].Dial)
	if err != nil {
		t.Fatal(err)
	}
	say := func(text string) routing.Verdict {
		var plan routing.Plan
		g.router.Decide(&routing.Request{
			Service: routing.SMS, Origin: &routing.Origin{Carrier: "alfa"}, Dialled: []byte("x"), To: mask, Named: true, Sender: []byte("Service"), Now: time.Now(), Text: plainText(text),
		}, &plan)
		return plan.Verdict
	}
	const code = "Your WhatsApp code is 482-193"
	for range 3 {
		if got := say(code); got != routing.RuleRefused {
			t.Errorf("a code of others: %v", got)
		}
	}
	for _, text := range []string{"Shopwerk and WhatsApp: your code is 482193", "I am at the door", "Your code is 482193"} {
		if got := say(text); got == routing.RuleRefused {
			t.Errorf("%q is refused", text)
		}
	}
	g.eventually("the audit to tell of it", func() bool { return strings.Contains(strings.Join(g.did(), "; "), "abuse.third_party_code") })
	if n := strings.Count(strings.Join(g.did(), "; "), "abuse.third_party_code"); n != 1 {
		t.Errorf("told %d times", n)
	}
	g.eventually("whose lease it is to be told, without the mask", func() bool {
		told, err := g.store.Events(t.Context(), numberdb.EventQuery{})
		at := slices.IndexFunc(told, func(e numberdb.Event) bool { return e.Type == abuseThirdParty })
		return err == nil && at >= 0 && string(told[at].Data) == "{}"
	})
	c.change("refuse", "flag")
	c.at("reload")
	if got := say(code); got == routing.RuleRefused {
		t.Errorf("where it is only flagged: %v", got)
	}
	if log := string(g.log.bytes()); strings.Contains(log, "WhatsApp") || strings.Contains(log, "482-193") || strings.Contains(log, "482193") {
		t.Error("a text is in the log")
	}
}

// testConfigWith is the configuration of the test with more sections.
func testConfigWith(c *cli, more string) string {
	c.t.Helper()
	text, err := os.ReadFile(c.path("edge.yaml"))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text) + more
}
