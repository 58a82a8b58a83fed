package ledger

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSubmissionRecord(t *testing.T) {
	full := submission(3)
	long := submission(4)
	long.Carrier, long.Destination.Digits = strings.Repeat("c", 255), strings.Repeat("d", 255)
	cases := map[string]Submission{
		"full": full, "empty": {}, "longest": long,
		"before 1970": {At: time.UnixMicro(-5), LocalID: 1<<64 - 1},
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			data := appendSubmission([]byte("before"), &want)[len("before"):]
			got, rest, err := readSubmission(append(data, "after"...))
			if err != nil || string(rest) != "after" {
				t.Fatalf("%q follows, %v", rest, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
			for i := range len(data) {
				if _, _, err := readSubmission(data[:i]); err == nil {
					t.Fatalf("read from %d of %d octets", i, len(data))
				}
			}
		})
	}
}

func TestReceiptRecord(t *testing.T) {
	word := receipt(4)
	word.ErrorWord = "E1A"
	for name, want := range map[string]HeldReceipt{"full": receipt(3), "error in letters": word, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			data := appendReceipt(nil, &want)
			got, err := readReceipt(data)
			if err != nil {
				t.Fatal(err)
			}
			got.ID = want.ID
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
			for i := range len(data) {
				if _, err := readReceipt(data[:i]); err == nil {
					t.Fatalf("read from %d of %d octets", i, len(data))
				}
			}
			if _, err := readReceipt(append(data, 0)); err == nil {
				t.Fatal("an octet too many was accepted")
			}
		})
	}
}

// Records of every version must be readable by every later one.
func TestGoldenRecords(t *testing.T) {
	const (
		goldenReceiptV2  = "030203abcdeb0780c99a9a83b2b00680d2949b83b2b00680db8e9c83b2b0060473686f700345314101010c34343737303030303030303305000c5368c3b67030303030303033"
		goldenSubmission = "010101eb07f0f79a9a83b2b00604616c66610772656d6f7465330473686f7001010c34343131313030303030303301010c343437373030303030303033"
		goldenReceipt    = "020203abcdeb0780c99a9a83b2b00680d2949b83b2b00680db8e9c83b2b0060473686f7001010c34343737303030303030303305000c5368c3b67030303030303033"
	)
	s := submission(3)
	if got := hex.EncodeToString(appendSubmission(nil, &s)); got != goldenSubmission {
		t.Errorf("a submission is now %s", got)
	}
	r := receipt(3)
	v1, err := hex.DecodeString(goldenReceipt)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readReceipt(v1)
	if got.ID = r.ID; err != nil || !cmp.Equal(got, r) {
		t.Errorf("a receipt of the first version is read with %v as something else", err)
	}
	r.ErrorWord = "E1A"
	if got := hex.EncodeToString(appendReceipt(nil, &r)); got != goldenReceiptV2 {
		t.Errorf("a receipt is now %s", got)
	}
}

func TestAddressesDoNotPrint(t *testing.T) {
	for _, text := range []string{fmt.Sprint(submission(1)), fmt.Sprintf("%+v", receipt(1)), fmt.Sprintf("%#v", submission(1))} {
		if strings.Contains(text, "44770") || strings.Contains(text, "44111") {
			t.Errorf("printed: %s", text)
		}
	}
}

func FuzzReadSubmission(f *testing.F) {
	s := submission(3)
	f.Add(appendSubmission(nil, &s))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, _, err := readSubmission(data)
		if err != nil {
			return
		}
		again, rest, err := readSubmission(appendSubmission(nil, &got))
		if err != nil || len(rest) != 0 || !cmp.Equal(got, again) {
			t.Fatalf("%d octets follow, %v", len(rest), err)
		}
	})
}

func FuzzReadReceipt(f *testing.F) {
	r := receipt(3)
	f.Add(appendReceipt(nil, &r))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readReceipt(data)
		if err != nil {
			return
		}
		if again, err := readReceipt(appendReceipt(nil, &got)); err != nil || !cmp.Equal(got, again) {
			t.Fatal(err)
		}
	})
}

func BenchmarkAppendSubmission(b *testing.B) {
	s := submission(3)
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = appendSubmission(dst[:0], &s)
	}
}
