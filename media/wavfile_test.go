package media

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const loud = 0x10 // an octet of either law that is no silence

// said is a packet of 20 ms that came at a time of the recording's.
func said(side Side, payloadType uint8, stamp uint32, at time.Duration) Heard {
	return Heard{Side: side, PayloadType: payloadType, Timestamp: stamp, SSRC: uint32(side), At: at, Payload: bytes.Repeat([]byte{loud}, 160)}
}

// stretch is where one channel of a recording sounds, in samples.
type stretch struct{ from, to int }

func stretches(samples []int16) []stretch {
	var all []stretch
	for i, v := range samples {
		switch {
		case v == 0:
		case len(all) > 0 && all[len(all)-1].to == i:
			all[len(all)-1].to++
		default:
			all = append(all, stretch{i, i + 1})
		}
	}
	return all
}

// TestTape places voices by their RTP time.
func TestTape(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name  string
		heard []Heard
		a, b  []stretch
		late  uint64
	}{
		{"two sides", []Heard{said(A, 8, 5000, 0), said(B, 0, 9, 10*ms), said(A, 8, 5160, 20*ms)}, []stretch{{0, 320}}, []stretch{{80, 240}}, 0},
		{"jitter does not move it", []Heard{said(A, 8, 0, 0), said(A, 8, 160, 55*ms), said(A, 8, 320, 56*ms)}, []stretch{{0, 480}}, nil, 0},
		{"a gap is silence", []Heard{said(A, 8, 0, 0), said(A, 8, 480, 60*ms)}, []stretch{{0, 160}, {480, 640}}, nil, 0},
		{"order does not matter", []Heard{said(A, 8, 0, 0), said(A, 8, 320, 40*ms), said(A, 8, 160, 41*ms)}, []stretch{{0, 480}}, nil, 0},
		{"twice is once", []Heard{said(A, 8, 0, 0), said(A, 8, 0, 1*ms)}, []stretch{{0, 160}}, nil, 0},
		{"its time wraps", []Heard{said(A, 8, 1<<32-160, 0), said(A, 8, 0, 20*ms)}, []stretch{{0, 320}}, nil, 0},
		{"keys and comfort noise are silence", []Heard{said(A, 8, 0, 0), said(A, 101, 160, 20*ms), said(A, 13, 320, 40*ms), said(A, 8, 480, 60*ms)}, []stretch{{0, 160}, {480, 640}}, nil, 0},
		{"a jump of its time begins anew", []Heard{said(A, 8, 0, 0), said(A, 8, 1<<30, 100*ms)}, []stretch{{0, 160}, {800, 960}}, nil, 0},
		{"so does another source", []Heard{said(A, 8, 0, 0), {Side: A, PayloadType: 8, Timestamp: 80, SSRC: 9, At: 50 * ms, Payload: bytes.Repeat([]byte{loud}, 160)}}, []stretch{{0, 160}, {400, 560}}, nil, 0},
		{"both laws", []Heard{said(A, 8, 0, 0), said(A, 0, 160, 20*ms)}, []stretch{{0, 320}}, nil, 0},
		{"too late", []Heard{said(A, 8, 0, 0), said(B, 8, 0, 0), said(B, 8, 12000, 1500*ms), said(A, 8, 160, 900*ms)}, []stretch{{0, 160}}, []stretch{{0, 160}, {12000, 12160}}, 1},
		{"too long", []Heard{said(A, 8, 0, 0), said(A, 8, 15920, 1990*ms), said(A, 8, 16080, 2010*ms)}, []stretch{{0, 160}, {15920, 16000}}, nil, 1},
		{"nothing", nil, nil, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			tape := tape{out: &out, most: 2 * sampleRate}
			for _, p := range c.heard {
				if err := tape.hear(&p); err != nil {
					t.Fatal(err)
				}
			}
			if err := tape.finish(); err != nil {
				t.Fatal(err)
			}
			var sides [2][]int16
			for i, b := 0, out.Bytes(); i < len(b); i += 2 {
				sides[i/2%2] = append(sides[i/2%2], int16(binary.LittleEndian.Uint16(b[i:])))
			}
			if a, b := stretches(sides[A]), stretches(sides[B]); !slices.Equal(a, c.a) || !slices.Equal(b, c.b) || tape.late != c.late {
				t.Errorf("A %v, B %v, %d late, want %v, %v, %d", a, b, tape.late, c.a, c.b, c.late)
			}
		})
	}
}

// TestTapeMixes adds the sides, and does not wrap where both are loud.
func TestTapeMixes(t *testing.T) {
	var out bytes.Buffer
	tape := tape{out: &out, most: sampleRate, mixed: true}
	for _, p := range []Heard{
		{Side: A, PayloadType: 8, Payload: []byte{encodeALaw(1000), encodeALaw(30000), encodeALaw(-30000)}},
		{Side: B, PayloadType: 0, Payload: []byte{encodeMuLaw(-200), encodeMuLaw(30000), encodeMuLaw(-30000)}},
	} {
		if err := tape.hear(&p); err != nil {
			t.Fatal(err)
		}
	}
	if err := tape.finish(); err != nil {
		t.Fatal(err)
	}
	want := []int16{decodeALaw(encodeALaw(1000)) + decodeMuLaw(encodeMuLaw(-200)), 32767, -32768}
	for i, v := range want {
		if got := int16(binary.LittleEndian.Uint16(out.Bytes()[2*i:])); got != v {
			t.Errorf("sample %d: %d, want %d", i, got, v)
		}
	}
}

