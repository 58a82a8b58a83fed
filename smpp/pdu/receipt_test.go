package pdu

import (
	"strings"
	"testing"
	"time"
)

func TestParseReceipt(t *testing.T) {
	tlv := func(pairs ...any) TLVs {
		var all TLVs
		for i := 0; i < len(pairs); i += 2 {
			all = AppendTLV(all, pairs[i].(Tag), []byte(pairs[i+1].(string)))
		}
		return all
	}
	const usual = "id:1234 sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 stat:DELIVRD err:000 text:Hello"
	done := time.Date(2026, 11, 21, 12, 1, 0, 0, time.UTC)
	cases := []struct {
		name string
		text string
		tlvs TLVs
		want Receipt
		ok   bool
	}{
		{"usual text", usual, nil, Receipt{State: Delivered, Done: done}, true},
		{"upper case", strings.ToUpper(usual), nil, Receipt{State: Delivered, Done: done}, true},
		{"another order", "stat:UNDELIV err:027 done date:261121120130 id:1234 text:", nil, Receipt{State: Undeliverable, ErrorCode: 27, Done: done.Add(30 * time.Second)}, true},
		{"text first", "text:Hello there id:1234 stat:EXPIRED", nil, Receipt{State: Expired}, true},
		{"id alone", "id:1234", nil, Receipt{State: Unknown}, true},
		{"long words", "id:1234 stat:UNDELIVERABLE", nil, Receipt{State: Undeliverable}, true},
		{"lines instead of spaces", "id:1234\r\nstat:REJECTD\r\n", nil, Receipt{State: Rejected}, true},
		{"unknown word", "id:1234 stat:WONDERFUL", nil, Receipt{State: Unknown}, true},
		{"no date", "id:1234 done date:2613451201 stat:DELIVRD", nil, Receipt{State: Delivered}, true},
		{"err in letters", "id:1234 err:E1A stat:DELIVRD", nil, Receipt{State: Delivered, ErrorWord: []byte("E1A")}, true},
		{"err too long for a word", "id:1234 err:EC12345 stat:DELIVRD", nil, Receipt{State: Delivered}, true},
		{"err with signs", "id:1234 err:-1 stat:DELIVRD", nil, Receipt{State: Delivered}, true},
		{"err too large", "id:1234 err:70000 stat:DELIVRD", nil, Receipt{State: Delivered}, true},
		{"network error wins over a word", "id:1234 err:E1A", tlv(TagNetworkErrorCode, "\x03\x00\x1b"), Receipt{State: Unknown, NetworkType: 3, ErrorCode: 27}, true},
		{"no sub and dlvrd", "id:1234 submit date:2611211200 done date:2611211201 stat:DELIVRD err:000", nil, Receipt{State: Delivered, Done: done}, true},
		{"no dates", "id:1234 sub:001 dlvrd:001 stat:DELIVRD err:000 text:", nil, Receipt{State: Delivered}, true},
		{"spaces after the colons", "id: 1234 sub: 001 dlvrd: 001 done date: 2611211201 stat: DELIVRD err: 12 text: x", nil, Receipt{State: Delivered, ErrorCode: 12, Done: done}, true},
		{"many spaces", "  id:1234   stat:DELIVRD  ", nil, Receipt{State: Delivered}, true},
		{"a key instead of the id", "id: sub:001 stat:DELIVRD", nil, Receipt{}, false},
		{"tabs, feeds and NULs", "id:1234\v\tstat:DELIVRD\f\x00", nil, Receipt{State: Delivered}, true},
		{"text with colons", "id:1234 stat:DELIVRD text:Your code: 12:34 id:7", nil, Receipt{State: Delivered}, true},
		{"words in any case", "Id:1234 Stat:Delivered Text:Hi", nil, Receipt{State: Delivered}, true},
		{"state as a number", "id:1234 stat:5", nil, Receipt{State: Undeliverable}, true},
		{"the sender's text is not believed", "id:1234 stat:UNDELIV text:id:9 stat:DELIVRD", nil, Receipt{State: Undeliverable}, true},
		{"word inside a word", "paid:9 id:1234", nil, Receipt{State: Unknown}, true},
		{"parameters alone", "", tlv(TagReceiptedMessageID, "1234\x00", TagMessageState, "\x05"), Receipt{State: Undeliverable}, true},
		{"parameter without NUL", "", tlv(TagReceiptedMessageID, "1234"), Receipt{State: Unknown}, true},
		{"parameters win", "id:9 stat:DELIVRD", tlv(TagReceiptedMessageID, "1234\x00", TagMessageState, "\x05"), Receipt{State: Undeliverable}, true},
		{"state from the parameter, id from the text", "id:1234", tlv(TagMessageState, "\x02"), Receipt{State: Delivered}, true},
		{"network error", "id:1234", tlv(TagNetworkErrorCode, "\x03\x00\x1b"), Receipt{State: Unknown, NetworkType: 3, ErrorCode: 27}, true},
		{"network error of the wrong length", "id:1234", tlv(TagNetworkErrorCode, "\x03\x1b"), Receipt{State: Unknown}, true},
		{"state out of range", "id:1234", tlv(TagMessageState, "\xff"), Receipt{State: Unknown}, true},
		{"no id", "stat:DELIVRD err:000", nil, Receipt{}, false},
		{"empty id", "id: stat:DELIVRD", nil, Receipt{}, false},
		{"id too long", "id:" + strings.Repeat("1", 65), nil, Receipt{}, false},
		{"nothing", "", nil, Receipt{}, false},
		{"a chat message", "see you at ten", nil, Receipt{}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ok := ParseReceipt(&Message{ESMClass: ESMReceipt, ShortMessage: []byte(c.text), TLVs: c.tlvs})
			if ok != c.ok {
				t.Fatalf("found %v", ok)
			}
			if !ok {
				return
			}
			if string(got.MessageID) != "1234" {
				t.Fatalf("message id of %d octets", len(got.MessageID))
			}
			if got.State != c.want.State || got.ErrorCode != c.want.ErrorCode || got.NetworkType != c.want.NetworkType ||
				string(got.ErrorWord) != string(c.want.ErrorWord) || !got.Done.Equal(c.want.Done) {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// What SMSCs write as ids, in either form.
func TestReceiptIDs(t *testing.T) {
	for _, id := range []string{
		"6f9619ff-8b86-d011-b42d-00c04fc964ff", "0", "00000000000000000042", "1A2B3C4D", "urn:uuid:6f96", "abc_1.2/3+4=",
		strings.Repeat("9", 64),
	} {
		text := Message{ShortMessage: []byte("id:" + id + " sub:001 dlvrd:001 stat:DELIVRD err:000 text:id:9")}
		tlvs := Message{TLVs: AppendTLV(nil, TagReceiptedMessageID, append([]byte(id), 0))}
		for form, m := range map[string]Message{"text": text, "TLV": tlvs} {
			if r, ok := ParseReceipt(&m); !ok || string(r.MessageID) != id {
				t.Errorf("%s of %d octets: read %d octets", form, len(id), len(r.MessageID))
			}
		}
	}
}

func TestReceiptInUCS2(t *testing.T) {
	const ascii = "id:1234 stat:UNDELIV err:027 text:"
	var wide []byte
	for _, c := range []byte(ascii) {
		wide = append(wide, 0, c)
	}
	cases := []struct {
		name   string
		coding byte
		text   []byte
		want   bool
	}{
		{"UCS-2", 8, append(wide, 0x04, 0x1F), true},
		{"ASCII that is called UCS-2", 8, []byte(ascii), true},
		{"an odd number of octets", 8, wide[:len(wide)-1], false},
		{"UCS-2 that is called ASCII", 0, wide, false},
	}
	for _, c := range cases {
		r, ok := ParseReceipt(&Message{ESMClass: ESMReceipt, DataCoding: c.coding, ShortMessage: c.text})
		if ok != c.want || ok && (string(r.MessageID) != "1234" || r.State != Undeliverable || r.ErrorCode != 27) {
			t.Errorf("%s: %v %+v", c.name, ok, r)
		}
	}
}

// A word that we do not know is final in a receipt, and not in a notification
// that says of itself that it is not.
func TestUnknownStateOfANotification(t *testing.T) {
	for class, want := range map[byte]State{ESMReceipt: Unknown, ESMIntermediate: Enroute} {
		r, _ := ParseReceipt(&Message{ESMClass: class, ShortMessage: []byte("id:1234 stat:BUFFERD")})
		if r.State != want {
			t.Errorf("esm_class %02x: %v", class, r.State)
		}
	}
}

func TestIsReceipt(t *testing.T) {
	id := AppendTLV(nil, TagReceiptedMessageID, []byte("1\x00"))
	cases := []struct {
		name string
		m    Message
		want bool
	}{
		{"message", Message{ShortMessage: []byte("id:1 stat:DELIVRD")}, false},
		{"receipt", Message{ESMClass: ESMReceipt}, true},
		{"receipt with mode bits", Message{ESMClass: ESMReceipt | 3}, true},
		{"intermediate notification", Message{ESMClass: ESMIntermediate}, true},
		{"only the parameter says so", Message{TLVs: id}, true},
		{"acknowledgement of a person", Message{ESMClass: 0x08, TLVs: id}, false},
	}
	for _, c := range cases {
		if got := c.m.IsReceipt(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestReceiptRoundTrip(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for s := range stateCount {
		r := Receipt{MessageID: []byte("290112345678901234"), State: s, NetworkType: 3, ErrorCode: 7, Done: at.Add(time.Minute)}
		text := r.AppendText(nil, at)
		if len(text) > MaxText {
			t.Fatalf("%d octets", len(text))
		}
		for _, m := range []Message{{ShortMessage: text}, {TLVs: r.AppendTLVs(nil)}} {
			m.ESMClass = r.ESMClass()
			got, ok := ParseReceipt(&m)
			if !ok || !m.IsReceipt() || string(got.MessageID) != string(r.MessageID) || got.State != s || got.ErrorCode != 7 {
				t.Fatalf("%v: got %+v", s, got)
			}
		}
	}
}

func TestReceiptText(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	r := Receipt{MessageID: []byte("42"), State: Undeliverable, ErrorCode: 7, Done: at.Add(time.Minute)}
	const want = "id:42 sub:001 dlvrd:000 submit date:2611211200 done date:2611211201 stat:UNDELIV err:007 text:"
	if got := string(r.AppendText(nil, at)); got != want {
		t.Fatalf("got %q", got)
	}
	r.ErrorWord = []byte("E1A")
	if got := string(r.AppendText(nil, at)); !strings.Contains(got, " err:E1A ") {
		t.Fatalf("got %q", got)
	}
	r.ErrorWord = nil
	for code, want := range map[uint16]string{0: "err:000 ", 9: "err:009 ", 10: "err:010 ", 99: "err:099 ", 100: "err:100 ", 65535: "err:65535 "} {
		r.ErrorCode = code
		if got := string(r.AppendText(nil, at)); !strings.Contains(got, want) {
			t.Errorf("%d: %q", code, got)
		}
	}
}

func TestStates(t *testing.T) {
	for s := range stateCount {
		if got := ParseState([]byte(strings.ToLower(s.String()))); got != s {
			t.Errorf("%v comes back as %v", s, got)
		}
		if intermediate := s == Enroute || s == Accepted || s == Scheduled; s.Final() == intermediate {
			t.Errorf("%v: final %v", s, s.Final())
		}
	}
}

func TestMessageIDs(t *testing.T) {
	cases := []struct {
		name              string
		form              IDForm
		response, receipt string
		joined            bool
	}{
		{"equal", StandardIDs, "abc-123", "abc-123", true},
		{"case", StandardIDs, "0A1B", "0a1b", true},
		{"leading zeros", StandardIDs, "000123", "123", true},
		{"only zeros", StandardIDs, "000", "0", true},
		{"different", StandardIDs, "123", "1234", false},
		{"UUID", StandardIDs, "6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff-8b86-d011-b42d-00c04fc964ff", true},
		{"bases do not join by themselves", StandardIDs, "1A2B", "6699", false},
		{"receipt in decimal", DecimalIDs, "1A2B", "6699", true},
		{"receipt in decimal, zeros", DecimalIDs, "00001a2b", "0000006699", true},
		{"receipt in decimal, 64 bits", DecimalIDs, "FFFFFFFFFFFFFFFF", "18446744073709551615", true},
		{"receipt in decimal, more than 64 bits", DecimalIDs, "10000000000000000", "18446744073709551616", true},
		{"receipt in decimal, digits only", DecimalIDs, "10", "16", true},
		{"receipt in decimal, not 10", DecimalIDs, "10", "10", false},
		{"receipt in hexadecimal", HexIDs, "6699", "1a2b", true},
		{"receipt in hexadecimal, digits only", HexIDs, "16", "10", true},
		{"UUID where numbers are expected", DecimalIDs, "6f9619ff-8b86", "6F9619FF-8B86", true},
		{"too long for a number", HexIDs, strings.Repeat("f", 70), strings.Repeat("F", 70), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := string(c.form.AppendResponseID(nil, []byte(c.response)))
			b := string(c.form.AppendReceiptID(nil, []byte(c.receipt)))
			if (a == b) != c.joined {
				t.Fatalf("%q and %q", a, b)
			}
		})
	}
}

func FuzzReceiptText(f *testing.F) {
	f.Add([]byte("id:1234 sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 stat:DELIVRD err:000 text:Hello"))
	f.Add([]byte(strings.Repeat("id: stat: done date:", 12)))
	f.Fuzz(func(t *testing.T, text []byte) {
		m := Message{ESMClass: ESMReceipt, ShortMessage: text}
		r, ok := ParseReceipt(&m)
		if !ok {
			return
		}
		for _, form := range []IDForm{StandardIDs, DecimalIDs, HexIDs} {
			_ = form.AppendReceiptID(nil, r.MessageID)
			_ = form.AppendResponseID(nil, r.MessageID)
		}
	})
}

func BenchmarkParseReceipt(b *testing.B) {
	m := Message{ESMClass: ESMReceipt, ShortMessage: []byte("id:1234 sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 stat:DELIVRD err:000 text:")}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := ParseReceipt(&m); !ok {
			b.Fatal("no receipt")
		}
	}
}

func BenchmarkMessageIDFromHex(b *testing.B) {
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		DecimalIDs.AppendResponseID(dst, []byte("00001a2b3c4d"))
	}
}
