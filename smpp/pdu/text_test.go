package pdu

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAlphabetOf(t *testing.T) {
	cases := []struct {
		name string
		zero Alphabet
		want Alphabet
		list []byte
	}{
		{"the peer's default", Latin1, Latin1, []byte{0x00}},
		{"IA5", GSM7, ASCII, []byte{0x01}},
		{"binary", GSM7, Binary, []byte{0x02, 0x04, 0x14, 0xF4, 0xF6, 0xFF}},
		{"Latin-1", GSM7, Latin1, []byte{0x03}},
		{"Cyrillic", GSM7, Cyrillic, []byte{0x06}},
		{"UCS2", GSM7, UCS2, []byte{0x08, 0x18, 0x19, 0xE0, 0xEF}},
		{"septets whatever 0 means", Latin1, GSM7, []byte{0x10, 0x11, 0x40, 0xC0, 0xC8, 0xD0, 0xF0, 0xF1, 0xF3}},
		{"packed septets", GSM7Packed, GSM7Packed, []byte{0x00, 0x10, 0xF0}},
		{"alphabets that are not read", GSM7, OtherText, []byte{0x05, 0x07, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x1C, 0x80, 0xBF}},
		{"compressed", GSM7, OtherText, []byte{0x20, 0x30, 0x68}},
	}
	for _, c := range cases {
		for _, coding := range c.list {
			if got := AlphabetOf(coding, c.zero); got != c.want {
				t.Errorf("%s: 0x%02X is %v, want %v", c.name, coding, got, c.want)
			}
		}
	}
}

func TestAppendText(t *testing.T) {
	cases := []struct {
		name   string
		coding byte
		zero   Alphabet
		text   string // in hex
		want   string
	}{
		{"septets", 0, GSM7, "48656c6c6f 00 02 11", "Hello@$_"},
		{"extension", 0, GSM7, "1b65 1b3c 1b3e 1b28 1b29 1b2f 1b40 1b14 1b3d 1b0a", "€[]{}\\|^~\f"},
		{"escape before a character without extension", 0, GSM7, "1b41 42", "AB"},
		{"escape twice", 0, GSM7, "1b1b65", " e"},
		{"escape at the end", 0, GSM7, "41 1b", "A "},
		{"an octet that is no septet", 0, GSM7, "41 80 42", "A\uFFFDB"},
		{"packed", 0, GSM7Packed, "e8329bfd4697d9ec37", "hellohello"},
		{"packed, seven spare bits filled", 0, GSM7Packed, "31d98c56b3dd1a", "1234567"},
		{"packed, seven spare bits empty", 0, GSM7Packed, "31d98c56b3dd00", "1234567"},
		{"Latin-1", 3, GSM7, "e9 80 ff", "é\u0080ÿ"},
		{"Latin-1 as default", 0, Latin1, "40 e9", "@é"},
		{"IA5", 1, GSM7, "40 5b e9", "@[\uFFFD"},
		{"Cyrillic", 6, GSM7, "c1c2beBF f0 fd a1", "СТОП№§Ё"},
		{"UCS2", 8, GSM7, "0041 20ac 0421", "A€С"},
		{"UCS2 as default", 0, UCS2, "0041", "A"},
		{"surrogates", 8, GSM7, "d83dde00", "😀"},
		{"high surrogate alone", 8, GSM7, "d83d 0041", "\uFFFDA"},
		{"high surrogate at the end", 8, GSM7, "0041 d83d", "A\uFFFD"},
		{"low surrogate first", 8, GSM7, "de00 0041", "\uFFFDA"},
		{"surrogates the wrong way round", 8, GSM7, "de00 d83d", "\uFFFD\uFFFD"},
		{"odd octet", 8, GSM7, "0041 00", "A\uFFFD"},
		{"nothing", 8, GSM7, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := AppendText([]byte("> "), unhex(t, c.text), nil, c.coding, c.zero)
			if err != nil || string(got) != "> "+c.want {
				t.Fatalf("got %q, %v", got, err)
			}
		})
	}
}

