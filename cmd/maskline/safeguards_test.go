package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/guard"
	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
)

// change replaces a text in the configuration.
func (c *cli) change(from, to string) {
	c.t.Helper()
	text, err := os.ReadFile(c.path("edge.yaml"))
	if err != nil || !strings.Contains(string(text), from) {
		c.t.Fatalf("%q is not in the file, %v", from, err)
	}
	c.write("edge.yaml", strings.Replace(string(text), from, to, 1))
}

// guarded are the clients of a running edge by what they are: shop and other may do
// everything in their tenants, blind has no pii:read, the operator is of none.
type guarded struct {
	*running
	clients map[string]*web
	ids     map[string]string // of their keys
	once    int
}

func newGuarded(t *testing.T, tenants, limits string) (*cli, *guarded) {
	t.Helper()
	c := newCLI(t)
	c.change("[{name: shop}]", tenants)
	c.change(`api: {listen: "127.0.0.1:0"`, `api: {listen: "127.0.0.1:0"`+limits)
	g := &guarded{running: startEdge(t, c), clients: map[string]*web{}, ids: map[string]string{}}
	c.stock()
	admin := operatorAt(g.running, c, g.url())
	all := auth.Scopes()
	g.clients["operator"] = admin.as("", "owner", all...)
	g.clients["shop"] = admin.as("shop", "owner", all...)
	g.clients["blind"] = admin.as("shop", "owner", auth.RestrictionsRead, auth.RestrictionsWrite, auth.SessionsWrite)
	if strings.Contains(tenants, "name: other") {
		g.clients["other"] = admin.as("other", "owner", all...)
	}
	for name, client := range g.clients {
		for _, id := range admin.keysBeginning(client.key) {
			g.ids[name] = id
		}
	}
	return c, g
}

func (g *guarded) ask(who, method, path, body string, fields ...string) reply {
	g.t.Helper()
	return g.clients[who].ask(method, path, body, fields...)
}

// session makes one in the pool uk, with an idempotency key of its own unless one is
// given.
func (g *guarded) session(who, once string, numbers ...string) reply {
	g.t.Helper()
	var people []string
	for _, n := range numbers {
		people = append(people, `{"number":"`+n+`"}`)
	}
	if once == "" {
		g.once++
		once = fmt.Sprint("session ", g.once)
	}
	return g.ask(who, http.MethodPost, "/v1/sessions", `{"pool":"uk","participants":[`+strings.Join(people, ",")+`]}`, idempotency, once)
}

// faultAt wants a problem with one field of the request.
func (g reply) faultAt(code problem.Code, field string) reply {
	g.t.Helper()
	g.wantProblem(code)
	var p struct{ Errors []problem.Field }
	if err := json.Unmarshal([]byte(g.text), &p); err != nil || len(p.Errors) != 1 || p.Errors[0].Field != field {
		g.t.Errorf("%v: %s, want a fault at %s", err, g.text, field)
	}
	return g
}

const quotaTenants = "[{name: shop, sessions: 2, regions: [GB]}, {name: other}]"

