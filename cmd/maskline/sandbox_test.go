package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"maskline/api/problem"
	"maskline/api/sandbox"
	"maskline/routing"
	"maskline/testbench/smppsim"
)

// inSandbox is a client with a test key of a tenant.
func (w *web) inSandbox(tenant string) *web {
	w.t.Helper()
	g := w.ask(http.MethodPost, "/v1/keys", `{"tenant":"`+tenant+`","role":"owner","test":true}`).want(http.StatusCreated)
	if !strings.HasPrefix(g.field("key"), "sk_test_") || g.body["livemode"] != false {
		w.t.Fatalf("a test key is %s", g.text)
	}
	return w.with(g.field("key"))
}

// watched is an edge with a carrier that is there, to which nothing may come.
func watched(t *testing.T, more ...string) *web {
	t.Helper()
	return watchedWith(t, twoTenants+strings.Join(more, "\n"))
}

func watchedWith(t *testing.T, config string) *web {
	t.Helper()
	smsc, err := smppsim.StartSMSC("alfa")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(smsc.Close)
	w := servedWith(t, strings.Replace(config, "127.0.0.1:1", smsc.Addr().String(), 1))
	w.eventually("the carrier is up", func() bool { return w.router.Carrier("alfa").Up(routing.SMS) })
	t.Cleanup(func() {
		if n := len(smsc.Submitted()); n > 0 {
			t.Errorf("%d messages came to a real carrier", n)
		}
	})
	return w
}

const (
	tester, friend = "+447700900101", "+447700900202"
	fictionalPair  = `{"pool":"uk","participants":[{"number":"` + tester + `"},{"number":"` + friend + `"}]}`
)

// pair makes a session of two in the sandbox and returns its id and the masks that
// they dial.
func (w *web) pair(key, a, b string) (id string, masks []string) {
	w.t.Helper()
	g := w.ask(http.MethodPost, "/v1/sessions", fmt.Sprintf(`{"pool":"uk","participants":[{"number":"%s"},{"number":"%s"}]}`, a, b), idempotency, key)
	if g.want(http.StatusCreated).status != http.StatusCreated {
		w.t.FailNow()
	}
	return g.field("id"), g.dial()
}

func (w *web) send(key, id, from, text string) reply {
	w.t.Helper()
	return w.ask(http.MethodPost, "/v1/sessions/"+id+"/messages", `{"from":"`+from+`","text":"`+text+`"}`, idempotency, key)
}

// got is what people of the sandbox have got.
func (w *web) got() []sandbox.Received {
	w.t.Helper()
	var list struct{ Data []sandbox.Received }
	if err := json.Unmarshal([]byte(w.ask(http.MethodGet, "/v1/sandbox/messages", "").want(http.StatusOK).text), &list); err != nil {
		w.t.Fatal(err)
	}
	return list.Data
}

func (w *web) write(from, to, text string) reply {
	w.t.Helper()
	return w.ask(http.MethodPost, "/v1/sandbox/inbound-sms", `{"from":"`+from+`","to":"`+to+`","text":"`+text+`"}`)
}

func TestAJourneyThroughTheSandbox(t *testing.T) {
	w := watched(t)
	test := w.inSandbox("shop")
	id, masks := test.pair("1", tester, friend)
	sent := test.send("2", id, tester, "your order is ready").want(http.StatusCreated)
	w.eventually("it is delivered", func() bool {
		return test.ask(http.MethodGet, "/v1/messages/"+sent.field("id"), "").field("state") == "delivered"
	})
	if got := test.got(); len(got) != 1 || got[0].From != masks[1] || got[0].To != friend || got[0].Text != "your order is ready" || got[0].Carrier != "sandbox-1" {
		t.Errorf("the friend has got %+v", got)
	}
	if g := test.write(friend, masks[1], "thank you").want(http.StatusOK); g.body["accepted"] != true || g.field("status") != "0x00000000" {
		t.Errorf("the edge says %s", g.text)
	}
	if got := test.got(); len(got) != 2 || got[1].From != masks[0] || got[1].To != tester || got[1].Text != "thank you" {
		t.Errorf("the answer is %+v", got)
	}
	// STOP is what it is outside.
	test.write(friend, masks[1], "STOP").want(http.StatusOK)
	w.eventually("the friend has opted out", func() bool { return test.send("3", id, tester, "hello").field("code") == string(problem.OptedOut) })
	// Closed, its masks lead nowhere.
	test.ask(http.MethodDelete, "/v1/sessions/"+id, "").want(http.StatusOK)
	if g := test.write(friend, masks[1], "are you there").want(http.StatusOK); g.body["accepted"] != false || g.field("status") == "0x00000000" {
		t.Errorf("the edge says %s", g.text)
	}
	// Of all this the live store has nothing.
	live := w.as("shop", "owner")
	for _, path := range []string{"/v1/sessions", "/v1/sessions/" + id + "/messages", "/v1/events"} {
		if g := live.ask(http.MethodGet, path, ""); strings.Contains(g.text, `"ses_`) || strings.Contains(g.text, `"msg_`) {
			t.Errorf("%s: %s", path, g.text)
		}
	}
}

