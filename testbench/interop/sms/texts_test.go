//go:build peers

package sms

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"maskline/smpp"
	"maskline/smpp/pdu"
)

// longOnes are texts of several parts, with escaped characters and surrogate
// pairs where a careless cut would fall.
var longOnes = map[string]struct {
	text   string
	coding int
}{
	"GSM with escapes": {strings.Repeat("Masked numbers keep both sides private [ok] {5€}. ", 9), 0},
	"UCS2 with pairs":  {strings.Repeat("Номера скрыты 😀 ", 20), 8},
}

// parts cuts a text between characters, by its length in units.
func parts(text string, units int) (all []string) {
	part, n := "", 0
	for _, r := range text {
		size := 1
		if r > 0xFFFF || strings.ContainsRune("^{}\\[~]|€", r) {
			size = 2
		}
		if n+size > units {
			all, part, n = append(all, part), "", 0
		}
		part, n = part+string(r), n+size
	}
	return append(all, part)
}

// cut is how an application sends a long text: whole, or in one of the two ways
// of segments.
func cut(how, text string, coding int) (messages []fields) {
	if how == "payload" {
		return []fields{{"message_payload": text, "data_coding": coding}}
	}
	units := 150
	if coding == 8 {
		units = 66
	}
	all := parts(text, units)
	for i, part := range all {
		f := fields{"short_message": part, "data_coding": coding}
		if how == "udh" {
			f["udh"] = fmt.Sprintf("05000377%02x%02x", len(all), i+1)
		} else {
			f["sar_msg_ref_num"], f["sar_total_segments"], f["sar_segment_seqnum"] = 0x77, len(all), i+1
		}
		messages = append(messages, f)
	}
	return messages
}

// place is a segment's number and their total, as node-smpp read them.
func place(e event) (part, total int) {
	for _, element := range e.UDH {
		if strings.HasPrefix(element, "0003") {
			_, _ = fmt.Sscanf(element[6:], "%02x%02x", &total, &part)
		}
		if strings.HasPrefix(element, "0804") {
			_, _ = fmt.Sscanf(element[8:], "%02x%02x", &total, &part)
		}
	}
	if v, ok := e.Fields["sar_segment_seqnum"].(float64); ok {
		part, total = int(v), int(e.Fields["sar_total_segments"].(float64))
	}
	return part, total
}

// joined puts a text together as its reader does, and says in what shape it came.
func joined(t *testing.T, got []event) (text, shape string) {
	t.Helper()
	for i, e := range got {
		part, total := place(e)
		switch _, sar := e.Fields["sar_msg_ref_num"]; {
		case total == 0 && e.Whole:
			shape = "payload"
		case sar:
			shape = "sar"
		default:
			shape = "udh"
		}
		if total > 0 && (part != i+1 || total != len(got)) {
			t.Fatalf("segment %d of %d came at place %d of %d", part, total, i+1, len(got))
		}
		text += e.Text
	}
	return text, shape
}

// However a long text is sent and whatever the carrier takes: node-smpp reads at
// the far end what node-smpp wrote.
func TestNodeLongTextsAreConverted(t *testing.T) {
	takes := map[string]smpp.Long{"udh": smpp.LongUDH, "sar": smpp.LongSAR, "payload": smpp.LongPayload}
	for form, long := range takes {
		t.Run("carrier takes "+form, func(t *testing.T) {
			_, shop, alfa := between(t, func(_ *smpp.AccountConfig, b *smpp.BindConfig) { b.Long = long })
			seen, asked := 0, 0
			for name, c := range longOnes {
				for _, how := range []string{"payload", "udh", "sar"} {
					t.Run(name+" sent as "+how, func(t *testing.T) {
						messages := cut(how, c.text, c.coding)
						for _, f := range messages {
							shop.send(t, "submit_sm", how, addressed(alice, maskOfBob, f))
						}
						asked += len(messages)
						eventually(t, "all is answered", func() bool { return len(shop.all("answer")) == asked })
						for _, e := range shop.all("answer") {
							if e.Status != 0 {
								t.Fatalf("answered %#x", e.Status)
							}
						}
						got := alfa.heard("submit_sm")[seen:]
						seen += len(got)
						if text, shape := joined(t, got); text != c.text || shape != form {
							t.Errorf("as %s it reads %q", shape, text)
						}
					})
				}
			}
		})
	}
}

// From the carrier to the application long texts go as they came.
func TestNodeLongTextsToAnApplication(t *testing.T) {
	_, shop, alfa := between(t, func(_ *smpp.AccountConfig, b *smpp.BindConfig) { b.Long = smpp.LongPayload })
	seen := 0
	for name, c := range longOnes {
		for _, how := range []string{"payload", "udh", "sar"} {
			t.Run(name+" sent as "+how, func(t *testing.T) {
				messages := cut(how, c.text, c.coding)
				for _, f := range messages {
					alfa.send(t, "deliver_sm", how, addressed(carol, maskShop, f))
				}
				got := shop.hear(t, "deliver_sm", seen+len(messages))[seen:]
				seen += len(got)
				if text, shape := joined(t, got); text != c.text || shape != how {
					t.Errorf("as %s it reads %q", shape, text)
				}
			})
		}
	}
}

