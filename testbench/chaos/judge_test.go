package main

import (
	"testing"

	"maskline/testbench/smppload"
)

func TestJudge(t *testing.T) {
	good := smppload.Report{Sent: 9, Accepted: 5, Temporary: 2, Unanswered: 2, Unknown: 3, ReceiptsLost: 1, Reordered: 4}
	if faults := judge("x", &good); len(faults) > 0 {
		t.Errorf("faults: %v", faults)
	}
	for name, bad := range map[string]smppload.Report{
		"lost": {Accepted: 1, Lost: 1}, "doubled": {Accepted: 1, Duplicated: 1}, "altered": {Accepted: 1, Altered: 1},
		"misrouted": {Accepted: 1, Misrouted: 1}, "leaked": {Accepted: 1, Leaked: 1}, "nothing": {Sent: 1},
	} {
		if len(judge("x", &bad)) != 1 {
			t.Errorf("%s is no fault", name)
		}
	}
}