func TestMagicNumbers(t *testing.T) {
	w := watched(t)
	test := w.inSandbox("shop")
	cases := map[string]struct {
		status      int
		state, code string
		reason      string
		attempts    int
		failed      string // the network's code
	}{
		"00": {201, "delivered", "", "", 1, ""},
		"71": {201, "undelivered", "", "", 1, "1"},
		"72": {201, "undelivered", "", "", 1, "27"},
		"73": {201, "expired", "", "", 1, ""},
		"74": {201, "rejected", "", "", 1, "34"},
		"75": {201, "submitted", "", "", 1, ""},
		"76": {201, "delivered", "", "", 2, ""},
		"77": {202, "unknown", "", "", 1, ""},
		"78": {409, "", "capability-unavailable", "carrier", 0, ""},
		"79": {503, "", "carrier-unavailable", "", 0, ""},
		"80": {409, "", "opted-out", "", 0, ""},
		"81": {409, "", "capability-unavailable", "blocked", 0, ""},
		"82": {409, "", "capability-unavailable", "no_receiver", 0, ""},
		"83": {201, "delivered", "", "", 1, ""},
		"84": {201, "delivered", "", "", 1, ""},
		"85": {201, "delivered", "", "", 1, ""},
	}
	for _, m := range sandbox.Magics() {
		if _, tried := cases[m.Digits]; !tried {
			t.Errorf("%s is not tried", m.Digits)
		}
	}
	for digits, want := range cases {
		id, _ := test.pair("pair "+digits, tester, "+4477009003"+digits)
		sent := test.send("send "+digits, id, tester, "hello "+digits)
		if sent.status != want.status || sent.field("code") != want.code || sent.field("reason") != want.reason {
			t.Errorf("%s: %d %s", digits, sent.status, sent.text)
			continue
		}
		if want.state == "" {
			continue
		}
		var g reply
		w.eventually(digits+" is "+want.state, func() bool {
			g = test.ask(http.MethodGet, "/v1/messages/"+sent.field("id")+"/status", "")
			return g.field("state") == want.state
		})
		if attempts, _ := g.body["attempts"].([]any); len(attempts) != want.attempts || g.field("carrier_code") != want.failed {
			t.Errorf("%s: %s", digits, g.text)
		}
	}
}

// Numbers that somebody may have take no part, in whatever form they come.
func TestRealNumbersInTheSandbox(t *testing.T) {
	w := watched(t)
	test := w.inSandbox("shop")
	_, masks := test.pair("1", tester, friend)
	for name, body := range map[string]string{
		"a participant": `{"pool":"uk","participants":[{"number":"+447911123456"},{"number":"` + friend + `"}]}`,
		"its end":       `{"pool":"uk","participants":[{"number":"` + tester + `","to":"tel:+447911123456"},{"number":"` + friend + `"}]}`,
		"an area more":  `{"pool":"uk","participants":[{"number":"+12025550200"},{"number":"` + friend + `"}]}`,
	} {
		g := test.ask(http.MethodPost, "/v1/sessions", body, idempotency, name)
		g.wantProblem(problem.InvalidNumber)
		if strings.Contains(g.text, "7911") {
			t.Errorf("%s: it is repeated", name)
		}
	}
	test.ask(http.MethodPost, "/v1/leases", `{"pool":"uk","to":"tel:+447911123456"}`, idempotency, "lease").wantProblem(problem.InvalidNumber)
	for _, to := range []string{"smpp:shop", "sip:bob@127.0.0.1:5060"} {
		test.ask(http.MethodPost, "/v1/leases", `{"pool":"uk","to":"`+to+`"}`, idempotency, to).wantProblem(problem.ValidationFailed)
	}
	test.write("+447911123456", masks[0], "hello").wantProblem(problem.InvalidNumber)
	test.write(tester, "+447911123456", "hello").wantProblem(problem.InvalidNumber)
	group := test.ask(http.MethodPost, "/v1/sessions", `{"pool":"uk","shape":"group","participants":[{"number":"`+tester+`"},{"number":"`+friend+`"}]}`, idempotency, "group").want(http.StatusCreated)
	test.ask(http.MethodPost, "/v1/sessions/"+group.field("id")+"/participants", `{"number":"+447911123456"}`, idempotency, "join").wantProblem(problem.InvalidNumber)
	workflow := test.ask(http.MethodPost, "/v1/workflows", `{"name":"sign up","template":"Your code: {code}","pool":"uk"}`).want(http.StatusCreated)
	test.ask(http.MethodPost, "/v1/verifications", `{"workflow_id":"`+workflow.field("id")+`","to":"+447911123456"}`, idempotency, "code").wantProblem(problem.InvalidNumber)
	if got := test.got(); len(got) != 0 {
		t.Errorf("somebody has got %+v", got)
	}
}

