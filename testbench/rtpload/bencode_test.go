package rtpload

import (
	"maps"
	"strings"
	"testing"
)

func TestTexts(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want map[string]string // nil: refused
	}{
		{"de", map[string]string{}},
		{"d6:result4:ponge", map[string]string{"result": "pong"}},
		{"d1:ai-3e1:bl1:cd1:d1:eee1:f0:e", map[string]string{"f": ""}},
		{"", nil},
		{"le", nil},
		{"d", nil},
		{"d1:a", nil},
		{"d1:a9:be", nil},
		{"d-1:ae", nil},
		{"d1:ai3", nil},
		{"d1:al1:be", nil},
		{"d99999999999999999999:ae", nil},
		{"d1:a" + strings.Repeat("l", 1000) + strings.Repeat("e", 1000) + "e", nil},
	} {
		got, err := texts([]byte(tt.in))
		if (err != nil) != (tt.want == nil) || err == nil && !maps.Equal(got, tt.want) {
			t.Errorf("%.40q: %v, %v", tt.in, got, err)
		}
	}
}

func FuzzTexts(f *testing.F) {
	f.Add("call-id", "x", "sdp", "v=0\r\n")
	f.Add("", "", "a", "1:e")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string) {
		got, err := texts(appendDictionary(nil, []string{v2, k1}, k1, v1, k2, v2))
		if k1 == "flags" || k2 == "flags" {
			return // taken
		}
		if err != nil || got[k2] != v2 || k1 != k2 && got[k1] != v1 {
			t.Fatalf("%v, %v", got, err)
		}
		_, _ = texts([]byte(k1 + v1 + k2 + v2)) // does not panic
	})
}
