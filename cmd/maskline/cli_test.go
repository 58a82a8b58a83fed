package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"maskline/api"
)

// TestMain is the program itself where a test runs it as a command.
func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

const asCommand = "MASKLINE_TEST_COMMAND"

const testConfig = `
data_dir: data
tenants: [{name: shop}]
api: {listen: "127.0.0.1:0"}
smpp:
  listen: [{addr: "127.0.0.1:0"}]
  accounts: [{system_id: shop, password: "${SHOP_PW}", tenant: shop}]
carriers:
  - {name: alfa, priority: 10, prefixes: ["44"], smpp: [{addr: "127.0.0.1:1", system_id: us, password: "${ALFA_PW}"}]}
  - {name: bravo, priority: 20, smpp: [{addr: "127.0.0.1:2", system_id: us, password: x}]}
`

const testBindings = `mask,party,to,present,services,carriers,expires_at,tenant
+442079460011,+447700900101,tel:+447700900202,+442079460022,sms+voice,,,shop
+442079460033,*,smpp:shop,+442079460033,sms,,2030-01-01T00:00:00Z,shop
`

// cli runs commands in a folder of their own with a configuration in it.
type cli struct {
	t   *testing.T
	dir string
}

func newCLI(t *testing.T) *cli {
	t.Helper()
	c := &cli{t: t, dir: t.TempDir()}
	c.write("edge.yaml", testConfig)
	c.write("routes.csv", testBindings)
	return c
}

func (c *cli) path(name string) string { return filepath.Join(c.dir, name) }