// Whatever has an id is either of the sandbox or live: to the other kind of key it is
// not there, on every operation.
func TestTheSandboxAndWhatIsLiveAreApart(t *testing.T) {
	w := watched(t)
	live, test := w.as("shop", "owner"), w.inSandbox("shop")
	other := w.inSandbox("taxi")
	workflow := `{"name":"sign up","template":"Your code: {code}","pool":"uk"}`
	hook := `{"url":"https://example.org/hook"}`
	fill := func(c *web) map[string]string {
		session := c.ask(http.MethodPost, "/v1/sessions", fictionalPair, idempotency, "1").want(http.StatusCreated)
		return map[string]string{
			"/v1/sessions/": session.field("id"), "/v1/leases/": session.field("id"),
			"/v1/workflows/":         c.ask(http.MethodPost, "/v1/workflows", workflow).want(http.StatusCreated).field("id"),
			"/v1/webhook-endpoints/": c.ask(http.MethodPost, "/v1/webhook-endpoints", hook).want(http.StatusCreated).field("id"),
		}
	}
	ofLive, ofTest := fill(live), fill(test)
	ofLive["/v1/keys/"] = live.keysBeginning(live.key)[0]
	message := test.send("m", ofTest["/v1/sessions/"], tester, "hello").want(http.StatusCreated)
	ofTest["/v1/messages/"] = message.field("id")
	bodies := map[string]string{
		"extendSession": `{"ttl":60}`, "extendLease": `{"ttl":60}`, "addParticipant": `{"number":"+447700900303"}`, "replaceWorkflow": workflow, "putWorkflow": workflow,
		"sendMessage": `{"from":"` + tester + `","text":"hello"}`,
	}
	count := 0
	for _, side := range []struct {
		name string
		as   *web
		ids  map[string]string
	}{{"a test key", test, ofLive}, {"a live key", live, ofTest}, {"another tenant's test key", other, ofTest}} {
		for path, methods := range w.contract.Paths {
			for method, op := range methods {
				begin, _, found := strings.Cut(path, "{")
				id, of := side.ids[begin]
				if !found || !of {
					continue
				}
				count++
				body := bodies[op.OperationID]
				if body == "" && op.RequestBody != nil {
					body = "{}"
				}
				asked := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, id)
				g := side.as.ask(strings.ToUpper(method), asked, body, idempotency, side.name+op.OperationID)
				if g.status != http.StatusNotFound && g.status != http.StatusUnprocessableEntity && (op.OperationID != "resumeKey" || g.status != http.StatusForbidden) {
					t.Errorf("%s at %s: %d %s", side.name, op.OperationID, g.status, g.text)
				}
			}
		}
	}
	if count < 40 {
		t.Errorf("%d operations", count)
	}
	// What was asked for is as it was.
	live.ask(http.MethodGet, "/v1/sessions/"+ofLive["/v1/sessions/"], "").want(http.StatusOK)
	test.ask(http.MethodGet, "/v1/sessions/"+ofTest["/v1/sessions/"], "").want(http.StatusOK)
	live.ask(http.MethodGet, "/v1/keys", "").want(http.StatusOK)
	// The sandbox is not there for live keys.
	for path, body := range map[string]string{
		"inbound-sms": `{"from":"` + tester + `","to":"` + friend + `","text":"x"}`, "advance-clock": `{"seconds":60}`, "messages": "", "clock": "",
	} {
		method := http.MethodPost
		if body == "" {
			method = http.MethodGet
		}
		live.ask(method, "/v1/sandbox/"+path, body).wantProblem(problem.NotFound)
		w.ask(method, "/v1/sandbox/"+path, body).wantProblem(problem.NotFound)
	}
	// A test key sees test keys alone, and is no operator's.
	if g := test.ask(http.MethodGet, "/v1/keys", "").want(http.StatusOK); strings.Contains(g.text, `"livemode":true`) || !strings.Contains(g.text, `"livemode":false`) {
		t.Errorf("keys: %s", g.text)
	}
	if g := test.ask(http.MethodPost, "/v1/keys", `{"role":"read-only"}`).want(http.StatusCreated); !strings.HasPrefix(g.field("key"), "sk_test_") {
		t.Error("a test key makes a live one")
	}
	test.ask(http.MethodPost, "/v1/pools", `{"name":"mine"}`).wantProblem(problem.InsufficientScope)
	test.ask(http.MethodGet, "/v1/carriers", "").wantProblem(problem.InsufficientScope)
	w.ask(http.MethodPost, "/v1/keys", `{"role":"owner","test":true}`).wantProblem(problem.ValidationFailed)
}

