package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"maskline/e164"
	"maskline/numberdb"
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
			nobody := w.with("")
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
	ids := taxi.resources()
	session := ids["/v1/sessions/"]
	before := taxi.ask(http.MethodGet, "/v1/sessions/"+session, "").want(http.StatusOK)
	bodies := map[string]string{
		"extendSession": `{"ttl":60}`, "extendLease": `{"ttl":60}`, "addParticipant": `{"number":"+447700900303"}`, "changePool": `{"ttl":60}`,
		"sendMessage": `{"from":"+447700900301","text":"hello"}`, "releaseNumber": `{"id":"` + session + `"}`, "getDeliveryStatus": `{"message_id":"` + ids["/v1/messages/"] + `"}`,
		"verifyCode": `{"verification_id":"` + ids["/v1/verifications/"] + `","code":"123456"}`, "checkVerification": `{"code":"123456"}`,
		"startVerification": `{"workflow_id":"` + ids["/v1/workflows/"] + `","to":"+447700900303"}`, "replaceWorkflow": `{"name":"x","template":"{code}","pool":"uk"}`,
		"replayWebhookEvents": `{"since":"2026-01-01T00:00:00Z"}`,
	}
	count := 0
	for path, methods := range w.contract.Paths {
		for method, op := range methods {
			begin, _, found := strings.Cut(path, "{")
			named := strings.Contains(bodies[op.OperationID], "_id") || op.OperationID == "releaseNumber"
			if len(op.Security) == 0 || !found && !named {
				continue
			}
			if found && ids[begin] == "" {
				t.Errorf("another tenant has nothing for %s", path)
				continue
			}
			count++
			body := bodies[op.OperationID]
			if body == "" && op.RequestBody != nil {
				body = "{}"
			}
			asked := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, ids[begin])
			g := shop.ask(strings.ToUpper(method), asked, body, idempotency, "hostile-"+op.OperationID)
			operators := begin == "/v1/numbers/" || begin == "/v1/pools/" && method != "get" || op.OperationID == "resumeKey"
			if g.status != http.StatusNotFound && (!operators || g.status != http.StatusForbidden) {
				t.Errorf("%s of another tenant: %d %s", op.OperationID, g.status, g.text)
			}
		}
	}
	if count < 30 {
		t.Errorf("%d operations", count)
	}
	if after := taxi.ask(http.MethodGet, "/v1/sessions/"+session, ""); after.text != before.text {
		t.Errorf("it has changed: %s", after.text)
	}
	if g := shop.ask(http.MethodGet, "/v1/pools", "").want(http.StatusOK); strings.Contains(g.text, "cabs") || strings.Contains(g.text, "masks") {
		t.Errorf("pools: %s", g.text)
	}
}

