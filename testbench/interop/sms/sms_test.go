//go:build peers

package sms

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// house starts all peers: two carriers, the edge, the aggregator.
func house(t *testing.T) (e *edge, k *kannel, alfa, bravo *smsc) {
	t.Helper()
	modules := nodeModules(t)
	alfa, bravo = startSMSC(t, "alfa", modules), startSMSC(t, "bravo", modules)
	e = startEdge(t, alfa, bravo)
	k = startKannel(t, e)
	eventually(t, "Kannel is bound", func() bool { return e.bound("shop") })
	return e, k, alfa, bravo
}

var longText = strings.Repeat("Masked numbers keep both sides private. ", 10) // 400 characters

// From the aggregator to the carrier: the text arrives as it was written, with
// the mask as its sender; the receipt comes back with the addresses that the
// aggregator knows.
func TestAggregatorToCarrier(t *testing.T) {
	_, k, alfa, _ := house(t)
	cases := []struct {
		name, text string
		ucs2       bool
		parts      int
	}{
		{"GSM", "Hello @lice, 5€ [ok]?", false, 1},
		{"UCS2", "Привет, мир 😀", true, 1},
		{"three-parts", longText, false, 3},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := len(alfa.submits("accept"))
			k.send(t, c.name, alice, maskOfBob, c.text, c.ucs2)
			eventually(t, "the carrier has it", func() bool { return len(alfa.submits("accept")) == before+c.parts })
			got := alfa.submits("accept")[before:]
			text := ""
			for i, m := range got {
				if m.From != maskOfAlice || m.To != bob {
					t.Fatal("the addresses are not the masked ones")
				}
				if c.parts > 1 && (len(m.UDH) != 1 || m.UDH[0][8:] != fmt.Sprintf("%02x", i+1) || m.UDH[0][6:8] != "03") {
					t.Fatalf("segment %d has the header %v", i+1, m.UDH)
				}
				text += m.Text
			}
			if text != c.text {
				t.Fatalf("got %q", text)
			}
			eventually(t, "Kannel has the receipt", func() bool { k.mu.Lock(); defer k.mu.Unlock(); return slices.Contains(k.reports[c.name], 1) })
			k.mu.Lock()
			defer k.mu.Unlock()
			if a := k.addresses[c.name]; a.from != maskOfBob || a.to != alice { // the receipt goes back
				t.Fatalf("the receipt's addresses are %+v", a)
			}
			if slices.Contains(k.reports[c.name], 2) || slices.Contains(k.reports[c.name], 16) {
				t.Fatalf("reports %v", k.reports[c.name])
			}
		})
	}
}

// From the carrier to the aggregator, with its answer passed back.
func TestCarrierToAggregator(t *testing.T) {
	_, k, alfa, _ := house(t)
	parts := []string{longText[:150], longText[150:300], longText[300:]}
	cases := []struct {
		name, text string
		pdus       []map[string]any
	}{
		{"GSM", "Where is my parcel? {now}", []map[string]any{{"short_message": "Where is my parcel? {now}", "data_coding": 0}}},
		{"UCS2", "Где моя посылка?", []map[string]any{{"short_message": "Где моя посылка?", "data_coding": 8}}},
		{"three-parts", longText, []map[string]any{
			{"short_message": parts[0], "data_coding": 0, "udh": "0500035a0301"},
			{"short_message": parts[1], "data_coding": 0, "udh": "0500035a0302"},
			{"short_message": parts[2], "data_coding": 0, "udh": "0500035a0303"},
		}},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, p := range c.pdus {
				p["source_addr"], p["source_addr_ton"], p["source_addr_npi"] = carol, 1, 1
				p["destination_addr"], p["dest_addr_ton"], p["dest_addr_npi"] = maskShop, 1, 1
				alfa.tell(t, map[string]any{"deliver": p, "tag": c.name})
			}
			eventually(t, "Kannel has it", func() bool { k.mu.Lock(); defer k.mu.Unlock(); return len(k.delivered) == i+1 })
			k.mu.Lock()
			got := k.delivered[i]
			k.mu.Unlock()
			if strings.TrimPrefix(got.from, "+") != maskOfAlice || strings.TrimPrefix(got.to, "+") != maskShop {
				t.Fatal("the addresses are not the masked ones")
			}
			if plain(got) != c.text {
				t.Fatalf("got %q", plain(got))
			}
			eventually(t, "every part was answered", func() bool {
				n := 0
				for _, e := range alfa.all("deliver_resp") {
					if e.Tag == c.name && e.Status == 0 {
						n++
					}
				}
				return n == len(c.pdus)
			})
		})
	}
}

