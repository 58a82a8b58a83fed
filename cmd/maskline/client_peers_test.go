//go:build peers

package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskline/api/webhook"
	"maskline/numberdb"
)

const inTypeScript = "../../clients/typescript"

// node runs a script of the TypeScript client; the error is that of its exit.
func node(t *testing.T, env []string, in string, script ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", script...)
	cmd.Dir, cmd.Env, cmd.Stdin = inTypeScript, append(os.Environ(), env...), strings.NewReader(in)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

func TestTheTypeScriptClient(t *testing.T) {
	for name, c := range map[string]struct {
		lose, asked int64 // answers that get lost, and how often the edge is asked
		config      string
	}{
		"calls": {}, "lost": {lose: 2, asked: 4}, "once": {lose: 1, asked: 1}, "events": {},
		"limited": {config: `listen: "127.0.0.1:0", limits: {rps: 2}`},
	} {
		t.Run(name, func(t *testing.T) {
			config := twoTenants
			if c.config != "" {
				config = strings.Replace(config, `listen: "127.0.0.1:0"`, c.config, 1)
			}
			w := servedWith(t, config)
			y := newWay(t, w)
			y.lose.Store(c.lose)
			if out, err := node(t, []string{"MASKLINE_API=" + y.URL, "MASKLINE_KEY=" + w.as("shop", "owner").key}, "", "test/edge.mjs", name); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if c.asked > 0 && y.asked.Load() != c.asked {
				t.Errorf("the edge was asked %d times", y.asked.Load())
			}
		})
	}
}

func TestTheTypeScriptClientReadsWebhooks(t *testing.T) {
	secret, old, ed, now := webhook.NewSecret(false), webhook.NewSecret(false), webhook.NewSecret(true), time.Now()
	const body = `{"id":"evt_1","type":"session.created","data":{"label":"Zoë"}}`
	for name, c := range map[string]struct {
		by      numberdb.WebhookSecret
		secrets string
		at      time.Time
		body    string
		right   bool
	}{
		"hmac":             {secret, webhook.Shown(&secret), now, body, true},
		"during rotations": {old, webhook.Shown(&secret) + " " + webhook.Shown(&old), now, body, true},
		"ed25519":          {ed, webhook.Shown(&ed), now, body, true},
		"another secret":   {old, webhook.Shown(&secret), now, body, false},
		"another body":     {secret, webhook.Shown(&secret), now, strings.Replace(body, "evt_1", "evt_2", 1), false},
		"too old":          {secret, webhook.Shown(&secret), now.Add(-6 * time.Minute), body, false},
		"no secret":        {secret, "whsec_", now, body, false},
	} {
		env := []string{
			"ID=evt_1", "TIMESTAMP=" + strconv.FormatInt(c.at.Unix(), 10), "SECRETS=" + c.secrets,
			"SIGNATURE=" + webhook.Sign([]numberdb.WebhookSecret{c.by}, "evt_1", c.at, []byte(body)),
		}
		if out, err := node(t, env, c.body, "test/edge.mjs", "webhook"); (err == nil) != c.right || strings.Contains(out, "Cannot find") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestTheExampleInTypeScript(t *testing.T) {
	w := served(t)
	y := newWay(t, w)
	shop := w.as("shop", "integrator")
	order := func() string {
		began := time.Now()
		out, err := node(t, []string{"MASKLINE_API=" + y.URL, "MASKLINE_KEY=" + shop.key, "PATIENCE=1000"}, "", "examples/order.mjs", "order-17", "+447700900101", "+447700900202")
		if err != nil || time.Since(began) > 10*time.Second {
			t.Errorf("after %v: %v\n%s", time.Since(began), err, out)
		}
		return out
	}
	const desk = "dial +441632960000 (the service desk)"
	y.hold.Store(true)
	if got := order(); got != desk {
		t.Errorf("while the edge is slow: %s", got)
	}
	y.hold.Store(false)
	if mask := order(); !strings.HasPrefix(mask, "dial +4420794600") || order() != mask {
		t.Errorf("while it works: %s", mask)
	}
	y.Close()
	if got := order(); got != desk {
		t.Errorf("while it is stopped: %s", got)
	}
}

// The receiver that the guide shows takes what an edge posts.
func TestTheReceiverInTypeScript(t *testing.T) {
	w := servedWith(t, strings.Replace(twoTenants, `listen: "127.0.0.1:0"`, `listen: "127.0.0.1:0", webhooks: {allow_private: [127.0.0.0/8]}`, 1))
	shop, addr := w.as("shop", "integrator"), freeAddrs(t, 1)[0]
	made := shop.ask(http.MethodPost, "/v1/webhook-endpoints", `{"url":"http://`+addr+`/hook"}`).want(http.StatusCreated)
	secrets, _ := made.body["secrets"].([]any)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "node_modules"), 0o700); err != nil {
		t.Fatal(err)
	}
	client, err := filepath.Abs(inTypeScript)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(client, filepath.Join(dir, "node_modules", "maskline-client")); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "receiver.mjs")
	if err := os.WriteFile(program, []byte(readPage(t, inTypeScript, "examples/receiver.mjs")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", program, strings.TrimPrefix(addr, "127.0.0.1:"))
	cmd.Env = append(os.Environ(), "SECRET="+secrets[0].(map[string]any)["secret"].(string))
	var out logBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	w.eventually("the receiver to take a test", func() bool {
		return shop.ask(http.MethodPost, "/v1/webhook-endpoints/"+made.field("id")+"/test", "").body["ok"] == true
	})
	shop.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "1").want(http.StatusCreated)
	w.eventually("the receiver to print an event", func() bool { return strings.Contains(string(out.bytes()), `session.created {"session_id":"ses_`) })
}

// A program in strict TypeScript compiles against the types.
func TestTheTypesOfTheTypeScriptClient(t *testing.T) {
	modules, err := filepath.Abs("../../testbench/interop/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	client, err := filepath.Abs(inTypeScript)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program, err := os.ReadFile(filepath.Join(client, "test", "types.ts"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "node_modules"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"maskline-client": client, "@types": filepath.Join(modules, "@types"), "undici-types": filepath.Join(modules, "undici-types")} {
		if err := os.Symlink(to, filepath.Join(dir, "node_modules", name)); err != nil {
			t.Fatal(err)
		}
	}
	_, shown, found := strings.Cut(readPage(t, "../..", "docs/clients.md"), "\n```ts\n")
	shown, _, _ = strings.Cut(shown, "```")
	if !found {
		t.Fatal("the page shows no code")
	}
	shown += "declare const customer: string, driver: string;\ndeclare function tell(whom: string, mask: string): void;\ndeclare function serviceDesk(whom: string): void;\n"
	for name, text := range map[string]string{"program.mts": string(program), "page.mts": shown} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(modules, "typescript", "bin", "tsc"),
		"--strict", "--target", "es2022", "--module", "nodenext", "--types", "node", "--noEmit", "--preserveSymlinks", "program.mts", "page.mts")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