// Two binds that differ in what data_coding 0 means read the same text, in both
// directions. node-smpp encodes and decodes.
func TestNodeTextsAreTranscoded(t *testing.T) {
	texts := []struct {
		text  string
		zeros []smpp.Encoding // alphabets that have all its characters
	}{
		{"Hello @ $5 _home_", []smpp.Encoding{smpp.GSM7, smpp.Latin1, smpp.UCS2}},
		{"Größe: £3, déjà vu, ñandú", []smpp.Encoding{smpp.Latin1, smpp.UCS2}},
		{"ΔΦ costs 5€ [~]", []smpp.Encoding{smpp.GSM7, smpp.UCS2}},
		{"Привет, мир 😀", []smpp.Encoding{smpp.UCS2}},
	}
	coding := func(zeros []smpp.Encoding, of smpp.Encoding) int {
		if slices.Contains(zeros, of) {
			return 0
		}
		return 8
	}
	all := []smpp.Encoding{smpp.GSM7, smpp.Latin1, smpp.UCS2}
	for _, ours := range all {
		for _, theirs := range all {
			t.Run(fmt.Sprintf("%s and %s", alphabets[ours], alphabets[theirs]), func(t *testing.T) {
				_, shop, alfa := between(t, func(a *smpp.AccountConfig, b *smpp.BindConfig) { a.Encoding, b.Encoding = ours, theirs })
				for i, c := range texts {
					f := fields{"short_message": c.text, "data_coding": coding(c.zeros, ours)}
					if r := shop.ask(t, "submit_sm", addressed(alice, maskOfBob, f)); r.Status != 0 {
						t.Fatalf("answered %#x", r.Status)
					}
					if got := alfa.hear(t, "submit_sm", i+1)[i]; got.Text != c.text {
						t.Errorf("the carrier reads %q in coding %d, not %q", got.Text, got.Coding, c.text)
					}
					f = fields{"short_message": c.text, "data_coding": coding(c.zeros, theirs)}
					if r := alfa.ask(t, "deliver_sm", addressed(carol, maskShop, f)); r.Status != 0 {
						t.Fatalf("answered %#x", r.Status)
					}
					if got := shop.hear(t, "deliver_sm", i+1)[i]; got.Text != c.text {
						t.Errorf("the application reads %q in coding %d, not %q", got.Text, got.Coding, c.text)
					}
				}
			})
		}
	}
}

// Texts in a national table reach a carrier of the same alphabet untouched, and
// one of another alphabet as UTF-16.
func TestNodeNationalTables(t *testing.T) {
	texts := []struct {
		name, udh string
		language  int
		text      string
	}{ // 3GPP TS 23.038 §6.2.1.2.4
		{"Turkish", "06240101250101", 1, "Şağ İstanbul, ığ çöü 5€"},
		{"Spanish single shift", "03240102", 2, "Adiós, qué tal, ÁÍÓÚ íú"},
		{"Portuguese", "06240103250103", 3, "Ação, não, Ô ã õ Ú"},
	}
	for _, theirs := range []smpp.Encoding{smpp.GSM7, smpp.Latin1, smpp.UCS2} {
		t.Run(alphabets[theirs], func(t *testing.T) {
			_, shop, alfa := between(t, func(_ *smpp.AccountConfig, b *smpp.BindConfig) { b.Encoding = theirs })
			for i, c := range texts {
				f := fields{"short_message": c.text, "udh": c.udh, "national": c.language}
				if r := shop.ask(t, "submit_sm", addressed(alice, maskOfBob, f)); r.Status != 0 {
					t.Fatalf("%s: answered %#x", c.name, r.Status)
				}
				got := alfa.hear(t, "submit_sm", i+1)[i]
				if got.Text != c.text {
					t.Errorf("%s: the carrier reads %q in coding %d, header %v", c.name, got.Text, got.Coding, got.UDH)
				}
				if kept := len(got.UDH) > 0; kept != (theirs == smpp.GSM7) {
					t.Errorf("%s: coding %d, header %v", c.name, got.Coding, got.UDH)
				}
			}
		})
	}
}

// TLVs of the allow-list pass; those that nobody knows, and vendors' own, stay
// behind however often they come; the bind's own are on every message.
func TestNodeTLVs(t *testing.T) {
	_, shop, alfa := between(t, func(_ *smpp.AccountConfig, b *smpp.BindConfig) {
		b.TLVs = []smpp.TLV{{Tag: pdu.Tag(0x1400), Value: []byte("1701")}, {Tag: pdu.Tag(0x1410), Value: []byte("a")}, {Tag: pdu.Tag(0x1410), Value: []byte("b")}}
	})
	given := fields{
		"short_message": "with TLVs", "source_port": 5000, "dest_port": 9200, "user_message_reference": 77,
		"vendor": []string{"0102", "0304", "0506"}, "callback_num": []string{"010101" + "34343737", "010101" + "31"},
	}
	if r := shop.ask(t, "submit_sm", addressed(alice, maskOfBob, given)); r.Status != 0 {
		t.Fatalf("answered %#x", r.Status)
	}
	got := alfa.hear(t, "submit_sm", 1)[0]
	for name, want := range map[string]string{
		"source_port": "5000", "dest_port": "9200", "user_message_reference": "77", "callback_num": "<nil>",
		"5120": "31373031", "vendor": "[61 62]",
	} {
		if s := fmt.Sprint(got.Fields[name]); s != want {
			t.Errorf("%s is %s, want %s", name, s, want)
		}
	}
	if r := alfa.ask(t, "deliver_sm", addressed(carol, maskShop, given)); r.Status != 0 {
		t.Fatalf("answered %#x", r.Status)
	}
	got = shop.hear(t, "deliver_sm", 1)[0]
	if got.Text != "with TLVs" || fmt.Sprint(got.Fields["source_port"]) != "5000" || got.Fields["vendor"] != nil || got.Fields["callback_num"] != nil {
		t.Errorf("the application has vendor %v, callback_num %v", got.Fields["vendor"], got.Fields["callback_num"])
	}
}
