//go:build peers

package webhooks

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskline/api/webhook"
	"maskline/numberdb"
)

// signed is a post as an edge makes it.
type signed struct{ secret, id, timestamp, signature, body string }

func post() signed {
	secret, body, now := webhook.NewSecret(false), `{"id":"evt_1","type":"session.created","data":{"label":"Zoë"}}`, time.Now()
	return signed{
		webhook.Shown(&secret), "evt_1", strconv.FormatInt(now.Unix(), 10),
		webhook.Sign([]numberdb.WebhookSecret{webhook.NewSecret(true), webhook.NewSecret(false), secret}, "evt_1", now, []byte(body)), body,
	}
}

// cases are posts and whether they are right.
func cases() map[string]struct {
	signed
	right bool
} {
	right, body, old, other := post(), post(), post(), post()
	body.body = strings.Replace(body.body, "created", "closed", 1)
	old.timestamp = strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
	other.secret = post().secret
	none := post()
	none.signature = ""
	return map[string]struct {
		signed
		right bool
	}{"right": {right, true}, "another body": {body, false}, "old": {old, false}, "another secret": {other, false}, "not signed": {none, false}}
}

// wants runs a verifier for each case: it exits 0 where the post is right.
func wants(t *testing.T, dir string, command ...string) {
	t.Helper()
	for name, c := range cases() {
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "SECRET="+c.secret, "ID="+c.id, "TIMESTAMP="+c.timestamp, "SIGNATURE="+c.signature)
		cmd.Stdin = strings.NewReader(c.body)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); (err == nil) != c.right || strings.Contains(out.String(), "Cannot find") {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
}

// guide is the code of the guide in a language.
func guide(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)<!-- verified -->\n```" + language + "\n(.*?)```").FindSubmatch(text)
	if found == nil {
		t.Fatalf("the guide has no code in %s", language)
	}
	return string(found[1])
}

// node is a folder in which node finds the packages of the interop tests.
func node(t *testing.T) string {
	t.Helper()
	modules, err := filepath.Abs("../node_modules")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir string, command ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
}

const goMain = `
func main() {
	r, _ := http.NewRequest(http.MethodPost, "/", os.Stdin)
	for name, value := range map[string]string{"webhook-id": "ID", "webhook-timestamp": "TIMESTAMP", "webhook-signature": "SIGNATURE"} {
		r.Header.Set(name, os.Getenv(value))
	}
	if _, err := verify(os.Getenv("SECRET"), r); err != nil {
		os.Exit(1)
	}
}
`

const tsMain = `
import { readFileSync } from "node:fs";
const headers = { "webhook-id": process.env.ID, "webhook-timestamp": process.env.TIMESTAMP, "webhook-signature": process.env.SIGNATURE };
verify(process.env.SECRET ?? "", headers, readFileSync(0));
`

const libraryMain = `
const { Webhook } = require("standardwebhooks");
const headers = { "webhook-id": process.env.ID, "webhook-timestamp": process.env.TIMESTAMP, "webhook-signature": process.env.SIGNATURE };
new Webhook(process.env.SECRET).verify(require("fs").readFileSync(0).toString("utf8"), headers);
`

// The code that users copy does what it says, in both languages.
func TestCodeOfTheGuide(t *testing.T) {
	t.Run("go", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, "go.mod", "module receiver\n\ngo 1.22\n")
		write(t, dir, "main.go", strings.Replace(guide(t, "go"), `"net/http"`, "\"net/http\"\n\t\"os\"", 1)+goMain)
		run(t, dir, "go", "build", "-o", "receiver", ".")
		wants(t, dir, filepath.Join(dir, "receiver"))
	})
	t.Run("typescript", func(t *testing.T) {
		dir := node(t)
		write(t, dir, "receiver.ts", guide(t, "ts")+tsMain)
		run(t, dir, "node", "node_modules/typescript/bin/tsc", "--strict", "--target", "es2022", "--module", "commonjs", "--types", "node", "receiver.ts")
		wants(t, dir, "node", "receiver.js")
	})
}

func TestTheirNodeLibrary(t *testing.T) {
	dir := node(t)
	write(t, dir, "receiver.js", libraryMain)
	wants(t, dir, "node", "receiver.js")
}

// A verifier of ed25519 of others: that of Node.
func TestEd25519ByNode(t *testing.T) {
	secret, now, body := webhook.NewSecret(true), time.Now(), []byte(`{"a":1}`)
	header := http.Header{}
	header.Set(webhook.HeaderSignature, webhook.Sign([]numberdb.WebhookSecret{secret}, "evt_1", now, body))
	dir := node(t)
	write(t, dir, "ed.js", `
const { createPublicKey, verify } = require("crypto");
const raw = Buffer.from(process.argv[2].replace(/^whpk_/, ""), "base64");
const key = createPublicKey({ key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]), format: "der", type: "spki" });
const signature = Buffer.from(process.argv[3].replace(/^v1a,/, ""), "base64");
process.exit(verify(null, Buffer.from(process.argv[4]), key, signature) ? 0 : 1);
`)
	run(t, dir, "node", "ed.js", webhook.Shown(&secret), header.Get(webhook.HeaderSignature), "evt_1."+strconv.FormatInt(now.Unix(), 10)+`.{"a":1}`)
}
