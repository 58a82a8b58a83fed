package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// wavFile is a file with these values in its format chunk.
type wavFile struct {
	tag, channels uint16
	rate          uint32
	bits          uint16
	before        []byte // whole chunks before the format
	data          []byte
	dataSize      int // where it lies
	riffSize      int // where it lies
	format        int // octets of the format chunk; 0: 16
}

func (f wavFile) bytes() []byte {
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&b, binary.LittleEndian, v) // a buffer takes everything
		}
	}
	size := max(f.format, 16)
	put([]byte("WAVE"), f.before, []byte("fmt "), uint32(size), f.tag, f.channels, f.rate,
		f.rate*uint32(f.channels)*uint32(f.bits)/8, f.channels*f.bits/8, f.bits, make([]byte, size-16))
	n := len(f.data)
	if f.dataSize != 0 {
		n = f.dataSize
	}
	put([]byte("data"), uint32(n), f.data)
	if len(f.data)%2 == 1 {
		put(byte(0))
	}
	riff := b.Len()
	if f.riffSize != 0 {
		riff = f.riffSize
	}
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(riff))
	return append(head, b.Bytes()...)
}

func TestWAV(t *testing.T) {
	pcm := wavFile{tag: formatPCM, channels: 1, rate: 8000, bits: 16, data: make([]byte, 320)}
	with := func(change func(*wavFile)) []byte {
		f := pcm
		change(&f)
		return f.bytes()
	}
	good := pcm.bytes()
	for _, tt := range []struct {
		name string
		file []byte
		want time.Duration // 0: refused
	}{
		{"PCM of 16 bits", good, 20 * time.Millisecond},
		{"mu-law", with(func(f *wavFile) { f.tag, f.bits, f.format = formatMuLaw, 8, 18 }), 40 * time.Millisecond},
		{"A-law, odd length", with(func(f *wavFile) { f.tag, f.bits, f.data = formatALaw, 8, make([]byte, 161) }), 20125 * time.Microsecond},
		{"a chunk before the format", with(func(f *wavFile) { f.before = []byte("LIST\x03\x00\x00\x00abc\x00") }), 20 * time.Millisecond},
		{"octets after the end", append(slices.Clone(good), 1, 2, 3), 20 * time.Millisecond},
		{"exactly a minute", with(func(f *wavFile) { f.data = make([]byte, 2*maxSamples) }), time.Minute},

		{"empty", nil, 0},
		{"a header alone", good[:12], 0},
		{"cut off", good[:len(good)-1], 0},
		{"another form", append([]byte("RIFF\x04\x00\x00\x00AVI "), good[12:]...), 0},
		{"RIFX", append([]byte("RIFX"), good[4:]...), 0},
		{"a RIFF size that lies", with(func(f *wavFile) { f.riffSize = 1 << 30 }), 0},
		{"a RIFF size of nothing", with(func(f *wavFile) { f.riffSize = 3 }), 0},
		{"a RIFF size of all ones", with(func(f *wavFile) { f.riffSize = 1<<32 - 1 }), 0},
		{"a data size that lies", with(func(f *wavFile) { f.dataSize = 1 << 31 }), 0},
		{"a data size of all ones", with(func(f *wavFile) { f.dataSize = 1<<32 - 1 }), 0},
		{"no samples", with(func(f *wavFile) { f.data = nil }), 0},
		{"half a sample", with(func(f *wavFile) { f.data = make([]byte, 321) }), 0},
		{"stereo", with(func(f *wavFile) { f.channels = 2 }), 0},
		{"16 kHz", with(func(f *wavFile) { f.rate = 16000 }), 0},
		{"8 bits of PCM", with(func(f *wavFile) { f.bits = 8 }), 0},
		{"24 bits", with(func(f *wavFile) { f.bits = 24 }), 0},
		{"16 bits of mu-law", with(func(f *wavFile) { f.tag = formatMuLaw }), 0},
		{"MP3 in RIFF", with(func(f *wavFile) { f.tag = 0x55 }), 0},
		{"the extensible form", with(func(f *wavFile) { f.tag, f.format = 0xfffe, 40 }), 0},
		{"a short format", with(func(f *wavFile) { f.before = []byte("fmt \x02\x00\x00\x00\x01\x00") }), 0},
		{"a long format", with(func(f *wavFile) { f.format = 100 }), 0},
		{"two formats", with(func(f *wavFile) { f.before = good[12:36] }), 0},
		{"data before the format", with(func(f *wavFile) { f.before = []byte("data\x02\x00\x00\x00\x01\x00") }), 0},
		{"no data", good[:36], 0},
		{"endless chunks", with(func(f *wavFile) { f.before = bytes.Repeat([]byte("junk\x00\x00\x00\x00"), 40) }), 0},
		{"longer than a minute", with(func(f *wavFile) { f.data = make([]byte, 2*maxSamples+2) }), 0},
		{"too large", make([]byte, maxWAV+1), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := parseWAV(tt.file)
			if tt.want == 0 {
				if !errors.Is(err, ErrWAV) {
					t.Fatalf("got %v, %v", s, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Duration(); got != tt.want {
				t.Errorf("lasts %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWAVKeepsItsOwnOctets(t *testing.T) {
	data := make([]byte, 256)
	for i := range data {
		data[i] = byte(i)
	}
	for l, tag := range map[law]uint16{muLaw: formatMuLaw, aLaw: formatALaw} {
		s, err := parseWAV(wavFile{tag: tag, channels: 1, rate: 8000, bits: 8, data: data}.bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.laws[l], data) {
			t.Errorf("law %d: octets were changed", l)
		}
	}
}

func FuzzWAV(f *testing.F) {
	for _, tag := range []uint16{formatPCM, formatALaw, formatMuLaw} {
		bits := uint16(8)
		if tag == formatPCM {
			bits = 16
		}
		f.Add(wavFile{tag: tag, channels: 1, rate: 8000, bits: bits, data: make([]byte, 32)}.bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseWAV(b)
		if err != nil {
			return
		}
		if n := len(s.laws[muLaw]); n == 0 || n > maxSamples || n > len(b) || n != len(s.laws[aLaw]) {
			t.Errorf("%d samples of %d octets", n, len(b))
		}
	})
}

// Values of ITU-T G.711 tables 1a, 1b, 2a and 2b, scaled to 16 bits.
func TestG711(t *testing.T) {
	for _, tt := range []struct {
		sample int16
		mu, a  byte
	}{
		{0, 0xff, 0xd5}, {1000, 0xce, 0xfa}, {-1000, 0x4e, 0x7a}, {32124, 0x80, 0xaa}, {-32124, 0x00, 0x2a}, {32767, 0x80, 0xaa}, {-32768, 0x00, 0x2a},
	} {
		if got := encodeMuLaw(tt.sample); got != tt.mu {
			t.Errorf("mu-law of %d is %#x, want %#x", tt.sample, got, tt.mu)
		}
		if got := encodeALaw(tt.sample); got != tt.a {
			t.Errorf("A-law of %d is %#x, want %#x", tt.sample, got, tt.a)
		}
	}
	for i := range 256 {
		b := byte(i)
		if got := encodeALaw(decodeALaw(b)); got != b {
			t.Errorf("A-law %#x comes back as %#x", b, got)
		}
		if got := encodeMuLaw(decodeMuLaw(b)); got != b && b != 0x7f { // the negative zero
			t.Errorf("mu-law %#x comes back as %#x", b, got)
		}
	}
}

func TestPrompts(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := wavFile{tag: formatPCM, channels: 1, rate: 8000, bits: 16, data: make([]byte, 320)}.bytes()

	shipped, err := LoadPrompts("")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"unknown", "ended", "unreachable", "blocked", "emergency", "accept", Ringback} {
		s := shipped.Sound(name)
		if s == nil {
			t.Fatalf("no %s is shipped", name)
		}
		if d := s.Duration(); d < time.Second || d > 8*time.Second {
			t.Errorf("%s lasts %v", name, d)
		}
		if isSilent(s) {
			t.Errorf("%s is silent", name)
		}
	}
	if shipped.Sound("other") != nil {
		t.Error("a prompt that nobody made")
	}

	write("unknown.wav", good)
	write("sale.wav", good)
	write("notes.txt", []byte("x"))
	own, err := LoadPrompts(dir)
	if err != nil {
		t.Fatal(err)
	}
	if own.Sound("unknown").Duration() != 20*time.Millisecond || own.Sound("sale") == nil || own.Sound("ended") == nil {
		t.Errorf("the folder's files are not in %v", own.Names())
	}

	write("bad.wav", []byte("x"))
	write("worse.wav", good[:40])
	if _, err = LoadPrompts(dir); !errors.Is(err, ErrWAV) {
		t.Errorf("a bad file is taken: %v", err)
	}
	if _, err := LoadPrompts(filepath.Join(dir, "missing")); err == nil {
		t.Error("a missing folder is taken")
	}
	many := t.TempDir()
	for i := range mostPrompts + 1 {
		if err := os.WriteFile(filepath.Join(many, string(rune('a'+i%26))+string(rune('a'+i/26))+".wav"), good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := LoadPrompts(many); err == nil {
		t.Error("more prompts than the bound are taken")
	}
}

func isSilent(s *Sound) bool {
	peak := int16(0)
	for _, b := range s.laws[muLaw] {
		peak = max(peak, decodeMuLaw(b))
	}
	return peak < 2000
}
