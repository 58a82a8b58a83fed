//go:build peers

package sms

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

//go:embed netsmpp.pl
var netSMPPProgram string

// netSMPP starts Net::SMPP (Debian: libnet-smpp-perl) in a role.
func netSMPP(t *testing.T, name string, args ...string) *smsc {
	t.Helper()
	program := filepath.Join(t.TempDir(), "netsmpp.pl")
	if err := os.WriteFile(program, []byte(netSMPPProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	return startProgram(t, name, exec.Command("perl", append([]string{program}, args...)...))
}

// netSMPPHouse is Net::SMPP on both sides of the edge.
func netSMPPHouse(t *testing.T) (e *edge, shop, alfa *smsc) {
	t.Helper()
	alfa = netSMPP(t, "alfa", "smsc", "alfa")
	alfa.awaitPort(t)
	e = startEdge(t, alfa)
	shop = netSMPP(t, "shop", "esme", fmt.Sprint(e.port()), "shop", "sesame")
	eventually(t, "the account is bound", func() bool { return e.bound("shop") && len(shop.all("bound")) == 1 })
	return e, shop, alfa
}

// As an aggregator's client and as a carrier's SMSC: texts and their headers
// arrive as written, masked; the receipts come back by both forms, as the
// aggregator knows the message.
func TestNetSMPPBothWays(t *testing.T) {
	_, shop, alfa := netSMPPHouse(t)
	cases := []struct {
		name, text, udh string
		coding          int
	}{
		{"GSM", "Hello {shop}", "", 0},
		{"UCS2", "Привет, мир 😀", "", 8},
		{"segment", "the second part", "0500035a0302", 0},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			shop.tell(t, map[string]any{"tag": c.name, "submit": map[string]any{
				"from": alice, "to": maskOfBob, "text": c.text, "coding": c.coding, "udh": c.udh, "registered": 1,
			}})
			eventually(t, "the carrier has it", func() bool { return len(alfa.submits("accept")) == i+1 })
			got := alfa.submits("accept")[i]
			if got.From != maskOfAlice || got.To != bob || got.Text != c.text || got.Coding != c.coding {
				t.Errorf("text %q, coding %d, or the addresses are not the masked ones", got.Text, got.Coding)
			}
			if c.udh != "" && !slices.Equal(got.UDH, []string{c.udh[2:]}) {
				t.Errorf("the header is %v", got.UDH)
			}
			eventually(t, "the receipt is there", func() bool { return len(shop.all("deliver")) == i+1 })
			resp, receipt := shop.all("submit_resp")[i], shop.all("deliver")[i]
			if resp.Tag != c.name || resp.Status != 0 || resp.ID == "" {
				t.Errorf("the response is %+v", resp)
			}
			if receipt.ID != resp.ID || receipt.From != maskOfBob || receipt.To != alice || receipt.ESM != 4 {
				t.Error("the receipt is about another message")
			}
			eventually(t, "the carrier's receipt is answered", func() bool { return len(alfa.all("deliver_resp")) == i+1 })
			if s := alfa.all("deliver_resp")[i].Status; s != 0 {
				t.Errorf("answered with %d", s)
			}
		})
	}
}

// From a subscriber of the carrier to the aggregator.
func TestNetSMPPDelivers(t *testing.T) {
	_, shop, alfa := netSMPPHouse(t)
	for i, text := range []string{"Where is my parcel?", "Где моя посылка?"} {
		alfa.tell(t, map[string]any{"tag": text, "deliver": map[string]any{"from": carol, "to": maskShop, "text": text, "coding": 8 * i}})
		eventually(t, "the account has it", func() bool { return len(shop.all("deliver")) == i+1 })
		if got := shop.all("deliver")[i]; got.From != maskOfAlice || got.To != maskShop || got.Text != text {
			t.Errorf("text %q, or the addresses are not the masked ones", got.Text)
		}
		eventually(t, "the carrier has its answer", func() bool { return len(alfa.all("deliver_resp")) == i+1 })
		if got := alfa.all("deliver_resp")[i]; got.Tag != text || got.Status != 0 {
			t.Errorf("answered with %d", got.Status)
		}
	}
}

// A throttling carrier, and an orderly end.
func TestNetSMPPIsThrottledAndUnbinds(t *testing.T) {
	e, shop, alfa := netSMPPHouse(t)
	alfa.tell(t, map[string]any{"mode": "throttle"})
	shop.tell(t, map[string]any{"tag": "full", "submit": map[string]any{"from": alice, "to": maskOfBob, "text": "x"}})
	eventually(t, "the account has its answer", func() bool { return len(shop.all("submit_resp")) == 1 })
	if got := shop.all("submit_resp")[0]; got.Status == 0 {
		t.Error("accepted")
	}
	shop.tell(t, map[string]any{"unbind": true})
	eventually(t, "the bind is over", func() bool { return len(shop.all("unbound")) == 1 && !e.bound("shop") })
}

// A wrong password is refused.
func TestNetSMPPIsRefused(t *testing.T) {
	e := startEdge(t)
	shop := netSMPP(t, "shop", "esme", fmt.Sprint(e.port()), "shop", "wrong")
	eventually(t, "the bind is answered", func() bool { return len(shop.all("bound")) == 1 })
	if got := shop.all("bound")[0]; got.Status != 0x0D {
		t.Errorf("answered with 0x%02X", got.Status)
	}
}