func TestAppendTextBehindAHeader(t *testing.T) {
	cases := []struct {
		name    string
		zero    Alphabet
		payload string
		want    string
	}{
		{"packed behind six octets", GSM7Packed, "050003c80202 d0e539", "hes"},
		{"packed behind seven octets", GSM7Packed, "06080401c80202 e8f21c", "hes"},
		{"Turkish single shift", GSM7, "03240101 1b49 49 1b65", "İI€"},
		{"Turkish locking shift", GSM7, "03250101 40 04 1b65", "İ€€"},
		{"both shifts", GSM7, "06 250103 240103 0b 1b1f 60", "ÔÊ~"},
		{"Spanish has no locking table", GSM7, "03250102 60 61", "¿a"},
		{"Spanish single shift", GSM7, "03240102 1b41 1b75", "Áú"},
		{"Hindi", GSM7, "06 250106 240106 00 2c 1b1b 1b41 1b19", "ँ, A।"},
		{"Urdu", GSM7, "03 25010d 27 41 42", "ړضط"},
		{"no such character in Tamil", GSM7, "03 25010b 41 40", "\uFFFD\uFFFD"},
		{"the last of two counts", GSM7, "06 240101 240102 1b41", "Á"},
		{"unknown languages", GSM7, "06 24010e 2501ff 40 1b65", "¡€"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			header, text, err := SplitUDH(unhex(t, c.payload))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := AppendText(nil, text, header, 0, c.zero); err != nil || string(got) != c.want {
				t.Fatalf("got %q, %v", got, err)
			}
		})
	}
}

func TestContentThatIsNoText(t *testing.T) {
	for _, coding := range []byte{0x02, 0x04, 0x05, 0x14, 0x80, 0xF5} {
		if got, err := AppendText([]byte("x"), []byte("abc"), nil, coding, GSM7); !errors.Is(err, ErrNotText) || string(got) != "x" {
			t.Errorf("0x%02X: %q, %v", coding, got, err)
		}
	}
	for _, a := range []Alphabet{Binary, OtherText, Cyrillic} {
		if got, err := AppendEncoded([]byte("x"), []byte("abc"), a); !errors.Is(err, ErrNotText) || string(got) != "x" {
			t.Errorf("%v: %q, %v", a, got, err)
		}
	}
}

func TestAppendEncoded(t *testing.T) {
	cases := []struct {
		name string
		a    Alphabet
		text string
		want string // in hex; empty: a character does not fit
	}{
		{"septets", GSM7, "Hello@$_", "48656c6c6f000211"},
		{"extension", GSM7, "€[]", "1b651b3c1b3e"},
		{"Greek capitals", GSM7, "ΔΩ", "1015"},
		{"no accent in septets", GSM7, "ç", ""},
		{"no NUL in septets", GSM7, "\x00", ""},
		{"no smiley in septets", GSM7, "😀", ""},
		{"packed", GSM7Packed, "hellohello", "e8329bfd4697d9ec37"},
		{"packed, seven spare bits filled", GSM7Packed, "1234567", "31d98c56b3dd1a"},
		{"Latin-1", Latin1, "é\u0080", "e980"},
		{"no euro in Latin-1", Latin1, "€", ""},
		{"IA5", ASCII, "@[", "405b"},
		{"no accent in IA5", ASCII, "é", ""},
		{"UCS2", UCS2, "A€😀", "004120acd83dde00"},
		{"no UTF-8", UCS2, "A\xff", ""},
		{"no UTF-8 for Latin-1", Latin1, "\xe9", ""},
		{"no UTF-8 for septets", GSM7, "\xff", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := AppendEncoded([]byte("x"), []byte(c.text), c.a)
			if c.want == "" {
				if !errors.Is(err, ErrNoCharacter) || string(got) != "x" {
					t.Fatalf("got % x, %v", got, err)
				}
				return
			}
			if err != nil || !bytes.Equal(got[1:], unhex(t, c.want)) {
				t.Fatalf("got % x, %v", got, err)
			}
		})
	}
}

// TestEverySeptet reads every septet of both tables and writes it again.
func TestEverySeptet(t *testing.T) {
	var septets []byte
	for i := range byte(len(defaultAlphabet)) {
		if i != escape {
			septets = append(septets, i)
		}
		if defaultExtension[i] != 0 {
			septets = append(septets, escape, i)
		}
	}
	text, err := AppendText(nil, septets, nil, 0, GSM7)
	if err != nil || strings.ContainsRune(string(text), utf8.RuneError) {
		t.Fatalf("got %q, %v", text, err)
	}
	if again, err := AppendEncoded(nil, text, GSM7); err != nil || !bytes.Equal(again, septets) {
		t.Fatalf("got % x, %v", again, err)
	}
}

