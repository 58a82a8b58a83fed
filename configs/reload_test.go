package configs

import (
	"slices"
	"strings"
	"testing"
)

const reloadBase = `tenants: [{name: shop}]
log: {level: info}
smpp:
  listen: [{addr: "127.0.0.1:2775"}]
  accounts:
    - {system_id: shop, password: pw1, tenant: shop, tps: 5}
    - {system_id: kiosk, password: pw1, tenant: shop}
    - {system_id: echo, password: pw1, carrier: echo}
carriers:
  - name: alfa
    smpp:
      - {addr: "127.0.0.1:2776", system_id: us, password: pw2}
      - {addr: "127.0.0.1:2777", system_id: us, password: pw2}
  - {name: bravo, sip: [{addr: "udp://127.0.0.1:5071"}]}
  - {name: charlie, sip: [{addr: "udp://127.0.0.1:5074"}]}
  - {name: echo}
sip: {listen: [{addr: "udp://127.0.0.1:5060"}]}
routing:
  emergency: {trunk: bravo}
  opt_out: {words: {default: [STOP]}}
` + rulesBefore

const (
	rulesBefore = "  rules: [{name: a, when: {text: [one]}}, {name: b, when: {text: [three]}}]\n"
	rulesAfter  = "  rules: [{name: b, when: {text: [three]}}, {name: a, when: {text: [one]}}]\n"
)

func parsed(t *testing.T, text string) *Config {
	t.Helper()
	cfg, err := Parse("edge.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestMerge(t *testing.T) {
	cases := []struct {
		name, old, new   string // parts of the file
		applied, restart string
	}{
		{"nothing", "", "", "", ""},
		{"log level", "level: info", "level: debug", "log.level", ""},
		{"password", "shop, password: pw1", "shop, password: pw9", "smpp.accounts[shop].password", ""},
		{"rate and window", "tps: 5", "tps: 6, window: 9", "smpp.accounts[shop].window smpp.accounts[shop].tps", ""},
		{"account added", "    - {system_id: kiosk", "    - {system_id: stall, password: pw1, tenant: shop}\n    - {system_id: kiosk", "smpp.accounts[stall] (added)", ""},
		{"account removed", "    - {system_id: kiosk, password: pw1, tenant: shop}\n", "", "smpp.accounts[kiosk] (removed)", ""},
		{"account of another tenant", "tenants: [{name: shop}]", "tenants: [{name: shop}, {name: mall}]", "tenants[mall] (added)", ""},
		{"account of a carrier with SMPP", "    - {system_id: kiosk", "    - {system_id: in, password: p, carrier: alfa}\n    - {system_id: kiosk", "smpp.accounts[in] (added)", ""},
		{"account of a carrier without", "    - {system_id: kiosk", "    - {system_id: in, password: p, carrier: bravo}\n    - {system_id: kiosk", "", "smpp.accounts[in] (added)"},
		{"credentials", `2776", system_id: us, password: pw2`, `2776", system_id: we, password: pw3`, "carriers[alfa].smpp[0].system_id carriers[alfa].smpp[0].password", ""},
		{"credentials of another address", `2776", system_id: us, password: pw2`, `2779", system_id: us, password: pw3`, "", "carriers[alfa].smpp[0]"},
		{"window of a carrier", `2777", system_id: us`, `2777", system_id: us, window: 9`, "", "carriers[alfa].smpp[1].window"},
		{"rate of a carrier", "  - name: alfa\n", "  - name: alfa\n    tps: 50\n", "carriers[alfa].tps", ""},
		{"bind removed", "      - {addr: \"127.0.0.1:2777\", system_id: us, password: pw2}\n", "", "", "carriers[alfa].smpp[1] (removed)"},
		{"carrier added", "  - {name: bravo", "  - {name: delta, smpp: [{addr: \"127.0.0.1:2778\", system_id: us}]}\n  - {name: bravo", "", "carriers[delta] (added)"},
		{"carrier with calls alone added", "  - {name: bravo", "  - {name: delta, sip: [{addr: \"udp://127.0.0.1:5072\"}]}\n  - {name: bravo", "carriers[delta] (added)", ""},
		{"carrier with calls alone removed", "  - {name: charlie, sip: [{addr: \"udp://127.0.0.1:5074\"}]}\n", "", "carriers[charlie] (removed)", ""},
		{"carrier of emergency calls removed", "  - {name: bravo, sip: [{addr: \"udp://127.0.0.1:5071\"}]}\n", "", "", "carriers[bravo] (removed) routing.emergency.trunk"},
		{"rank and destinations", "name: bravo, ", "name: bravo, priority: 7, weight: 2, prefixes: [\"44\"], cost: 0.1, country: GB, mask_tps: 9, ", "carriers[bravo].country carriers[bravo].priority carriers[bravo].weight carriers[bravo].prefixes carriers[bravo].cost", "carriers[bravo].mask_tps"},
		{"trunk", "udp://127.0.0.1:5071", "udp://127.0.0.1:5072", "carriers[bravo].sip", ""},
		{"trunk added", `[{addr: "udp://127.0.0.1:5071"}]`, `[{addr: "udp://127.0.0.1:5071"}, {addr: "udp://127.0.0.1:5073", cps: 5}]`, "carriers[bravo].sip", ""},
		{"peer added", `5060"}]}`, `5060"}], peers: [{tenant: shop, addr: "udp://127.0.0.1:5090"}]}`, "sip.peers", ""},
		{"SIP listener", `5060"}]`, `5062"}]`, "", "sip.listen[0].addr"},
		{"listener", `listen: [{addr: "127.0.0.1:2775"}]`, `listen: [{addr: "127.0.0.1:2774"}]`, "", "smpp.listen[0]"},
		{"TLS of a listener", `listen: [{addr: "127.0.0.1:2775"}]`, `listen: [{addr: "127.0.0.1:2775", tls: {cert: c.pem, key: k.pem}}]`, "smpp.listen[0].tls", ""},
		{"rules", rulesBefore, strings.Replace(rulesBefore, "text: [one]", "text: [two]", 1), "routing.rules", ""},
		{"rules in another order", rulesBefore, rulesAfter, "routing.rules", ""},
		{"opt-out words of all", "words: {default: [STOP]}", "words: {default: [STOP, HALT]}", "tenants[shop].opt_out.words routing.opt_out.words", ""},
		{"opt-out words of one", "tenants: [{name: shop}]", "tenants: [{name: shop, opt_out: {words: {default: [BASTA]}, scope: session}}]", "tenants[shop].opt_out.scope tenants[shop].opt_out.words", ""},
		{"what words are answered", "words: {default: [STOP]}}", "words: {default: [STOP]}, replies: [{stop: Bye}]}", "tenants[shop].opt_out.replies routing.opt_out.replies", ""},
		{"opt-outs kept", "words: {default: [STOP]}}", "words: {default: [STOP]}}\n  max_opt_outs: 5", "routing.max_opt_outs", ""},
		{"what people hear", "routing:\n", "media: {prompts: own}\nrouting:\n  voice: {ring: 20s, accept: press_1}\n", "media.prompts routing.voice", ""},
		{"both kinds", "level: info}", "level: warn}\ndrain: {sms: 1s}", "log.level", "drain.sms"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(reloadBase, c.old) {
				t.Fatal("the case changes nothing")
			}
			file := strings.Replace(reloadBase, c.old, c.new, 1)
			if c.name == "carrier of emergency calls removed" {
				file = strings.Replace(file, "  emergency: {trunk: bravo}\n", "", 1)
			}
			running, next := parsed(t, reloadBase), parsed(t, file)
			merged, changes := Merge(running, next)
			if got := split(changes.Applied); got != c.applied {
				t.Errorf("applied %q, want %q", got, c.applied)
			}
			if got := split(changes.Restart); got != c.restart {
				t.Errorf("restart %q, want %q", got, c.restart)
			}
			// What was applied is no change any more, what was not still is.
			_, again := Merge(merged, next)
			if len(again.Applied) != 0 || !slices.Equal(again.Restart, changes.Restart) {
				t.Errorf("merged again: %+v", again)
			}
			if _, untouched := Merge(running, parsed(t, reloadBase)); len(untouched.Applied)+len(untouched.Restart) != 0 {
				t.Errorf("the running configuration was changed: %+v", untouched)
			}
		})
	}
}

