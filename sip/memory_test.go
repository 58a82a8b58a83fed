package sip

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// BenchmarkMemoryPerCall reports the heap that a call takes while it stands and
// while it lingers for late messages after its end, without media.
func BenchmarkMemoryPerCall(b *testing.B) {
	const calls = 1000
	for b.Loop() {
		bed := newBed(b, nil)
		caller, callee := bed.caller, bed.callees[0]
		before := heapInUse()
		var answers []string
		for i := range calls {
			caller.send(caller.invite(fmt.Sprint("call", i)))
			invite := callee.expect("INVITE ")
			callee.send(callee.reply(invite, 180, ""))
			callee.send(callee.reply(invite, 200, callee.sdp()))
			answer := caller.expect("SIP/2.0 200")
			caller.send(caller.inDialog("ACK", answer, 1))
			answers = append(answers, strings.Clone(answer))
		}
		eventually(b, "all are up", func() bool { return countState(bed, "up") == calls })
		own := int64(0)
		for _, a := range answers {
			own += int64(len(a))
		}
		up := (heapInUse() - before - own) / calls
		for i, answer := range answers {
			caller.send(caller.inDialog("BYE", answer, 2+i))
			caller.expect("SIP/2.0 200 ")
			callee.send(callee.reply(callee.expect("BYE "), 200, ""))
		}
		eventually(b, "all are over", func() bool { return len(bed.edge.Calls()) == 0 })
		after := (heapInUse() - before - own) / calls
		b.ReportMetric(float64(up), "B/established")
		b.ReportMetric(float64(after), "B/lingering")
	}
}

func countState(b *bed, state string) int {
	n := 0
	for _, c := range b.edge.Calls() {
		if c.State == state {
			n++
		}
	}
	return n
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