func TestSandboxesOpenAndClose(t *testing.T) {
	w := watched(t, "sandbox: {open: 1, idle: 1h}")
	shop, taxi := w.inSandbox("shop"), w.inSandbox("taxi")
	id, _ := shop.pair("1", tester, friend)
	// There is room for one: the other has to go, and is asked to come again.
	g := taxi.ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.StorageUnavailable)
	if g.header.Get("Retry-After") == "" {
		t.Error("it does not say when to ask again")
	}
	w.eventually("there is room", func() bool { return taxi.ask(http.MethodGet, "/v1/sessions", "").status == http.StatusOK })
	taxi.ask(http.MethodGet, "/v1/sessions/"+id, "").wantProblem(problem.NotFound)
	// What was made is there again.
	w.eventually("the first one is back", func() bool { return shop.ask(http.MethodGet, "/v1/sessions/"+id, "").status == http.StatusOK })
	shop.send("2", id, tester, "hello").want(http.StatusCreated)
	if info, err := os.Stat(filepath.Join(w.c.path("data"), "sandbox", "shop")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(w.c.path("data"), "sandbox", "shop", "admin.key")); err == nil {
		t.Error("a sandbox has an operator's key of its own")
	}
}

func TestTestKeysWithoutASandbox(t *testing.T) {
	w := watched(t, "sandbox: {enabled: false}")
	test := w.inSandbox("shop")
	for _, path := range []string{"/v1/sessions", "/v1/events", "/v1/sandbox/clock"} {
		test.ask(http.MethodGet, path, "").wantProblem(problem.InsufficientScope)
	}
	test.ask(http.MethodPost, "/v1/sessions", fictionalPair, idempotency, "1").wantProblem(problem.InsufficientScope)
	if _, err := os.Stat(filepath.Join(w.c.path("data"), "sandbox")); err == nil {
		t.Error("there is a folder of a sandbox")
	}
}

// TestTheShellOfTheSandbox runs the lines of docs/sandbox.md as they stand.
func TestTheShellOfTheSandbox(t *testing.T) {
	found := shellToRun.FindStringSubmatch(readPage(t, "../..", "docs/sandbox.md"))
	if found == nil {
		t.Fatal("the page shows nothing to run")
	}
	w := watched(t)
	out := w.c.shell(found[1], "api=http://"+w.api.Addr().String(), "key="+w.as("shop", "owner").key)
	for _, want := range []string{`"text": "Your order is ready."`, `"to": "+447700900202"`, `"accepted":true`, "\nThank you\ntrue\n", "\nexpired\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestTestKeysAtTheCommandLine(t *testing.T) {
	w := watched(t)
	key := strings.TrimSpace(w.c.at("keys", "create", "--test", "--role", "owner", "--tenant", "shop"))
	test := w.with(key)
	if !strings.HasPrefix(key, "sk_test_") || test.ask(http.MethodGet, "/v1/sandbox/clock", "").status != http.StatusOK {
		t.Error("the key is of no sandbox")
	}
	w.c.refuses(1, "tenant", "keys", "create", "--test", "--role", "owner")
}