func TestSessionsOfTheAPIAreJudged(t *testing.T) {
	_, g := newGuarded(t, quotaTenants, "")
	for number, code := range map[string]problem.Code{
		"+112": problem.EmergencyNumber, "112": problem.EmergencyNumber, "60123": problem.InvalidNumber, "+442079460011": problem.NumberIsMask,
		"+449098790000": problem.PremiumDestination, "+881612345678": problem.PremiumDestination, "+33612345678": problem.RegionNotEnabled,
	} {
		if p := g.session("shop", "", "+447700900101", number).faultAt(code, "body.participants[1].number"); strings.Contains(p.text, number[1:]) {
			t.Errorf("%s: %s", code, p.text)
		}
	}
	one := g.session("shop", "", "+447700900101", "+447700900202").want(http.StatusCreated)
	g.session("shop", "again", "+447700900103", "+447700900204").want(http.StatusCreated)
	g.session("shop", "", "+447700900105", "+447700900206").wantProblem(problem.QuotaExceeded)
	if again := g.session("shop", "again", "+447700900103", "+447700900204").want(http.StatusCreated); again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("a request that was done before: %v", again.header)
	}
	for range 2 {
		g.ask("shop", http.MethodDelete, "/v1/sessions/"+one.id(), "").want(http.StatusOK)
	}
	g.session("shop", "", "+447700900107", "+447700900208").want(http.StatusCreated)
	for i := range 5 {
		g.session("other", "", "+44770090030"+fmt.Sprint(i), "+3361234567"+fmt.Sprint(i)).want(http.StatusCreated)
	}
	answer := g.ask("shop", http.MethodGet, "/v1/limits", "")
	if answer.status != http.StatusOK || !strings.Contains(answer.text, `"regions":["GB"]`) || !strings.Contains(answer.text, `"limit":2`) {
		t.Errorf("%d %s", answer.status, answer.text)
	}
	acts := strings.Join(g.did(), "; ")
	if !strings.Contains(acts, g.ids["shop"]+" session.created") || !strings.Contains(acts, g.ids["other"]+" session.created") {
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
	g.session("shop", "", person, "+447700900202").faultAt(problem.ConsentMissing, "body.participants[1].number")
	g.ask("shop", http.MethodPost, path, strings.ReplaceAll(body, person, "+447700900202"), "Idempotency-Key", "k2")
	g.session("shop", "", person, "+447700900202").want(http.StatusCreated)
	for range 2 {
		if got := g.ask("shop", http.MethodDelete, path+"/"+id, ""); got.status != http.StatusOK || got.body["withdrawn_at"] == nil {
			t.Errorf("%d %s", got.status, got.text)
		}
	}
	g.session("shop", "", person, "+447700900202").wantProblem(problem.ConsentMissing)
	acts := strings.Join(g.did(), "; ")
	if strings.Count(acts, g.ids["shop"]+" consent.given") != 2 || strings.Count(acts, g.ids["shop"]+" consent.withdrawn") != 1 {
		t.Errorf("the audit: %s", acts)
	}
	if log := string(g.log.bytes()); strings.Contains(log, "7700900101") || strings.Contains(log, "I may be called") {
		t.Error("a number or text is in the log")
	}
}

func TestTheAuditByTheAPI(t *testing.T) {
	_, g := newGuarded(t, "[{name: shop}, {name: other}]", "")
	for i := range 3 {
		g.session("shop", "", fmt.Sprint("+44770090010", i), fmt.Sprint("+44770090020", i)).want(http.StatusCreated)
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
	limited := reply{}
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
	_, g := newGuarded(t, "[{name: shop}]", ", abuse: {denied: 2, throttle: 0, step_up: 60, suspend: 100}")
	for i := range 9 {
		if g.session("shop", "", "+447700900101", fmt.Sprint("+88161234567", i)).status == http.StatusUnauthorized {
			break
		}
	}
	g.eventually("the key to be suspended", func() bool {
		return g.ask("shop", http.MethodGet, "/v1/limits", "").status == http.StatusUnauthorized
	})
	g.session("blind", "", "+447700900101", "+447700900202").want(http.StatusCreated)
	g.eventually("the alarm to be in the audit", func() bool {
		acts := strings.Join(g.did(), "; ")
		return strings.Contains(acts, "edge abuse.detected") && strings.Contains(acts, "edge abuse.suspended") && strings.Contains(acts, "edge key.suspended")
	})
}

func TestAKeyHasToStepUp(t *testing.T) {
	_, g := newGuarded(t, "[{name: shop}]", ", abuse: {denied: 2, throttle: 40, slow: 50, step_up: 60, suspend: 0}")
	for i := range 9 {
		g.session("shop", "", "+447700900101", fmt.Sprint("+88161234567", i)).wantProblem(problem.PremiumDestination)
	}
	p := g.session("shop", "", "+447700900101", "+447700900202").wantProblem(problem.StepUpRequired)
	if p.field("next_step") == "" || !strings.Contains(p.field("detail"), "denied-ranges, 9 in the last hour where 2 pass (100 points)") {
		t.Errorf("%s", p.text)
	}
	g.session("blind", "", "+447700900101", "+447700900202").want(http.StatusCreated)
	got := g.ask("shop", http.MethodGet, "/v1/limits", "").want(http.StatusOK)
	if got.body["score"] != 100.0 || !strings.Contains(got.text, `"rule":"denied-ranges"`) || got.header.Get("RateLimit-Policy") != `"key";q=50;w=1` {
		t.Errorf("%v %s", got.header, got.text)
	}
	g.eventually("the alarm to be in the audit", func() bool { return strings.Contains(strings.Join(g.did(), "; "), "edge abuse.detected") })
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
	if out := c.at("reload"); out != "nothing has changed\n" {
		t.Errorf("%s", out)
	}
	c.write("ranges.csv", "prefix,kind,action\n881,satellite,allow\n4477,fraud,deny\n")
	if out := c.at("reload"); out != "applied: ranges of api.destinations\n" {
		t.Errorf("%s", out)
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
