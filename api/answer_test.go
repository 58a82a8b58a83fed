package api

import (
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0s": 0, "1h": time.Hour, "1h30m": 90 * time.Minute, "24h": 24 * time.Hour, "1h0m5s": time.Hour + 5*time.Second, "10m": 10 * time.Minute, "1.5s": 1500 * time.Millisecond,
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want || d.String() != text {
			t.Errorf("%s is %v, written as %s, %v", text, time.Duration(d), d, err)
		}
	}
}
