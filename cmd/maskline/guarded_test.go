package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"maskline/api"
)

// post asks the running edge's own API with a key.
func (r *running) post(key, path, body, once string) (int, string) {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+r.api.Addr().String()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+key)
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Idempotency-Key", once)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// The API that maskline serve runs counts, judges, suspends and audits.
func TestTheServedAPIIsGuarded(t *testing.T) {
	c := newCLI(t)
	c.change(`api: {listen: "127.0.0.1:0"`, `api: {listen: "127.0.0.1:0", abuse: {denied: 2, throttle: 0, step_up: 60, suspend: 100}`)
	r := startEdge(t, c)
	c.stock()
	bad := into[api.Key](c, "keys", "create", "--tenant", "shop", "--role", "integrator")
	good := into[api.Key](c, "keys", "create", "--tenant", "shop", "--role", "integrator")
	session := func(key, a, b, once string) (int, string) {
		return r.post(key, "/v1/sessions", `{"pool":"uk","participants":[{"number":"`+a+`"},{"number":"`+b+`"}]}`, once)
	}
	code, first := session(good.Key, "+447700900101", "+447700900202", "a")
	if code != http.StatusCreated {
		t.Fatalf("%d %s", code, first)
	}
	if code, text := session(good.Key, "+447700900101", "+442079460011", "b"); code != http.StatusUnprocessableEntity || !strings.Contains(text, "number-is-mask") {
		t.Errorf("%d %s", code, text)
	}
	for i := range 9 {
		if code, text := session(bad.Key, "+447700900101", fmt.Sprint("+88161234567", i), fmt.Sprint("c", i)); code != http.StatusForbidden && code != http.StatusUnauthorized {
			t.Errorf("%d %s", code, text)
		}
	}
	r.eventually("the key to be suspended", func() bool {
		code, text := session(bad.Key, "+447700900103", "+447700900204", "d")
		return code == http.StatusUnauthorized && strings.Contains(text, `"reason":"suspended"`)
	})
	if code, text := session(good.Key, "+447700900105", "+447700900206", "e"); code != http.StatusCreated {
		t.Errorf("another key of the tenant: %d %s", code, text)
	}
	if state := c.at("keys", "resume", bad.ID); state != "active\n" {
		t.Errorf("resumed, it is %s", state)
	}
	if code, text := session(bad.Key, "+447700900107", "+447700900208", "f"); code != http.StatusCreated {
		t.Errorf("resumed: %d %s", code, text)
	}
	c.refuses(4, "There is no such resource", "keys", "resume", "key_0000000000001")
	acts := strings.Join(r.did(), "; ")
	for _, want := range []string{"operator key.set", "edge key.suspended", "edge abuse.suspended", good.ID + " session.created"} {
		if !strings.Contains(acts, want) {
			t.Errorf("not in the audit: %s; %s", want, acts)
		}
	}
}