func (c *cli) write(name, content string) {
	c.t.Helper()
	if err := os.WriteFile(c.path(name), []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// run returns the exit code and what was written to the two outputs.
func (c *cli) run(args ...string) (code int, out, errs string) {
	c.t.Helper()
	for i, a := range args {
		if strings.HasSuffix(a, ".yaml") || strings.HasSuffix(a, ".csv") {
			args[i] = c.path(a)
		}
	}
	env := map[string]string{"SHOP_PW": "s3cret", "ALFA_PW": "h1dden"}
	var stdout, stderr bytes.Buffer
	code = run(args, console{strings.NewReader(""), &stdout, &stderr, func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}, func(int) { c.t.Error("the process would have been ended") }})
	return code, stdout.String(), strings.ReplaceAll(stderr.String(), c.dir+"/", "")
}

// ok runs a command that has to succeed.
func (c *cli) ok(args ...string) string {
	c.t.Helper()
	code, out, errs := c.run(args...)
	if code != 0 {
		c.t.Fatalf("%v: exit %d: %s", args, code, errs)
	}
	return out
}

func TestCheck(t *testing.T) {
	c := newCLI(t)
	out := c.ok("check", "edge.yaml")
	for _, want := range []string{`system_id: "shop"`, "answer_within: 10s", "name: alfa"} {
		if !strings.Contains(out, want) {
			t.Errorf("the effective configuration lacks %q", want)
		}
	}
	for _, secret := range []string{"s3cret", "h1dden"} {
		if strings.Contains(out, secret) {
			t.Error("a secret is shown")
		}
	}
	c.write("edge.yaml", strings.Replace(strings.Replace(testConfig, "priority: 10", "priorty: 10", 1), "tenant: shop}", "tenant: shap}", 1))
	code, out, errs := c.run("check", "edge.yaml")
	if code != 1 || out != "" {
		t.Fatalf("exit %d, %q", code, out)
	}
	for _, want := range []string{"edge.yaml:7: smpp.accounts[0].tenant", "edge.yaml:9: carriers[0].priorty"} {
		if !strings.Contains(errs, want) {
			t.Errorf("no fault at %q in:\n%s", want, errs)
		}
	}
}

func TestUsage(t *testing.T) {
	c := newCLI(t)
	for _, args := range [][]string{{}, {"nonsense"}, {"serve"}, {"routes", "import"}, {"route", "1", "2", "--sms", "--voice", "--config", "edge.yaml"}} {
		if code, _, errs := c.run(args...); code == 0 || errs == "" {
			t.Errorf("%v: exit %d, %q", args, code, errs)
		}
	}
	if out := c.ok("--help"); !strings.Contains(out, "routes") {
		t.Errorf("help says %q", out)
	}
	if out := c.ok("--version"); !strings.Contains(out, version) {
		t.Errorf("version says %q", out)
	}
}

func TestImportOfOne(t *testing.T) {
	c := newCLI(t)
	c.ok("migrate", "--config", "edge.yaml")
	c.write("one.csv", "mask,party,to,present,services,carriers,expires_at\n"+
		"+442079460044,*,tel:+447700900303,+442079460044,sms,,\n")
	if out := c.ok("routes", "import", "one.csv", "--config", "edge.yaml"); out != "imported 1 binding\n" {
		t.Errorf("import says %q", out)
	}
}

func TestImportAndExport(t *testing.T) {
	c := newCLI(t)
	if out := c.ok("migrate", "--config", "edge.yaml"); out != "the schema is up to date\n" {
		t.Errorf("migrate says %q", out)
	}
	if out := c.ok("routes", "import", "routes.csv", "--config", "edge.yaml"); out != "imported 2 bindings\n" {
		t.Errorf("import says %q", out)
	}
	if out := c.ok("routes", "export", "--config", "edge.yaml"); out != testBindings {
		t.Fatalf("export differs:\n%s", out)
	}
	// One bad row keeps the good one out too.
	c.write("bad.csv", "mask,party,to,present,services,carriers,expires_at\n"+
		"+442079460044,*,tel:+447700900303,+442079460044,sms,,\n"+
		"+442079460055,*,tel:12,+442079460055,sms,charlie,\n")
	code, _, errs := c.run("routes", "import", "bad.csv", "--config", "edge.yaml")
	if code != 1 || !strings.Contains(errs, "nothing of it was applied") || !strings.Contains(errs, "line 3, column 17 (to)") || !strings.Contains(errs, "(carriers)") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if out := c.ok("routes", "export", "--config", "edge.yaml"); out != testBindings {
		t.Fatalf("a refused file changed the store:\n%s", out)
	}
	if code, _, errs = c.run("routes", "import", "none.csv", "--config", "edge.yaml"); code == 0 || errs == "" {
		t.Error("a missing file was imported")
	}
}

var ruleLines = regexp.MustCompile(`(?m)^rule .*\n`)

func TestRoute(t *testing.T) {
	c := newCLI(t)
	c.ok("routes", "import", "routes.csv", "--config", "edge.yaml")
	cases := []struct {
		name string
		args []string
		want string
	}{
		{"own binding", []string{"+447700900101", "442079460011"}, `
verdict       forward
binding       of this party
tenant        shop
presented as  +442079460022
destination   tel:…02
carrier 1     alfa   fit, prefix 44
carrier 2     bravo  fit, prefix *
no edge runs on this data_dir: carriers are taken to be up
`},
		{"as people write", []string{"+44 7700 900-101", "44.20.7946.0033"}, `
verdict       forward
binding       public
tenant        shop
presented as  +442079460033
destination   smpp:shop
`},
		{"revealed", []string{"+447700900101", "442079460011", "--reveal", "--voice"}, `
verdict       no_carrier
binding       of this party
tenant        shop
presented as  +442079460022
destination   tel:+447700900202
carrier -     alfa   no service, prefix 44
carrier -     bravo  no service, prefix *
no edge runs on this data_dir: carriers are taken to be up
`},
		{"public", []string{"none", "442079460033"}, `
verdict       forward
binding       public
tenant        shop
presented as  +442079460033
destination   smpp:shop
`},
		{"stranger", []string{"+447700900999", "442079460011", "--voice"}, `
verdict  out_of_session
answer   SIP 404
`},
		{"outbound", []string{"442079460033", "+33612345678", "--tenant", "shop"}, `
verdict       forward
binding       the tenant's own mask, outbound
tenant        shop
presented as  +442079460033
destination   tel:…78
carrier 1     bravo  fit, prefix *
carrier -     alfa   prefix not served
no edge runs on this data_dir: carriers are taken to be up
`},
		{"emergency", []string{"442079460033", "112", "--voice", "--tenant", "shop"}, `
verdict  emergency_refused
`},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			got := ruleLines.ReplaceAllString(c.ok(append(append([]string{"route"}, k.args...), "--config", "edge.yaml")...), "")
			if got != k.want[1:] {
				t.Fatalf("got:\n%s", got)
			}
		})
	}
	for _, reveal := range []bool{false, true} {
		args := []string{"route", "+447700900101", "442079460011", "--json", "--config", "edge.yaml"}
		want := "tel:…02"
		if reveal {
			args, want = append(args, "--reveal"), "tel:+447700900202"
		}
		var got api.Explanation
		if err := json.Unmarshal([]byte(c.ok(args...)), &got); err != nil || got.Verdict != "forward" || got.Destination != want || len(got.Carriers) != 2 {
			t.Errorf("as JSON: %v, %+v", err, got)
		}
	}
	for _, args := range [][]string{{"12", "442079460011"}, {"+447700900101", "x"}} {
		if code, _, errs := c.run(append(append([]string{"route"}, args...), "--config", "edge.yaml")...); code != 1 || !strings.HasPrefix(errs, "maskline: ") {
			t.Errorf("%v: exit %d, %q", args, code, errs)
		}
	}
}
