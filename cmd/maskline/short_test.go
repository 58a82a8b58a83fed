package main

import (
	"strings"
	"testing"
)

const shortBindings = `mask,party,to,present,services,carriers,expires_at,tenant
44:60123,*,smpp:shop,+442079460033,sms,,,shop
44:60123,+447700900101,tel:+447700900202,44:60123,sms,alfa|bravo,2030-01-01T00:00:00Z,shop
`

func TestShortCodesAtTheCommandLine(t *testing.T) {
	for _, name := range []string{"without an edge", "with an edge"} {
		t.Run(name, func(t *testing.T) {
			c := newCLI(t)
			c.write("edge.yaml", testConfig+"routing: {emergency: {numbers: {DE: [\"11333\"]}}}\n")
			if name == "with an edge" {
				startEdge(t, c)
			}
			c.write("short.csv", shortBindings)
			c.ok("routes", "import", "short.csv", "--config", "edge.yaml")
			if out := c.ok("routes", "export", "--config", "edge.yaml"); out != shortBindings {
				t.Fatalf("export:\n%s", out)
			}
			c.ok("routes", "import", "short.csv", "--country", "GB", "--config", "edge.yaml")
			if out := c.ok("routes", "export", "--config", "edge.yaml"); out != shortBindings {
				t.Errorf("export after an import with --country:\n%s", out)
			}
			c.write("bad.csv", "mask,party,to,present,services,carriers,expires_at\n"+
				"44:999,*,smpp:shop,44:60123,sms,,\n33:11333,*,smpp:shop,44:60123,sms,,\n44:60123,*,tel:+447700900303,44:60123,sms+voice,,\n")
			code, _, errs := c.run("routes", "import", "bad.csv", "--config", "edge.yaml")
			for _, want := range []string{"line 2, column 1 (mask): is dialled in emergencies", "line 3, column 1 (mask): is dialled in emergencies", "line 4, column 39 (services): a short code takes messages only"} {
				if code != 1 || !strings.Contains(errs, want) {
					t.Errorf("exit %d, without %q: %s", code, want, errs)
				}
			}
			for _, k := range []struct {
				args []string
				want []string
			}{
				{[]string{"+447700900101", "44:60123"}, []string{"presented as  44:60123", "destination   tel:…02"}},
				{[]string{"none", "44:60123"}, []string{"binding       public", "destination   smpp:shop"}},
				{[]string{"07700 900101", "44:60123", "--country", "GB"}, []string{"presented as  44:60123"}},
				{[]string{"44:60123", "+447700900303", "--tenant", "shop"}, []string{"the tenant's own mask, outbound", "presented as  44:60123"}},
				{[]string{"44:60123", "07700 900303", "--tenant", "shop", "--country", "GB"}, []string{"the tenant's own mask, outbound"}},
				{[]string{"44:60123", "+447700900303"}, []string{"verdict  unknown_mask"}},
				{[]string{"+447700900101", "33:60123"}, []string{"verdict  unknown_mask"}},
				{[]string{"+447700900101", "44:60123", "--voice"}, []string{"service_off"}},
			} {
				out := c.ok(append(append([]string{"route"}, k.args...), "--config", "edge.yaml")...)
				for _, want := range k.want {
					if !strings.Contains(out, want) {
						t.Errorf("route %v lacks %q:\n%s", k.args, want, out)
					}
				}
			}
			c.ok("blocks", "add", "--mask", "44:60123", "--party", "+447700900101", "--config", "edge.yaml")
			if out := c.ok("blocks", "list", "--config", "edge.yaml"); !strings.Contains(out, "+447700900101  44:60123") {
				t.Errorf("the block of a short code is not listed:\n%s", out)
			}
			if out := c.ok("route", "+447700900101", "44:60123", "--config", "edge.yaml"); !strings.Contains(out, "verdict  blocked") {
				t.Errorf("a blocked party reaches the short code:\n%s", out)
			}
			c.ok("blocks", "remove", "--mask", "44:60123", "--party", "+447700900101", "--config", "edge.yaml")
			if code, _, _ := c.run("blocks", "add", "--party", "44:60123", "--config", "edge.yaml"); code != 1 {
				t.Errorf("a party is a short code: exit %d", code)
			}
			for _, from := range []string{"44:12", "44:7654321", "60123"} {
				if code, _, errs := c.run("route", from, "+447700900303", "--tenant", "shop", "--config", "edge.yaml"); code != 1 || strings.Contains(errs, from) {
					t.Errorf("exit %d: %s", code, errs)
				}
			}
		})
	}
}
