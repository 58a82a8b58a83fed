package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"maskline/api/problem"
)

// Webhooks of a sandbox go by the time, whatever its clock says, and say what they are.
func TestWebhooksOfTheSandbox(t *testing.T) {
	w := watchedWith(t, strings.Replace(twoTenants, `api: {listen: "127.0.0.1:0"}`, `api: {listen: "127.0.0.1:0", webhooks: {allow_private: [127.0.0.1/32]}}`, 1))
	test, live := w.inSandbox("shop"), w.as("shop", "owner")
	receivers := map[*web]*hooks{test: {}, live: {}}
	for who, h := range receivers {
		server := httptest.NewServer(h)
		defer server.Close()
		var made struct{ Secrets []struct{ Secret string } }
		text := who.ask(http.MethodPost, "/v1/webhook-endpoints", `{"url":"`+server.URL+`"}`).want(http.StatusCreated).text
		if err := json.Unmarshal([]byte(text), &made); err != nil || len(made.Secrets) != 1 {
			t.Fatalf("%v: %s", err, text)
		}
		h.mu.Lock()
		h.secret = made.Secrets[0].Secret
		h.mu.Unlock()
	}
	id, _ := test.pair("1", tester, friend)
	w.eventually("the session is told", func() bool { return receivers[test].got("session.created", id) })
	test.advance(3 * time.Hour).want(http.StatusOK)
	w.eventually("its end is told", func() bool { return receivers[test].got("session.expired", id) })
	test.advance(300 * 24 * time.Hour).want(http.StatusOK)
	later, _ := test.pair("2", tester, friend)
	w.eventually("a session a year later is told", func() bool { return receivers[test].got("session.created", later) })
	outside := live.ask(http.MethodPost, "/v1/sessions", fictionalPair, idempotency, "1").want(http.StatusCreated)
	w.eventually("what is live is told", func() bool { return receivers[live].got("session.created", outside.field("id")) })
	for who, h := range receivers {
		h.mu.Lock()
		for _, err := range h.wrong {
			t.Error(err)
		}
		for _, body := range h.bodies {
			if strings.Contains(body, `"livemode":true`) != (who == live) || !strings.Contains(body, `"livemode":`) {
				t.Errorf("an event says %s", body)
			}
			if who == live && (strings.Contains(body, id) || strings.Contains(body, later)) || strings.Contains(body, "7700900") {
				t.Errorf("an event came to whom it is not for: %s", body)
			}
		}
		h.mu.Unlock()
		list := who.ask(http.MethodGet, "/v1/events?limit=1000", "").want(http.StatusOK)
		if strings.Contains(list.text, `"livemode":true`) != (who == live) {
			t.Errorf("events: %s", list.text)
		}
	}
}

// Everybody who comes first finds the one sandbox.
func TestASandboxOpensOnce(t *testing.T) {
	w := watched(t)
	test := w.inSandbox("shop")
	var all sync.WaitGroup
	ids := make(chan string, 16)
	for range cap(ids) {
		all.Go(func() {
			ids <- test.ask(http.MethodPost, "/v1/sessions", fictionalPair, idempotency, "the same").field("id")
		})
	}
	all.Wait()
	close(ids)
	// Some may have met the first one under way.
	made := map[string]bool{}
	for id := range ids {
		made[id] = true
	}
	delete(made, "")
	if len(made) != 1 {
		t.Errorf("%d sessions", len(made))
	}
	if g := test.ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK); strings.Count(g.text, `"ses_`) != 1 {
		t.Errorf("there are %s", g.text)
	}
}

// The numbers of people of a sandbox are as little in the log as any, and its traffic
// is not in the metrics of the edge.
func TestTheSandboxLeavesNoTrace(t *testing.T) {
	w := watched(t)
	test := w.inSandbox("shop")
	id, masks := test.pair("1", tester, friend)
	const text = "the parcel is behind the blue door"
	sent := test.send("2", id, tester, text).want(http.StatusCreated)
	test.write(friend, masks[1], text).want(http.StatusOK)
	w.eventually("it is delivered", func() bool {
		return test.ask(http.MethodGet, "/v1/messages/"+sent.field("id"), "").field("state") == "delivered"
	})
	log, metrics := string(w.log.bytes()), w.get("/metrics").body
	for _, secret := range []string{tester[1:], friend[1:], text, test.key} {
		if strings.Contains(log, secret) || strings.Contains(metrics, secret) {
			t.Errorf("%q is in the log or the metrics", secret[:5])
		}
	}
	if !strings.Contains(metrics, "maskline_sandbox_open 1\n") || !strings.Contains(metrics, "maskline_sandbox_opened_total 1\n") || strings.Contains(metrics, "sandbox-1") {
		t.Error("the metrics count something else")
	}
}