// TestWAVFileGolden is a whole file, which our own reader takes where it is mono.
func TestWAVFileGolden(t *testing.T) {
	for _, mixed := range []bool{false, true} {
		dir := t.TempDir()
		name := filepath.Join(dir, "message.wav")
		var end WAVEnd
		w, err := CreateWAV(name, WAVOptions{Mixed: mixed, Longest: time.Minute, OnEnd: func(e WAVEnd) { end = e }})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 100 {
			w.Hear(said(A, 8, uint32(160*n), time.Duration(n)*frameTime))
		}
		if _, err := os.Stat(name); err == nil {
			t.Error("it has its name before it is whole")
		}
		w.End(3)
		if end.Err != nil || end.Length != 2*time.Second || end.Lost != 3 || end.Late != 0 {
			t.Errorf("%+v", end)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		header := "RIFF\x24\xfa\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00\x40\x1f\x00\x00\x00\x7d\x00\x00\x04\x00\x10\x00data\x00\xfa\x00\x00"
		if mixed {
			header = "RIFF\x24\x7d\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x00\x7d\x00\x00"
			if _, err := parseWAV(b); err != nil {
				t.Error(err)
			}
		}
		if string(b[:wavHeader]) != header || len(b) != int(binary.LittleEndian.Uint32(b[4:]))+8 {
			t.Errorf("%d octets, header % x", len(b), b[:wavHeader])
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, error %v", info.Mode(), err)
		}
		onlyFile(t, dir, "message.wav")
	}
}

func onlyFile(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, names) {
		t.Errorf("the folder has %v, want %v", got, names)
	}
}

// TestWAVFileThatCannotBeWritten leaves nothing behind, and says so once.
func TestWAVFileThatCannotBeWritten(t *testing.T) {
	if _, err := CreateWAV(filepath.Join(t.TempDir(), "no", "folder.wav"), WAVOptions{Longest: time.Minute}); err == nil {
		t.Error("a folder that is not there was no error")
	}
	for _, longest := range []time.Duration{0, -1, 5 * time.Hour} {
		dir := t.TempDir()
		if _, err := CreateWAV(filepath.Join(dir, "a.wav"), WAVOptions{Longest: longest}); err == nil {
			t.Errorf("%v was no error", longest)
		}
		onlyFile(t, dir)
	}
	t.Run("the disk fails", func(t *testing.T) {
		dir := t.TempDir()
		var ends []WAVEnd
		w, err := CreateWAV(filepath.Join(dir, "a.wav"), WAVOptions{Longest: time.Minute, OnEnd: func(e WAVEnd) { ends = append(ends, e) }})
		if err != nil {
			t.Fatal(err)
		}
		_ = w.file.Close()
		for n := range 200 {
			w.Hear(said(A, 8, uint32(160*n), time.Duration(n)*frameTime))
		}
		w.End(0)
		if len(ends) != 1 || ends[0].Err == nil {
			t.Errorf("%+v", ends)
		}
		onlyFile(t, dir)
	})
	t.Run("the name is a folder", func(t *testing.T) {
		dir := t.TempDir()
		var end WAVEnd
		w, err := CreateWAV(dir, WAVOptions{Longest: time.Minute, OnEnd: func(e WAVEnd) { end = e }})
		if err != nil {
			t.Fatal(err)
		}
		temporary := w.file.Name()
		w.End(0)
		if _, err := os.Stat(temporary); end.Err == nil || err == nil {
			t.Errorf("%+v, and the temporary file: %v", end, err)
		}
	})
}

// TestCallBecomesAWAVFile records a relayed call.
func TestCallBecomesAWAVFile(t *testing.T) {
	b := newBed(t, nil)
	a, z := newPeer(t, "127.0.0.2"), newPeer(t, "127.0.0.3")
	s := b.call(a, z)
	name := filepath.Join(t.TempDir(), "call.wav")
	end := make(chan WAVEnd, 1)
	w, err := CreateWAV(name, WAVOptions{Longest: time.Minute, OnEnd: func(e WAVEnd) { end <- e }})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Record(w); err != nil {
		t.Fatal(err)
	}
	for seq := range uint16(50) {
		exchange(t, s, A, a, z, seq)
		exchange(t, s, B, z, a, seq)
		b.at.Add(int64(frameTime))
	}
	s.Release()
	if got := <-end; got.Err != nil || got.Lost != 0 || got.Late != 0 || got.Length != time.Second {
		t.Errorf("%+v", got)
	}
	info, err := os.Stat(name)
	if err != nil || info.Size() != wavHeader+4*sampleRate {
		t.Errorf("%v, error %v", info.Size(), err)
	}
}

// FuzzTape places whatever comes: it never writes more than it may, and what it
// writes is whole.
func FuzzTape(f *testing.F) {
	f.Add([]byte("\x00\x08\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\xff\xff\x05"), false)
	f.Add(bytes.Repeat([]byte{1, 0, 0xff, 0xff, 0xff, 0xff, 9, 9}, 20), true)
	f.Fuzz(func(t *testing.T, b []byte, mixed bool) {
		var out bytes.Buffer
		tape := tape{out: &out, most: 3 * sampleRate, mixed: mixed}
		for ; len(b) >= 8; b = b[8:] {
			p := Heard{
				Side: Side(b[0] & 1), SSRC: uint32(b[0] >> 6), PayloadType: b[1] & 8, Timestamp: binary.BigEndian.Uint32(b[2:]),
				At: time.Duration(b[6]) * 20 * time.Millisecond, Payload: bytes.Repeat([]byte{loud}, int(b[7])*5),
			}
			if err := tape.hear(&p); err != nil {
				t.Fatal(err)
			}
		}
		if err := tape.finish(); err != nil {
			t.Fatal(err)
		}
		if n := int64(out.Len()); tape.written > 3*sampleRate || n != tape.written*int64(2*tape.channels()) {
			t.Fatalf("%d samples in %d octets", tape.written, n)
		}
	})
}
