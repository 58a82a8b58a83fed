package sip

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/sip/message"
)

func TestDocsOfTimers(t *testing.T) {
	want := map[string]string{
		"T1, T2, T4 of RFC 3261": strings.Join([]string{written(t1), written(t2), written(t4)}, ", "),
		"a request without an answer, an answer without its ACK (timers B, F, H)": written(t64),
		"first answer to an INVITE of ours":                                       written(defaultFirstResponse),
		"after a 100, anything more":                                              written(defaultTrying),
		"ringing":                                                                 "60 s",
		"the last ringing repeated to the caller":                                 "60 s",
		"a reliable answer without its PRACK":                                     written(t64),
		"the reply slot of a new caller":                                          written(slotWithin),
		"the other side's answer to an UPDATE or INFO":                            written(patience),
		"session timer":                                                           "1800 s",
		"length of a call":                                                        written(defaultMaxDuration),
		"an ended call in memory":                                                 written(t64),
		"Retry-After that is obeyed":                                              written(defaultRetryAfterMax),
		"between probes":                                                          written(defaultProbeEvery),
		"a probe without an answer":                                               written(probeTimeout),
		"a REGISTER without an answer":                                            written(registerTimeout),
		"a nonce of ours":                                                         written(nonceLife),
		"an address of a name that was silent comes last":                         written(shunFor),
	}
	if defaultRing != time.Minute || ringEvery != time.Minute || defaultSession != 30*time.Minute {
		t.Error("what is written in seconds here and on the page has changed")
	}
	for _, row := range docsTable(t, "## Timers") {
		if w, known := want[row[0]]; !known || row[1] != w {
			t.Errorf("%s: %q documented, want %q", row[0], row[1], w)
		}
		delete(want, row[0])
	}
	for what := range want {
		t.Errorf("%q is not documented", what)
	}
}

// written is a time as the page has it.
func written(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	default:
		return fmt.Sprintf("%g s", d.Seconds())
	}
}

func TestDocsOfOptionTags(t *testing.T) {
	all := message.OptionTags(math.MaxUint8).Unsupported()
	var documented []string
	for _, row := range docsTable(t, "## Option tags") {
		documented = append(documented, row[0])
	}
	want := strings.Split(strings.TrimPrefix(all, "Unsupported: "), ", ")
	if want = append(want, "any other"); !slices.Equal(documented, want) {
		t.Errorf("%q documented, want %q", documented, want)
	}
}