// A reload reaches sandboxes that open then.
func TestAReloadOfSandboxes(t *testing.T) {
	w := watched(t)
	test := w.inSandbox("shop")
	test.ask(http.MethodGet, "/v1/sandbox/clock", "").want(http.StatusOK)
	config := strings.Replace(twoTenants, "127.0.0.1:1", w.cfg.Carriers[0].SMPP[0].Addr.String(), 1)
	w.c.write("edge.yaml", config+"sandbox: {enabled: false}\n")
	w.c.at("reload")
	test.ask(http.MethodGet, "/v1/sandbox/clock", "").want(http.StatusForbidden)
	w.c.write("edge.yaml", config+"sandbox: {idle: 1s}\n")
	w.c.at("reload")
	test.ask(http.MethodGet, "/v1/sandbox/clock", "").want(http.StatusOK)
	w.eventually("it is closed", func() bool { return strings.Contains(w.get("/metrics").body, "maskline_sandbox_open 0\n") })
}

// A sandbox that cannot be opened is nobody else's trouble, and is there as soon as it
// can.
func TestABrokenSandbox(t *testing.T) {
	w := watched(t)
	dir := filepath.Join(w.c.path("data"), "sandbox", "shop")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "clock"), []byte("soon"), 0o600); err != nil {
		t.Fatal(err)
	}
	test, other, live := w.inSandbox("shop"), w.inSandbox("taxi"), w.as("shop", "owner")
	if g := test.ask(http.MethodGet, "/v1/sessions", "").wantProblem(problem.StorageUnavailable); g.header.Get("Retry-After") == "" {
		t.Error("it does not say when to ask again")
	}
	other.ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK)
	live.ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK)
	if err := os.Remove(filepath.Join(dir, "clock")); err != nil {
		t.Fatal(err)
	}
	test.ask(http.MethodGet, "/v1/sessions", "").want(http.StatusOK)
	if metrics := w.get("/metrics").body; !strings.Contains(metrics, "maskline_sandbox_errors_total 1\n") {
		t.Error("the fault is not counted")
	}
}

// One that ends by itself is opened anew.
func TestASandboxThatEnds(t *testing.T) {
	w := watched(t)
	test := w.inSandbox("shop")
	id, _ := test.pair("1", tester, friend)
	w.boxes.mu.Lock()
	end := w.boxes.places["shop"].box.stop
	w.boxes.mu.Unlock()
	end()
	w.eventually("another one is there", func() bool {
		return strings.Contains(w.get("/metrics").body, "maskline_sandbox_opened_total 2\n") || test.ask(http.MethodGet, "/v1/sandbox/clock", "").status == 0
	})
	test.ask(http.MethodGet, "/v1/sessions/"+id, "").want(http.StatusOK)
	test.send("2", id, tester, "hello").want(http.StatusCreated)
}

// The rules against abuse hold in the sandbox, for the key that offends and no other.
func TestAbuseOfTheSandbox(t *testing.T) {
	w := watchedWith(t, strings.Replace(twoTenants, `api: {listen: "127.0.0.1:0"`, `api: {listen: "127.0.0.1:0", abuse: {denied: 2, throttle: 0, step_up: 60, suspend: 100}`, 1))
	bad, good, live := w.inSandbox("shop"), w.inSandbox("shop"), w.as("shop", "owner")
	for i := range 9 {
		body := fmt.Sprintf(`{"pool":"uk","participants":[{"number":"%s"},{"number":"+88161234567%d"}]}`, tester, i)
		if g := bad.ask(http.MethodPost, "/v1/sessions", body, idempotency, fmt.Sprint(i)); g.status != http.StatusForbidden && g.status != http.StatusUnauthorized {
			t.Errorf("%d %s", g.status, g.text)
		}
	}
	w.eventually("the key is suspended", func() bool { return bad.ask(http.MethodGet, "/v1/sessions", "").status == http.StatusUnauthorized })
	good.pair("1", tester, friend)
	live.ask(http.MethodPost, "/v1/sessions", fictionalPair, idempotency, "1").want(http.StatusCreated)
}