// TestNationalTables counts the characters of each table and looks at one of
// each language; a slip in a row would show in either.
func TestNationalTables(t *testing.T) {
	cases := []struct {
		language        Language
		locking, single int
		septet          byte // in the locking table
		want            rune
		extended        byte // in the single shift table
		extendedWant    rune
	}{
		{1, 127, 17, 0x0B, 'Ğ', 0x53, 'Ş'},
		{2, 0, 19, 0, 0, 0x09, 'ç'},
		{3, 127, 37, 0x5B, 'Ã', 0x16, 'Π'},
		{4, 114, 82, 0x03, 'অ', 0x19, '০'},
		{5, 120, 70, 0x03, 'અ', 0x1C, '૦'},
		{6, 127, 88, 0x03, 'अ', 0x1C, '०'},
		{7, 120, 73, 0x24, 'ಡ', 0x1C, '೦'},
		{8, 120, 82, 0x03, 'അ', 0x1C, '൦'},
		{9, 116, 75, 0x03, 'ଅ', 0x1C, '୦'},
		{10, 110, 76, 0x03, 'ਅ', 0x1C, '੦'},
		{11, 102, 77, 0x03, 'அ', 0x1C, '௦'},
		{12, 120, 78, 0x03, 'అ', 0x1C, '౦'},
		{13, 127, 90, 0x00, 'ا', 0x1C, '۰'},
	}
	count := func(table *septetTable) (n int) {
		for _, c := range table {
			if c != 0 {
				n++
			}
		}
		return n
	}
	for _, c := range cases {
		single := singleTable(c.language)
		if got := count(single); got != c.single || rune(single[c.extended]) != c.extendedWant {
			t.Errorf("single shift %d: %d characters, %c", c.language, got, single[c.extended])
		}
		if c.language == spanish {
			continue
		}
		locking := lockingTable(c.language)
		if got := count(locking); got != c.locking || rune(locking[c.septet]) != c.want {
			t.Errorf("locking shift %d: %d characters, %c", c.language, got, locking[c.septet])
		}
		for _, septet := range []byte(" !,.0123456789:;?abcdefghijklmnopqrstuvwxyz\n\r") {
			if locking[septet] != uint16(septet) {
				t.Errorf("locking shift %d: 0x%02X is %c", c.language, septet, locking[septet])
			}
		}
	}
}

func TestTextsAllocateNothing(t *testing.T) {
	dst := make([]byte, 0, 1024)
	text := bytes.Repeat([]byte("a\x1be\x00"), 40)
	header := UDH{byte(IEISingleShift), 1, 1}
	if n := testing.AllocsPerRun(100, func() {
		dst, _ = AppendText(dst[:0], text, header, 0, GSM7)
		dst, _ = AppendText(dst[:0], text, header, 8, GSM7)
		dst, _ = AppendText(dst[:0], text, nil, 3, GSM7)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

// checkText holds what must be true of any octets read as text.
func checkText(t *testing.T, payload []byte, coding, zero byte) {
	t.Helper()
	header, text := UDH(nil), payload
	if h, rest, err := SplitUDH(payload); err == nil {
		header, text = h, rest
	}
	got, err := AppendText(nil, text, header, coding, Alphabet(zero%byte(Binary)))
	if err != nil {
		return
	}
	if !utf8.Valid(got) || len(got) > 4*len(text) {
		t.Fatalf("%d octets became %d", len(text), len(got))
	}
	if bytes.ContainsRune(got, utf8.RuneError) {
		return
	}
	for a := GSM7; a < Binary; a++ {
		written, err := AppendEncoded(nil, got, a)
		if err != nil {
			continue
		}
		again, err := AppendText(nil, written, nil, CodingDefault, a)
		if a == GSM7Packed {
			// A last character that looks like filling is not read again.
			again, got = bytes.TrimRight(again, "@\r"), bytes.TrimRight(got, "@\r")
		}
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%v: wrote % x, read %q, not %q", a, written, again, got)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("Hello"), byte(0), byte(0))
	f.Add([]byte("\xd8\x3d\xde\x00\xd8\x3d"), byte(8), byte(0))
	f.Add(bytes.Repeat([]byte{escape}, 254), byte(0), byte(0))
	f.Add(append([]byte{3, 0x24, 1, 13}, bytes.Repeat([]byte{escape, 0x41}, 32000)...), byte(0), byte(0))
	f.Add(append([]byte{6, 0x24, 1, 6, 0x25, 1, 6}, bytes.Repeat([]byte{0x7F, 0x80}, 120)...), byte(0xF1), byte(1))
	f.Fuzz(checkText)
}

func BenchmarkAppendText(b *testing.B) {
	dst := make([]byte, 0, 1024)
	for _, c := range []struct {
		name   string
		coding byte
		text   []byte
	}{
		{"gsm7", 0, bytes.Repeat([]byte("Hello wo"), 20)},
		{"latin1", 3, bytes.Repeat([]byte("Hello wo"), 20)},
		{"ucs2", 8, bytes.Repeat([]byte("\x04\x21"), 70)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = AppendText(dst[:0], c.text, nil, c.coding, GSM7)
			}
		})
	}
}

func BenchmarkAppendEncoded(b *testing.B) {
	dst := make([]byte, 0, 1024)
	text := bytes.Repeat([]byte("Hallo [€] über"), 10)
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = AppendEncoded(dst[:0], text, GSM7)
	}
}