// Without a listener there is nothing to reach a trunk from.
func TestMergeLeavesTrunksWithoutAListener(t *testing.T) {
	const accounts = "smpp: {listen: [{addr: \"127.0.0.1:2775\"}], accounts: [{system_id: a, password: p, carrier: alfa}]}\n"
	before := accounts + "carriers: [{name: alfa}]\n"
	after := accounts + "carriers: [{name: alfa, sip: [{addr: \"udp://127.0.0.1:5071\"}]}, {name: bravo, sip: [{addr: \"udp://127.0.0.1:5072\"}]}]\n" +
		"sip: {listen: [{addr: \"udp://127.0.0.1:5060\"}]}\n"
	_, changes := Merge(parsed(t, before), parsed(t, after))
	if split(changes.Applied) != "" || split(changes.Restart) != "sip.listen[0] (added) carriers[alfa].sip carriers[bravo] (added)" {
		t.Errorf("%+v", changes)
	}
}

func split(list []string) string { return strings.Join(list, " ") }

// An account that moves to another tenant takes nothing else along.
func TestMergeLeavesAMovedAccountWhole(t *testing.T) {
	moved := strings.Replace(reloadBase, "tenants: [{name: shop}]", "tenants: [{name: shop}, {name: mall}]", 1)
	moved = strings.Replace(moved, "{system_id: shop, password: pw1, tenant: shop", "{system_id: shop, password: pw9, tenant: mall", 1)
	merged, changes := Merge(parsed(t, reloadBase), parsed(t, moved))
	if split(changes.Restart) != "smpp.accounts[shop]" || merged.SMPP.Accounts[0].Password.Reveal() != "pw1" {
		t.Errorf("%+v", changes)
	}
}
