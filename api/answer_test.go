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

// What a server of a control socket gives up, its client still hears of.
func TestLimitsOfTheControlSocket(t *testing.T) {
	limits := ControlLimits()
	if limits.HeaderTimeout <= 0 || limits.ReadTimeout < importTimeout || limits.WriteTimeout < importTimeout || limits.WriteTimeout < maxProfile {
		t.Errorf("a request is cut off before its time: %+v", limits)
	}
	if FileTimeout <= limits.ReadTimeout || FileTimeout <= limits.WriteTimeout || AnswerTimeout <= answerTimeout || AnswerTimeout <= maxProfile {
		t.Error("a client gives up before its server")
	}
}