// plain is the text of a message as Kannel hands it on: UTF-8, or UTF-16 for
// coding 2.
func plain(r reply) string {
	if r.coding != "2" {
		return r.text
	}
	units := make([]uint16, 0, len(r.text)/2)
	for b := []byte(r.text); len(b) >= 2; b = b[2:] {
		units = append(units, binary.BigEndian.Uint16(b))
	}
	return string(utf16.Decode(units))
}

// The first carrier closes its connection, then throttles, then falls silent,
// all in mid-traffic. Nothing that was acknowledged is lost; what was refused
// goes through the second carrier; what is unknown is answered as temporary, so
// the aggregator sends it again; and everybody counts the same.
func TestFailingCarrier(t *testing.T) {
	e, k, alfa, bravo := house(t)
	const batch = 40
	sent := 0
	traffic := func() {
		for range batch {
			sent++
			tag := fmt.Sprint("n", sent)
			k.send(t, tag, alice, maskOfBob, tag, false)
		}
	}
	settled := func(what string) {
		eventually(t, what, func() bool { return k.reported(8) == sent })
	}
	swallow := func(mode string) {
		alfa.tell(t, map[string]any{"mode": mode})
		before := len(alfa.submits(mode))
		traffic()
		eventually(t, "alfa got messages that it does not answer", func() bool { return len(alfa.submits(mode)) > before })
	}

	traffic()
	settled("all accepted by a healthy carrier")
	eventually(t, "alfa tells of them", func() bool { return len(alfa.submits("accept")) >= batch })
	if n := len(alfa.submits("accept")); n != batch {
		t.Fatalf("alfa accepted %d", n)
	}

	swallow("swallow") // what it has now is unknown when it closes
	eventually(t, "alfa has all that Kannel leaves unanswered", func() bool { return len(alfa.submits("swallow")) >= kannelPending })
	alfa.tell(t, map[string]any{"close": true})
	alfa.tell(t, map[string]any{"mode": "accept"})
	settled("all accepted after the connection was closed")
	eventually(t, "alfa is bound again", func() bool { return e.bound("alfa") })

	alfa.tell(t, map[string]any{"mode": "throttle"})
	traffic()
	settled("all accepted while alfa throttles")

	alfa.tell(t, map[string]any{"mode": "accept"})
	traffic()
	settled("all accepted by the carriers in turn")

	swallow("silent")
	settled("all accepted while alfa is silent")
	eventually(t, "the edge has given alfa up", func() bool { return !e.bound("alfa") })

	eventually(t, "all delivered", func() bool { return k.reported(1) == sent })
	compare(t, e, k, alfa, bravo, sent)
}

func compare(t *testing.T, e *edge, k *kannel, alfa, bravo *smsc, sent int) {
	t.Helper()
	unanswered := len(alfa.submits("swallow", "silent"))
	eventually(t, "unknown outcomes are counted", func() bool { return e.messages(t, "alfa", "unknown") == unanswered })
	delivered := func() int {
		return e.counter(t, "receipts_total", map[string]string{"outcome": "delivered"})
	}
	eventually(t, "Kannel's answers to the receipts are counted", func() bool { return delivered() >= sent })
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"accepted through alfa", e.messages(t, "alfa", "accepted"), len(alfa.submits("accept"))},
		{"accepted through bravo", e.messages(t, "bravo", "accepted"), len(bravo.submits("accept"))},
		{"accepted in all", len(alfa.submits("accept")) + len(bravo.submits("accept")), sent},
		{"acknowledged to Kannel", k.reported(8), sent},
		{"refused to Kannel", k.reported(16), 0},
		{"delivered, as Kannel knows", k.reported(1), sent},
		{"throttled by alfa", e.counter(t, "pdus_total", map[string]string{"peer": "alfa", "direction": "in", "command": "submit_sm_resp", "status": "throttling error"}), len(alfa.submits("throttle"))},
		{"receipts passed on", delivered(), sent},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.what, c.got, c.want)
		}
	}
	if unanswered == 0 || len(alfa.submits("throttle")) == 0 || len(bravo.submits("accept")) == 0 {
		t.Errorf("the failures had nothing to do: %d unanswered, %d throttled, %d through bravo",
			unanswered, len(alfa.submits("throttle")), len(bravo.submits("accept")))
	}
	seen := map[string]int{}
	for _, m := range append(alfa.submits("accept"), bravo.submits("accept")...) {
		seen[m.Text]++
	}
	for i := range sent {
		if n := seen[fmt.Sprint("n", i+1)]; n != 1 {
			t.Errorf("message %d was accepted %d times", i+1, n)
		}
	}
}
