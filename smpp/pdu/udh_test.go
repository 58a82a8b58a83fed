package pdu

import (
	"bytes"
	"testing"
)

func TestSplitUDH(t *testing.T) {
	cases := []struct {
		name    string
		payload string
		header  string
		text    string
		status  Status
	}{
		{"8-bit reference", "05 00 03 c8 03 02 41", "00 03 c8 03 02", "A", ROK},
		{"16-bit reference", "06 08 04 01 c8 03 02 41", "08 04 01 c8 03 02", "A", ROK},
		{"ports and reference", "0b 05 04 0b84 23f0 00 03 01 02 01", "05 04 0b84 23f0 00 03 01 02 01", "", ROK},
		{"empty header", "00 41 42", "", "AB", ROK},
		{"no payload", "", "", "", RInvMsgLen},
		{"count above the payload", "09 00 03 c8 03 02 41", "", "", RInvMsgLen},
		{"element above the header", "05 00 04 c8 03 02 41", "", "", RInvMsgLen},
		{"element without length", "06 00 03 c8 03 02 24", "", "", RInvMsgLen},
		{"reference of the wrong length", "04 00 02 c8 03 41", "", "", RInvMsgLen},
		{"port of the wrong length", "05 05 03 c8 03 41", "", "", RInvMsgLen},
		{"part 0", "05 00 03 c8 03 00 41", "", "", RInvEsmClass},
		{"part above the total", "05 00 03 c8 03 04 41", "", "", RInvEsmClass},
		{"total 0", "06 08 04 00 c8 00 01 41", "", "", RInvEsmClass},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, text, err := SplitUDH(unhex(t, c.payload))
			if StatusOf(err) != c.status {
				t.Fatalf("fault %v, want 0x%X", err, c.status)
			}
			if !bytes.Equal(h, unhex(t, c.header)) || string(text) != c.text {
				t.Fatalf("header % x, text %q", []byte(h), text)
			}
		})
	}
}

func TestConcatenation(t *testing.T) {
	cases := []struct {
		name, payload string
		want          Concatenation
		ok            bool
	}{
		{"8 bit", "05 00 03 c8 03 02", Concatenation{0xc8, 3, 2}, true},
		{"16 bit", "06 08 04 01 c8 03 02", Concatenation{0x1c8, 3, 2}, true},
		{"after ports", "0b 05 04 0b84 23f0 00 03 01 02 01", Concatenation{1, 2, 1}, true},
		{"none", "06 05 04 0b84 23f0", Concatenation{}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, _, err := SplitUDH(unhex(t, c.payload))
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := h.Concatenation(); got != c.want || ok != c.ok {
				t.Fatalf("got %+v %v", got, ok)
			}
		})
	}
}

func TestAppendForwarded(t *testing.T) {
	cases := []struct{ name, payload, want string }{
		{"all pass", "0b 05 04 0b84 23f0 00 03 01 02 01", "0b 05 04 0b84 23f0 00 03 01 02 01"},
		{"shift tables pass", "06 24 01 01 25 01 01", "06 24 01 01 25 01 01"},
		{"reply address stays behind", "0c 22 05 0b 91 44 77 09 00 03 01 02 01", "05 00 03 01 02 01"},
		{"unknown stays behind", "0a 00 03 01 02 01 c0 03 01 02 03", "05 00 03 01 02 01"},
		{"nothing left", "04 01 02 80 01", ""},
		{"nothing at all", "00", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, _, err := SplitUDH(unhex(t, c.payload))
			if err != nil {
				t.Fatal(err)
			}
			if got := h.AppendForwarded([]byte("x"), false); !bytes.Equal(got[1:], unhex(t, c.want)) {
				t.Fatalf("got % x", got[1:])
			}
		})
	}
}

func TestToolkitElementsPassWhereAllowed(t *testing.T) {
	h, _, err := SplitUDH(unhex(t, "09 70 00 00 03 01 02 01 80 00"))
	if err != nil {
		t.Fatal(err)
	}
	if got := h.AppendForwarded(nil, true); !bytes.Equal(got, unhex(t, "07 70 00 00 03 01 02 01")) {
		t.Fatalf("got % x", got)
	}
}

func TestToolkit(t *testing.T) {
	for payload, want := range map[string]bool{"02 70 00": true, "08 00 03 01 02 01 7f 01 00": true, "02 6f 00": false, "02 80 00": false} {
		h, _, err := SplitUDH(unhex(t, payload))
		if err != nil {
			t.Fatal(err)
		}
		if h.Toolkit() != want {
			t.Errorf("%s: %v", payload, !want)
		}
	}
}

// checkUDH holds what must be true of any payload.
func checkUDH(t *testing.T, payload []byte) {
	t.Helper()
	h, text, err := SplitUDH(payload)
	if err != nil {
		return
	}
	if 1+len(h)+len(text) != len(payload) {
		t.Fatal("octets were lost")
	}
	out := h.AppendForwarded(nil, false)
	if len(out) == 0 {
		return
	}
	again, rest, err := SplitUDH(out)
	if err != nil || len(rest) != 0 {
		t.Fatalf("the forwarded header is faulty: %v", err)
	}
	for id := range again.All() {
		if !id.forwarded(false) {
			t.Fatalf("element %02x passed", byte(id))
		}
	}
}

func FuzzUDH(f *testing.F) {
	f.Add(unhex(f, "0b 05 04 0b84 23f0 00 03 01 02 01"))
	f.Add(bytes.Repeat([]byte{0}, 255))
	f.Fuzz(func(t *testing.T, payload []byte) { checkUDH(t, payload) })
}
