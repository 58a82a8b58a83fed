package numberdb

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestCosts(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1": 1e6, "1.5": 15e5, "0.000001": 1, "999999999999.999999": 1e18 - 1} {
		got, err := ParseMillionths(text)
		if err != nil || got != want || FormatMillionths(got) != text {
			t.Errorf("%s is %d, written as %s, %v", text, got, FormatMillionths(got), err)
		}
	}
	for _, text := range []string{"", ".5", "1.", "-1", "+1", "1e3", "1.0000001", "1000000000000", "1,5"} {
		if _, err := ParseMillionths(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestDefaultsOfAFileOfMasks(t *testing.T) {
	rows, err := ReadMasks(t.Context(), strings.NewReader("\ufeffnumber,state\r\n\r\n+44 20 7946-0011,\r\n44:60123,draining\r\n"), "uk", KnownForMasks{})
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	long, short := rows[0], rows[1]
	if long.Mask.Pool != "uk" || long.Mask.Services != SMS|Voice || !long.KeepState || long.Line != 3 {
		t.Errorf("%+v", long)
	}
	if short.Mask.Kind != ShortCode || short.Mask.Services != SMS || short.KeepState || short.Mask.State != Draining {
		t.Errorf("%+v", short)
	}
}

// FuzzReadMasks: what is read is written so that it is read again, octet for octet.
func FuzzReadMasks(f *testing.F) {
	f.Add([]byte(maskHeader + "\n+442079460011,uk,long_code,GB,London,sms+voice,alfa,bravo|charlie,1.25,registered_address|registered,free\n"))
	f.Add([]byte("number\n44:60123\n"))
	f.Add([]byte("number,region\n+442079460011,\"a, \"\"b\"\"\"\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		rows, err := ReadMasks(t.Context(), bytes.NewReader(file), "", KnownForMasks{})
		if err != nil {
			return
		}
		masks := make([]Mask, len(rows))
		for i := range rows {
			masks[i] = rows[i].Mask
		}
		var first, second bytes.Buffer
		if err := ExportMasks(&first, masks); err != nil {
			t.Fatal(err)
		}
		again, err := ReadMasks(t.Context(), bytes.NewReader(first.Bytes()), "", KnownForMasks{})
		if err != nil || len(again) != len(masks) {
			t.Fatalf("%d of %d, %v\n%s", len(again), len(masks), err, first.Bytes())
		}
		for i := range again {
			if !reflect.DeepEqual(again[i].Mask, masks[i]) {
				t.Fatalf("row %d differs", i)
			}
		}
		if err := ExportMasks(&second, masks); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatal("written otherwise", err)
		}
	})
}
