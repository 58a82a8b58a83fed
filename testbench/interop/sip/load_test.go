//go:build peers

package sip

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"maskline/sip"
)

// TestLoad sets calls up and tears them down at an even rate and prints what
// the edge's process spent on each: SIPp runs in processes of its own. The media
// relay is not part of it. LOAD_RATE and LOAD_SECONDS change the default of 100
// calls a second for 5 seconds.
func TestLoad(t *testing.T) {
	rate, seconds := setting(t, "LOAD_RATE", 100), setting(t, "LOAD_SECONDS", 5)
	b := newBed(t, func(c *sip.Config) {
		for i := range c.Trunks {
			c.Trunks[i].FirstResponse = 10 * time.Second
		}
	})
	calls := rate * seconds
	callee := start(t, run{scenario: "callee_answers", port: b.alfa, number: bob, calls: calls, quiet: true}, "")
	before, memory := cpu(t), heap()
	began := time.Now()
	caller := start(t, run{scenario: "caller_hangs_up", port: b.caller, number: alice, dials: maskA, calls: calls, rate: rate, quiet: true}, b.addr.String())
	caller.wait()
	callee.wait()
	spent, took := cpu(t)-before, time.Since(began)
	eventually(t, "all calls are over", func() bool { return len(b.edge.Calls()) == 0 })
	if got := b.count("maskline_sip_calls_total", "why", "caller"); got != float64(calls) {
		t.Errorf("%v of %d calls went well", got, calls)
	}
	resent := b.count("maskline_sip_requests_total", "trunk", "alfa", "direction", "out", "method", "INVITE") - float64(calls)
	lingering := b.count("maskline_sip_calls", "state", "over")
	t.Logf("%d calls at %d/s in %v: %.3f ms CPU each, %v INVITEs repeated by us, caller repeated %s; heap %d bytes for each of %v calls that linger",
		calls, rate, took.Round(time.Millisecond), spent.Seconds()*1000/float64(calls), resent, caller.repeated(),
		(heap()-memory)/max(int64(lingering), 1), lingering)
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// cpu is what this process has used so far.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// repeated reads SIPp's own count of repeated INVITEs from its last screen.
func (s *sipp) repeated() string {
	for line := range strings.SplitSeq(s.output.String(), "\n") {
		if fields := strings.Fields(line); len(fields) > 3 && fields[0] == "INVITE" && fields[1] == "---------->" {
			return fields[3]
		}
	}
	return "?"
}
