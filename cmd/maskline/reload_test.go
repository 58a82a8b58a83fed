package main

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// bind binds to the edge as the account shop and returns the status.
func (r *running) bind(password string) pdu.Status {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.smppAddrs()[0].String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	b := pdu.Bind{SystemID: []byte("shop"), Password: []byte(password), InterfaceVersion: pdu.Version34}
	out, err := b.Append(nil, pdu.BindTransceiver, 1)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := conn.Write(out); err != nil {
		r.t.Fatal(err)
	}
	reader := pdu.NewReader(conn, pdu.MaxBound, 1024)
	for {
		frame, err := reader.Next()
		if err != nil {
			r.t.Fatal(err)
		}
		if frame != nil {
			return pdu.ParseHeader(frame).Status
		}
		if _, err := reader.Fill(); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestReloadTellsWhatItDid(t *testing.T) {
	c := newCLI(t)
	r := startEdge(t, c)
	if out := c.ok("reload", "--config", "edge.yaml"); out != "nothing has changed\n" {
		t.Errorf("without a change: %q", out)
	}
	changed := strings.Replace(testConfig, `password: "${SHOP_PW}"`, `password: open`, 1)
	changed = strings.Replace(changed, "priority: 10", "priority: 11, mask_tps: 5", 1)
	changed = strings.Replace(changed, "tenants: [{name: shop}]", "tenants: [{name: shop}, {name: mall}]\nlog: {level: warn}", 1)
	c.write("edge.yaml", changed)
	if s := r.bind("pw"); s != pdu.ROK {
		t.Fatalf("the first password is answered with 0x%02X", uint32(s))
	}
	want := `applied: log.level
applied: tenants[mall] (added)
applied: smpp.accounts[shop].password
applied: carriers[alfa].priority
not applied, needs a restart: carriers[alfa].mask_tps
`
	if out := c.ok("reload", "--config", "edge.yaml"); out != want {
		t.Errorf("told:\n%s", out)
	}
	if s := r.bind("open"); s != pdu.ROK {
		t.Errorf("the new password is answered with 0x%02X", uint32(s))
	}
	if s := r.bind("pw"); s != pdu.RBindFail {
		t.Errorf("the old password is answered with 0x%02X", uint32(s))
	}
	// What needs a restart goes on being told.
	if out := c.ok("reload", "--config", "edge.yaml"); out != "not applied, needs a restart: carriers[alfa].mask_tps\n" {
		t.Errorf("the second time: %q", out)
	}
	c.ok("blocks", "add", "--party", "+447700900101", "--tenant", "mall", "--config", "edge.yaml")
	c.write("mall.csv", strings.Replace(testBindings, "sms+voice,,,shop\n", "sms+voice,,,mall\n", 1))
	if out := c.ok("routes", "import", "mall.csv", "--config", "edge.yaml"); out != "imported 2 bindings\n" {
		t.Errorf("import says %q", out)
	}
}

func TestAFaultyFileIsNotReloaded(t *testing.T) {
	c := newCLI(t)
	r := startEdge(t, c)
	c.write("edge.yaml", strings.Replace(strings.Replace(testConfig, `"${SHOP_PW}"`, "open", 1), "priority: 10", "priority: ten", 1))
	code, out, errs := c.run("reload", "--config", "edge.yaml")
	if code != 1 || out != "" || !strings.Contains(errs, "nothing of it was applied") || !strings.Contains(errs, "carriers[0].priority") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if s := r.bind("pw"); s != pdu.ROK {
		t.Errorf("the password in force is answered with 0x%02X", uint32(s))
	}
}

// The shell of who reloads needs none of the edge's secrets.
func TestReloadNeedsNoSecrets(t *testing.T) {
	c := newCLI(t)
	startEdge(t, c)
	c.write("edge.yaml", strings.ReplaceAll(strings.ReplaceAll(testConfig, "SHOP_PW", "ONLY_THE_EDGE"), "ALFA_PW", "ONLY_THE_EDGE"))
	c.ok("reload", "--config", "edge.yaml")
}

// A partner that binds to us can be cut off without a restart, its carrier too.
func TestReloadRemovesACarriersLastAccount(t *testing.T) {
	with := strings.Replace(testConfig, "tenant: shop}]", "tenant: shop}, {system_id: partner, password: pw, carrier: partner}]", 1)
	with += "  - {name: partner, priority: 30}\n"
	c := newCLI(t)
	c.write("edge.yaml", with)
	startEdge(t, c)
	c.write("edge.yaml", testConfig)
	want := "applied: smpp.accounts[partner] (removed)\nnot applied, needs a restart: carriers[partner] (removed)\n"
	if out := c.ok("reload", "--config", "edge.yaml"); out != want {
		t.Errorf("told:\n%s", out)
	}
}

func TestReloadOfAnotherFile(t *testing.T) {
	c := newCLI(t)
	if code, _, errs := c.run("reload", "--config", "edge.yaml"); code != 1 || !strings.Contains(errs, "no edge runs") {
		t.Errorf("without an edge: exit %d: %s", code, errs)
	}
	startEdge(t, c)
	c.write("other.yaml", testConfig)
	if code, _, errs := c.run("reload", "--config", "other.yaml"); code != 1 || !strings.Contains(errs, "another configuration file") {
		t.Errorf("with another file: exit %d: %s", code, errs)
	}
	if err := os.Symlink(c.path("edge.yaml"), c.path("link.yaml")); err != nil {
		t.Fatal(err)
	}
	c.ok("reload", "--config", "link.yaml")
}

func TestReloadAppliesRules(t *testing.T) {
	c := newCLI(t)
	startEdge(t, c)
	c.ok("routes", "import", "routes.csv", "--config", "edge.yaml")
	asked := func(text string) map[string]string {
		t.Helper()
		return rulesOf(c.ok("route", "+447700900909", "442079460033", "--text", text, "--config", "edge.yaml"))
	}
	if said := asked("BASTA"); said["opt_out_words"] != "passes" {
		t.Fatalf("before: %v", said)
	}
	c.write("edge.yaml", ruledConfig+"  opt_out: {words: {default: [BASTA]}}\n  max_opt_outs: 5\n")
	if out := c.ok("reload", "--config", "edge.yaml"); out != `applied: tenants[shop].opt_out.words
applied: routing.opt_out.words
applied: routing.max_opt_outs
applied: routing.rules
` {
		t.Errorf("told:\n%s", out)
	}
	if said := asked("BASTA"); said["opt_out_words"] != "keeps the word: opt_out" {
		t.Errorf("a new word: %v", said)
	}
	if said := asked("you won"); said["rule:prizes"] != "refuses: rule" {
		t.Errorf("a new rule: %v", said)
	}
}