// resources are one of each kind, made for taxi and its key.
func (w *web) resources() map[string]string {
	w.t.Helper()
	made := func(path, body string) string {
		w.t.Helper()
		return w.ask(http.MethodPost, path, body, idempotency, path).want(http.StatusCreated).id()
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	session := made("/v1/sessions", onePair)
	through, err := numberdb.ParseID(numberdb.SessionPrefix, session)
	if err != nil {
		w.t.Fatal(err)
	}
	message := numberdb.Message{ID: (&numberdb.IDs{}).Next(now), Tenant: "taxi", Session: through, Created: now, Until: now.Add(time.Hour)}
	if _, err := w.store.Commit(w.t.Context(), &numberdb.Writes{Messages: []numberdb.Message{message}}); err != nil {
		w.t.Fatal(err)
	}
	call := numberdb.Call{ID: (&numberdb.IDs{}).Next(now), Tenant: "taxi", Session: through, Node: "edge", Created: now, Until: now.Add(time.Hour)}
	if _, err := w.store.Commit(w.t.Context(), &numberdb.Writes{Calls: []numberdb.Call{call}}); err != nil {
		w.t.Fatal(err)
	}
	verification := numberdb.Verification{
		ID: (&numberdb.IDs{}).Next(now), Tenant: "taxi", Workflow: 1, To: e164.MustParse("+447700900303"), Prefix: "44770", Digits: 6, Round: 1, Rounds: 1, Most: 5,
		Created: now, Expires: now.Add(time.Minute), Until: now.Add(time.Hour), Code: "123456",
	}
	if err := w.store.AddVerification(w.t.Context(), &verification, numberdb.VerificationLimit{}, nil); err != nil {
		w.t.Fatal(err)
	}
	return map[string]string{
		"/v1/sessions/": session, "/v1/leases/": session, "/v1/pools/": "cabs", "/v1/numbers/": "+442079460011",
		"/v1/keys/": made("/v1/keys", `{"role":"read-only"}`), "/v1/workflows/": made("/v1/workflows", `{"name":"x","template":"{code}","pool":"uk"}`),
		"/v1/webhook-endpoints/": made("/v1/webhook-endpoints", `{"url":"https://93.184.216.34/hook"}`),
		"/v1/consents/":          made("/v1/consents", `{"number":"+447700900303","text":"yes","method":"checkbox"}`),
		"/v1/calls/":             call.ID.Text(numberdb.CallPrefix),
		"/v1/messages/":          message.ID.Text(numberdb.MessagePrefix), "/v1/verifications/": verification.ID.Text(numberdb.VerificationPrefix),
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

// Hostile paths, queries and fields of the header on every operation: nothing breaks,
// nothing is found, nothing is repeated.
func TestHostileAddressesOnEveryOperation(t *testing.T) { served(t).hostileAddresses() }

func (w *web) hostileAddresses() {
	t := w.t
	t.Helper()
	const canary = "canary447700900999"
	texts := map[string]string{
		"SQL": "' OR 1=1; DROP TABLE sessions; --" + canary, "traversal": "../../../../etc/passwd" + canary, "lines": canary + "\r\nSet-Cookie: a=b\r\n\r\nx",
		"NUL": canary + "\x00", "no UTF-8": canary + "\xff\xfe", "long": strings.Repeat(canary, 300), "a template": "{{.}}${jndi:x}%s%n" + canary,
	}
	count := 0
	w.contract.operations(func(id, method, path string, fields []string) {
		known := w.contract.pathOf(path)
		for name, text := range texts {
			hostile := url.PathEscape(text)
			asked := []string{strings.Replace(path, "ses_0d2k9x4m1qz7c", hostile, 1)}
			if method == http.MethodGet {
				asked = append(asked, path+"?"+hostile+"="+hostile)
				for _, p := range w.contract.Paths[known]["get"].Parameters {
					if p.In == "query" {
						asked = append(asked, path+"?"+p.Name+"="+url.QueryEscape(text))
					}
				}
			}
			for _, at := range asked {
				if at == path { // it names nothing
					continue
				}
				count++
				g := w.ask(method, at, "{}", fields...)
				nothing := g.status == http.StatusOK && strings.HasPrefix(g.text, `{"data":[]`)
				if !nothing && (g.status < 400 || g.status >= 500) {
					t.Errorf("%s, %s: %d %.200s", id, name, g.status, g.text)
				}
				if strings.Contains(g.text, "canary") || strings.Contains(fmt.Sprint(g.header), "canary") || g.header.Get("Set-Cookie") != "" {
					t.Errorf("%s, %s: repeated: %v %.300s", id, name, g.header, g.text)
				}
			}
			for i := 0; i < len(fields); i += 2 {
				if strings.ContainsAny(text, "\r\n\x00") { // nothing that is HTTP holds those
					continue
				}
				own := slices.Clone(fields)
				own[i+1] = text
				if g := w.ask(method, path, "{}", own...); g.status < 400 || g.status >= 500 || strings.Contains(g.text+fmt.Sprint(g.header), "canary") {
					t.Errorf("%s with %s in %s: %d %v %.200s", id, name, fields[i], g.status, g.header, g.text)
				}
			}
		}
	})
	if count < 200 {
		t.Errorf("%d requests", count)
	}
	for place, text := range map[string]string{"log": string(w.log.bytes()), "metrics": w.get("/metrics").body} {
		if strings.Contains(text, "canary") {
			t.Errorf("what was sent is in the %s", place)
		}
	}
}
