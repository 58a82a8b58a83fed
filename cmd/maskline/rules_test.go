package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"maskline/api"
)

const ruledConfig = testConfig + `
routing:
  rules:
    - {name: prizes, when: {direction: inbound, text: [you won]}, status: 0x66}
    - {name: names, when: {sender: alphanumeric}, then: drop}
`

// rulesOf is what maskline route says of the rules.
func rulesOf(out string) map[string]string {
	all := map[string]string{}
	for _, line := range ruleLines.FindAllString(out, -1) {
		name, said, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "rule "), " ")
		all[name] = strings.TrimSpace(said)
	}
	return all
}

func TestRouteShowsTheRules(t *testing.T) {
	c := newCLI(t)
	c.write("edge.yaml", ruledConfig)
	c.ok("routes", "import", "routes.csv", "--config", "edge.yaml")
	c.ok("blocks", "add", "--party", "+447700900909", "--config", "edge.yaml")
	cases := []struct {
		name string
		args []string
		want map[string]string
	}{
		{"nothing to say", []string{"+447700900101", "442079460011", "--text", "hello"}, map[string]string{
			"emergency": "passes", "rule:prizes": "passes", "carriers": "passes",
		}},
		{"an opt-out word", []string{"+447700900101", "442079460011", "--text", " Stop. "}, map[string]string{
			"opt_out_words": "keeps the word: opt_out", "binding": "not asked",
		}},
		{"a blocked party", []string{"+447700900909", "442079460033"}, map[string]string{
			"binding": "passes", "block": "refuses: blocked", "carriers": "not asked",
		}},
		{"a text", []string{"+447700900101", "442079460011", "--text", "You won!"}, map[string]string{
			"rule:prizes": "refuses: rule", "rule:names": "not asked",
		}},
		{"a name", []string{"Prize4U", "442079460033"}, map[string]string{"rule:names": "acknowledges and drops: rule"}},
	}
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			got := rulesOf(c.ok(append(append([]string{"route"}, k.args...), "--config", "edge.yaml")...))
			for rule, said := range k.want {
				if got[rule] != said {
					t.Errorf("%s said %q, want %q", rule, got[rule], said)
				}
			}
		})
	}
	again := rulesOf(c.ok("route", "442079460022", "+447700900101", "--tenant", "shop", "--config", "edge.yaml"))
	if strings.Contains(again["opt_out"], "opted_out") {
		t.Error("a dry run kept the opt-out")
	}
}

func TestBlocks(t *testing.T) {
	c := newCLI(t)
	if out := c.ok("blocks", "list", "--config", "edge.yaml"); out != "party  mask  tenant  since\n" {
		t.Fatalf("an empty list:\n%s", out)
	}
	c.ok("blocks", "add", "--party", "+447700900101", "--config", "edge.yaml")
	c.ok("blocks", "add", "--mask", "442079460011", "--party", "447700900202", "--tenant", "shop", "--config", "edge.yaml")
	want := []api.Block{{Party: "+447700900101"}, {Party: "+447700900202", Mask: "+442079460011", Tenant: "shop"}}
	got := c.listBlocks()
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Fatalf("listed %+v", got)
	}
	c.ok("blocks", "remove", "--party", "447700900101", "--config", "edge.yaml")
	if got := c.listBlocks(); len(got) != 1 || got[0] != want[1] {
		t.Fatalf("left %+v", got)
	}
	for _, args := range [][]string{
		{"add"},
		{"add", "--party", "12"},
		{"add", "--party", "+447700900101", "--tenant", "nobody"},
		{"remove", "--party", "+447700900101"},
	} {
		code, _, errs := c.run(append(append([]string{"blocks"}, args...), "--config", "edge.yaml")...)
		if code != 1 || !strings.HasPrefix(errs, "maskline: ") || strings.Contains(errs, "447700900101") {
			t.Errorf("%v: exit %d, %q", args, code, errs)
		}
	}
}

// listBlocks gives the blocks without their times.
func (c *cli) listBlocks() (all []api.Block) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.ok("blocks", "list", "--json", "--config", "edge.yaml")), &all); err != nil {
		c.t.Fatal(err)
	}
	for i := range all {
		if all[i].Since.IsZero() {
			c.t.Error("a block without a time")
		}
		all[i].Since = time.Time{}
	}
	return all
}
