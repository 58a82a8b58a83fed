package smpp

import (
	"strings"
	"testing"

	"maskline/smpp/pdu"
)

func TestReceiptThatOnlyTheLibraryReads(t *testing.T) {
	far := strings.Repeat("x", pdu.MaxText)
	cases := []struct {
		name, text string
		id         string
		state      pdu.State
	}{
		{"usual text is ours", "id:1234 stat:DELIVRD", "1234", pdu.Delivered},
		{"spaces that do not break", "stat:UNDELIV\u00a0id:1234\u00a0err:001", "1234", pdu.Undeliverable},
		{"behind the longest short_message", far + " id:1234 stat:EXPIRED", "1234", pdu.Expired},
		{"no state", far + " id:1234", "1234", pdu.Unknown},
		{"keys twice", far + " ID:1234 Id:1234 Stat:Rejectd", "1234", pdu.Rejected},
		{"too far away", strings.Repeat("x", fallbackText) + " id:1234", "", 0},
		{"an id that is too long", far + " id:" + strings.Repeat("1", 65), "", 0},
		{"an id that is no text", far + " id:\u00e9\u0001", "", 0},
		{"the sender's text", far + " text: id:1234", "", 0},
		{"nothing", "", "", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := &pdu.Message{ESMClass: pdu.ESMReceipt, TLVs: pdu.AppendTLV(nil, pdu.TagMessagePayload, []byte(c.text))}
			r, ok := readReceipt(in)
			if ok != (c.id != "") || string(r.MessageID) != c.id || ok && r.State != c.state {
				t.Fatalf("read %v: %d octets, %v", ok, len(r.MessageID), r.State)
			}
			in.ESMClass |= pdu.ESMUDHI // a user data header is no text
			if _, ok := readReceipt(in); ok {
				t.Fatal("a user data header was read as text")
			}
		})
	}
}

// Whatever a carrier writes: no panic, the same result every time, and nothing
// but an id of the specification's length.
func FuzzReceiptFallback(f *testing.F) {
	f.Add([]byte("id:1234 sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 stat:DELIVRD err:000 text:Hello"))
	f.Add([]byte("submit date: done date: id: Text:"))
	f.Add([]byte("\u0130D:1 \u212aid:2 text:\xff\xfe id:3"))
	f.Add([]byte(strings.Repeat("id:a ID:b ", 100)))
	f.Add([]byte(strings.Repeat("done date:", 120)))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, ok := libraryReceipt(text)
		again, okAgain := libraryReceipt(text)
		if ok != okAgain || string(r.MessageID) != string(again.MessageID) || r.State != again.State {
			t.Fatal("read twice, with different results")
		}
		if ok && (len(r.MessageID) == 0 || len(r.MessageID) > maxRemoteID || r.ErrorWord != nil) {
			t.Fatalf("an id of %d octets", len(r.MessageID))
		}
	})
}
