package sip

import (
	"strings"
	"testing"
)

// TestNationalTrunks has both trunks write numbers in their country's form: the
// caller's is read before the lookup, the called side's is written.
func TestNationalTrunks(t *testing.T) {
	b := newBed(t, func(c *Config) {
		for i := range c.Trunks {
			tr := &c.Trunks[i]
			tr.CLI = CLI{Format: "national", CountryCode: "44", TrunkPrefix: "0", InternationalPrefix: "00"}
			if tr.Name == "in" {
				tr.TechPrefix = "77#"
			} else {
				tr.CLI.Header, tr.CLI.User, tr.CLI.Domain = []string{"pai"}, "account", "reg.example"
			}
		}
	})
	forms := []struct{ name, from, to string }{
		{"national", "07700900001", "01110000001"},
		{"00", "00447700900001", "00441110000001"},
		{"plus", "+447700900001", "+441110000001"},
		{"digits", "447700900001", "441110000001"},
		{"technical prefix", "07700900001", "77%2301110000001"},
		{"phone-context", "7700900001;phone-context=+44", "1110000001;phone-context=+44"},
	}
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			key := strings.ReplaceAll(f.name, " ", "")
			text := strings.Replace(b.caller.invite(key), "From: <sip:"+simAlice.Reveal(), "From: <sip:"+f.from, 1)
			text = strings.Replace(text, "INVITE sip:"+simMaskA.Reveal(), "INVITE sip:"+f.to, 1)
			b.caller.send(text)
			invite := b.callees[0].expect("INVITE ")
			for _, want := range []string{
				"INVITE sip:07700900002@" + b.callees[0].addr.String() + " SIP/2.0\r\n",
				"\r\nFrom: <sip:account@reg.example>;tag=",
				"\r\nP-Asserted-Identity: <sip:01110000002@reg.example>\r\n",
			} {
				if !strings.Contains(invite, want) {
					t.Errorf("no %q in\n%s", want, invite)
				}
			}
			b.callees[0].send(b.callees[0].reply(invite, 486, ""))
			b.callees[0].expect("ACK ")
		})
	}
}
