package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is the OpenAPI document of an edge. Every answer that a test gets is held
// against it: its status, its kind and its schema.
type contract struct {
	Paths map[string]map[string]struct {
		OperationID string           `json:"operationId"`
		Security    []map[string]any `json:"security"`
		Parameters  []struct {
			Name, In string
			Required bool
		} `json:"parameters"`
		RequestBody *struct{} `json:"requestBody"`
		Responses   map[string]struct {
			Content map[string]any `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	paths    map[string]*regexp.Regexp
	mu       sync.Mutex // of the compiler
	compiler *jsonschema.Compiler
}

func readContract(t *testing.T, text []byte) *contract {
	t.Helper()
	c := &contract{paths: map[string]*regexp.Regexp{}, compiler: jsonschema.NewCompiler()}
	if err := json.Unmarshal(text, c); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource("doc.json", doc); err != nil {
		t.Fatal(err)
	}
	for path := range c.Paths {
		pattern := regexp.QuoteMeta(path)
		pattern = regexp.MustCompile(`\\\{[^}]*\\\}`).ReplaceAllString(pattern, `[^/]+`)
		c.paths[path] = regexp.MustCompile("^" + pattern + "$")
	}
	return c
}

// pathOf is the path of the document that a request's path is; one without
// parameters comes first.
func (c *contract) pathOf(path string) string {
	if _, known := c.Paths[path]; known {
		return path
	}
	for _, known := range slices.Sorted(maps.Keys(c.paths)) {
		if c.paths[known].MatchString(path) {
			return known
		}
	}
	return ""
}

// hold reports what of an answer the document does not say.
func (c *contract) hold(method, path string, g *reply) error {
	at := c.pathOf(path)
	op, known := c.Paths[at][strings.ToLower(method)]
	if !known {
		return nil // nothing of the document
	}
	answer, known := op.Responses[fmt.Sprint(g.status)]
	if !known {
		return fmt.Errorf("%s answers %d, which the document does not say", op.OperationID, g.status)
	}
	if len(answer.Content) == 0 {
		if g.text != "" {
			return fmt.Errorf("%s %d has a body", op.OperationID, g.status)
		}
		return nil
	}
	kind := g.header.Get("Content-Type")
	if _, known := answer.Content[kind]; !known {
		return fmt.Errorf("%s %d is %s, which the document does not say", op.OperationID, g.status, kind)
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	c.mu.Lock()
	defer c.mu.Unlock()
	schema, err := c.compiler.Compile("doc.json#/paths/" + escape.Replace(at) + "/" + strings.ToLower(method) +
		fmt.Sprintf("/responses/%d/content/", g.status) + escape.Replace(kind) + "/schema")
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(g.text))
	if err != nil {
		return err
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%s %d: %w", op.OperationID, g.status, err)
	}
	return nil
}

// operations calls fn for each operation that needs a key, with a path that is well
// formed and of nothing that is there.
func (c *contract) operations(fn func(id, method, path string, fields []string)) {
	for _, path := range slices.Sorted(maps.Keys(c.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(c.Paths[path])) {
			op := c.Paths[path][method]
			if len(op.Security) == 0 {
				continue
			}
			var fields []string
			for _, p := range op.Parameters {
				if p.In == "header" && p.Required {
					fields = append(fields, p.Name, "hostile")
				}
			}
			fn(op.OperationID, strings.ToUpper(method), regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "ses_0d2k9x4m1qz7c"), fields)
		}
	}
}

func TestTheContractIsHeld(t *testing.T) {
	w := served(t)
	g := w.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "1").want(http.StatusCreated)
	for name, broken := range map[string]reply{
		"status": {status: 299, header: g.header, text: g.text}, "kind": {status: 201, header: http.Header{"Content-Type": {"text/plain"}}, text: g.text},
		"a field is missing": {status: 201, header: g.header, text: strings.Replace(g.text, `"pool":"uk",`, "", 1)},
		"a field more":       {status: 201, header: g.header, text: strings.Replace(g.text, `{`, `{"secret":1,`, 1)},
		"a wrong word":       {status: 201, header: g.header, text: strings.Replace(g.text, `"active"`, `"alive"`, 1)},
		"a wrong time":       {status: 201, header: g.header, text: strings.Replace(g.text, `"created_at":"`, `"created_at":"x`, 1)},
	} {
		if w.contract.hold(http.MethodPost, "/v1/sessions", &broken) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func TestCredentialsOnEveryOperation(t *testing.T) {
	w := served(t)
	revoked := w.as("shop", "owner")
	for _, k := range w.keysBeginning(revoked.key) {
		w.ask(http.MethodDelete, "/v1/keys/"+k, "").want(http.StatusOK)
	}
	right := w.key
	wrong := right[:len(right)-1] + string('a'+(right[len(right)-1]+1)%2)
	if wrong == right {
		wrong = right[:len(right)-1] + "b"
	}
	limited, audits := w.as("shop", "read-only", "events:read"), w.as("shop", "auditor", "audit:read")
	count := 0
	w.contract.operations(func(id, method, path string, fields []string) {
		count++
		for name, credential := range map[string]string{
			"missing": "", "garbage": "Bearer %00;'--", "no scheme": right, "another scheme": "Basic " + right, "an octet wrong": "Bearer " + wrong,
			"cut off": "Bearer " + right[:20], "revoked": "Bearer " + revoked.key, "of another edge": "Bearer sk_live_" + strings.Repeat("7", 43), "test": "Bearer sk_test_" + right[8:],
		} {
			nobody := &web{running: w.running, c: w.c, contract: w.contract}
			asked := fields
			if credential != "" {
				asked = append(slices.Clone(fields), "Authorization", credential)
			}
			g := nobody.ask(method, path, "{}", asked...)
			if g.status != http.StatusUnauthorized && g.status != http.StatusTooManyRequests {
				t.Errorf("%s with a key that is %s: %d %s", id, name, g.status, g.text)
			}
			if g.header.Get("WWW-Authenticate") == "" && g.status == http.StatusUnauthorized {
				t.Errorf("%s does not name the scheme", id)
			}
		}
		limited := limited
		switch id {
		case "getLimits": // of the key that asks
			return
		case "listEvents":
			limited = audits
		}
		if g := limited.ask(method, path, "{}", fields...); g.status != http.StatusForbidden || g.field("code") != "insufficient-scope" {
			t.Errorf("%s with a key for something else: %d %s", id, g.status, g.text)
		}
	})
	if count < 30 {
		t.Errorf("%d operations", count)
	}
}

// What is another tenant's does not exist, whatever is asked of it.
func TestAnotherTenantsResources(t *testing.T) {
	w := served(t)
	shop, taxi := w.as("shop", "owner"), w.as("taxi", "owner")
	w.c.at("pools", "create", "cabs", "--tenant", "taxi")
	session := taxi.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "1").want(http.StatusCreated)
	key := taxi.ask(http.MethodPost, "/v1/keys", `{"role":"read-only"}`).want(http.StatusCreated)
	before := taxi.ask(http.MethodGet, "/v1/sessions/"+session.field("id"), "").want(http.StatusOK)
	ids := map[string]string{"/v1/sessions/": session.field("id"), "/v1/leases/": session.field("id"), "/v1/keys/": key.field("id"), "/v1/pools/": "cabs"}
	bodies := map[string]string{
		"extendSession": `{"ttl":60}`, "extendLease": `{"ttl":60}`, "addParticipant": `{"number":"+447700900303"}`, "changePool": `{"ttl":60}`,
		"sendMessage": `{"from":"+447700900301","text":"hello"}`, "releaseNumber": `{"id":"` + session.field("id") + `"}`,
	}
	count := 0
	for path, methods := range w.contract.Paths {
		for method, op := range methods {
			begin, _, found := strings.Cut(path, "{")
			id, of := ids[begin]
			if (!found || !of) && op.OperationID != "releaseNumber" {
				continue
			}
			count++
			body := bodies[op.OperationID]
			if body == "" {
				body = "{}"
			}
			asked := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, id)
			g := shop.ask(strings.ToUpper(method), asked, body, idempotency, "hostile-"+op.OperationID)
			operators := begin == "/v1/pools/" && method != "get" || op.OperationID == "resumeKey"
			if g.status != http.StatusNotFound && (!operators || g.status != http.StatusForbidden) {
				t.Errorf("%s of another tenant: %d %s", op.OperationID, g.status, g.text)
			}
		}
	}
	if count < 15 {
		t.Errorf("%d operations", count)
	}
	if after := taxi.ask(http.MethodGet, "/v1/sessions/"+session.field("id"), ""); after.text != before.text {
		t.Errorf("it has changed: %s", after.text)
	}
	if g := shop.ask(http.MethodGet, "/v1/pools", "").want(http.StatusOK); strings.Contains(g.text, "cabs") || strings.Contains(g.text, "masks") {
		t.Errorf("pools: %s", g.text)
	}
}

// Hostile bodies on every operation that takes one: nothing breaks, nothing is
// repeated.
func TestHostileBodiesOnEveryOperation(t *testing.T) {
	w := served(t)
	const canary = "canary447700900999"
	bodies := map[string]string{
		"empty": "", "cut off": `{"number":"` + canary, "a list": `["` + canary + `"]`, "a text": `"` + canary + `"`, "null": "null", "deep": strings.Repeat(`{"a":`, 5000),
		"unknown":    `{"` + canary + `":"` + canary + `"}`,
		"wrong type": `{"pool":{"x":"` + canary + `"},"number":["` + canary + `"],"to":1e999,"ttl":"` + canary + `","participants":"` + canary + `","role":7,"numbers":{}}`,
		"SQL":        `{"pool":"x'; DROP TABLE sessions; --` + canary + `","participants":[{"number":"' OR 1=1 --"}],"role":"' OR ''='","name":"../../` + canary + `","to":"tel:` + canary + `\r\nX: y"}`,
		"no UTF-8":   "{\"pool\":\"\xff\xfe" + canary + "\"}",
		"large":      `{"pool":"` + strings.Repeat(canary, (1<<20)/len(canary)+10) + `"}`,
	}
	w.contract.operations(func(id, method, path string, fields []string) {
		if op := w.contract.Paths[w.contract.pathOf(path)][strings.ToLower(method)]; op.RequestBody == nil {
			return
		}
		for name, body := range bodies {
			g := w.ask(method, path, body, fields...)
			if g.status < 400 || g.status >= 500 {
				t.Errorf("%s, %s: %d %.200s", id, name, g.status, g.text)
			}
			if strings.Contains(g.text, "canary") || strings.Contains(g.text, "DROP") {
				t.Errorf("%s, %s: repeated: %.300s", id, name, g.text)
			}
		}
	})
	if strings.Contains(string(w.log.bytes()), "canary") {
		t.Error("what was sent is in the log")
	}
	if g := w.get("/metrics"); strings.Contains(g.body, "canary") {
		t.Error("what was sent is in the metrics")
	}
}
