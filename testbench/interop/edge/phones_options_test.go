//go:build peers && long

package edge

import (
	"strings"
	"testing"
	"time"

	"maskline/testbench/await"
)

// TestPhonesRefreshTheirSessions has linphone on both sides with the shortest session
// timers there are: after holds of both, each side refreshes the call.
func TestPhonesRefreshTheirSessions(t *testing.T) {
	const timers = "session_expires_enabled=1\nsession_expires_value=90\nsession_expires_min_value=90\nsession_expires_refresher_value="
	const byUAS, byUAC = "1\n", "2\n"
	b := newBed(t)
	rides := makes{kind: "linphone", line: line{options: timers + byUAC}}
	drives := makes{kind: "linphone", line: line{options: timers + byUAS}}
	b.phonesThroughHold(rides, drives, func(caller, callee *person) {
		for _, p := range []*person{caller, callee} {
			if !strings.Contains(p.said(), "Session-Expires: 90;refresher=ua") {
				t.Errorf("%s has no session timer", p.name)
			}
		}
		// It takes UPDATE, which we allow. // RFC 4028 §7.4
		asked := func(p *person) int {
			return strings.Count(p.said(), "UPDATE sip:"+b.ip.String()) + strings.Count(p.said(), "INVITE sip:"+b.ip.String())
		}
		before := []int{asked(caller), asked(callee)}
		const interval = 90 * time.Second
		var rider, driver int
		if !await.Within(interval, func() bool {
			rider, driver = asked(caller)-before[0], asked(callee)-before[1]
			return rider > 0 && driver > 0
		}) {
			t.Fatalf("the caller refreshed %d times, the callee %d", rider, driver)
		}
	})
}
