package pdu

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// frames reads all frames of src, however it is cut into reads.
func frames(t *testing.T, src io.Reader, limit int) (all [][]byte, err error) {
	t.Helper()
	r := NewReader(src, limit, 64)
	for {
		f, err := r.Next()
		if err != nil {
			return all, err
		}
		if f != nil {
			all = append(all, bytes.Clone(f))
			continue
		}
		if _, err := r.Fill(); err != nil {
			return all, err
		}
	}
}

func TestReaderCutsFrames(t *testing.T) {
	var stream []byte
	var want [][]byte
	for i, size := range []int{0, 1, 40, 900, 0, 33} {
		f := appendHeader(nil, SubmitSM, ROK, uint32(i+1), HeaderLen+size)
		f = append(f, bytes.Repeat([]byte{byte(i)}, size)...)
		want = append(want, f)
		stream = append(stream, f...)
	}
	sources := map[string]func() io.Reader{
		"whole":     func() io.Reader { return bytes.NewReader(stream) },
		"one octet": func() io.Reader { return iotest.OneByteReader(bytes.NewReader(stream)) },
		"halves":    func() io.Reader { return iotest.HalfReader(bytes.NewReader(stream)) },
		"data, EOF": func() io.Reader { return iotest.DataErrReader(bytes.NewReader(stream)) },
	}
	for name, src := range sources {
		t.Run(name, func(t *testing.T) {
			got, err := frames(t, src(), 1000)
			if !errors.Is(err, io.EOF) {
				t.Fatalf("ended with %v", err)
			}
			if len(got) != len(want) {
				t.Fatalf("%d frames, want %d", len(got), len(want))
			}
			for i := range want {
				if !bytes.Equal(got[i], want[i]) {
					t.Fatalf("frame %d differs", i)
				}
			}
		})
	}
}

func TestReaderRefusesLengths(t *testing.T) {
	for name, length := range map[string]int{"none": 0, "below a header": 15, "above the limit": 1001, "highest": 0xFFFFFFFF} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(bytes.NewReader(appendHeader(nil, SubmitSM, ROK, 7, length)), 1000, 64)
			if _, err := r.Fill(); err != nil {
				t.Fatal(err)
			}
			f, err := r.Next()
			if StatusOf(err) != RInvCmdLen {
				t.Fatalf("fault %v", err)
			}
			if h := ParseHeader(f); h.Sequence != 7 {
				t.Fatalf("the header to answer is %+v", h)
			}
			if len(r.buf) > 64 {
				t.Fatalf("%d octets were allocated", len(r.buf))
			}
		})
	}
}

func TestReaderShrinksAgain(t *testing.T) {
	long := append(appendHeader(nil, DataSM, ROK, 1, 60_016), make([]byte, 60_000)...)
	stream := append(long, AppendHeader(nil, EnquireLink, ROK, 2)...)
	r := NewReader(iotest.HalfReader(bytes.NewReader(stream)), MaxBound, 1024)
	count := 0
	for {
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if f != nil {
			count++
			continue
		}
		if _, err := r.Fill(); err != nil {
			break
		}
	}
	if count != 2 || len(r.buf) != 1024 {
		t.Fatalf("%d frames, buffer of %d", count, len(r.buf))
	}
}

func TestReaderPartial(t *testing.T) {
	r := NewReader(bytes.NewReader([]byte{0, 0, 0}), 1000, 64)
	if r.Partial() {
		t.Fatal("partial before the first octet")
	}
	_, _ = r.Fill()
	if !r.Partial() {
		t.Fatal("not partial after three octets")
	}
}

func TestReaderWithoutProgress(t *testing.T) {
	r := NewReader(iotest.ErrReader(nil), 1000, 64)
	if _, err := r.Fill(); !errors.Is(err, io.ErrNoProgress) {
		t.Fatal(err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(AppendHeader(nil, EnquireLink, ROK, 1), 3)
	f.Add(appendHeader(nil, SubmitSM, ROK, 1, 0xFFFFFFFF), 16)
	f.Fuzz(func(t *testing.T, stream []byte, chunk int) {
		r := NewReader(&chunked{stream, max(chunk, 1)}, 300, 32)
		total := 0
		for {
			frame, err := r.Next()
			if err != nil {
				return
			}
			if frame != nil {
				if int(ParseHeader(frame).Length) != len(frame) || len(frame) > 300 {
					t.Fatal("a frame differs from its command_length")
				}
				total += len(frame)
				continue
			}
			if len(r.buf) > 300 {
				t.Fatal("the buffer outgrew the limit")
			}
			if _, err := r.Fill(); err != nil {
				if total+r.end-r.begin != len(stream) {
					t.Fatal("octets were lost")
				}
				return
			}
		}
	})
}

type chunked struct {
	rest []byte
	size int
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest[:min(c.size, len(c.rest))])
	c.rest = c.rest[n:]
	return n, nil
}
