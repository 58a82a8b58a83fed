package storetest

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"maskline/numberdb"
)

// BenchmarkCommit commits groups of size sessions between random parties at
// 2,000 masks. Reported is a session, with the CPU time of this process; the
// making of the groups is left out.
func BenchmarkCommit(b *testing.B, r numberdb.Registry, size int) {
	random := rand.New(rand.NewPCG(4, 2))
	sample, claims := Session(0), SessionClaims(0)
	next := 0
	make1 := func() (numberdb.Session, []numberdb.Binding) {
		s := sample
		s.ID += numberdb.ID(next)
		next++
		s.Participants = append([]numberdb.Participant(nil), sample.Participants...)
		pair := append([]numberdb.Binding(nil), claims...)
		for i := range s.Participants {
			party, mask := Party(random.IntN(1<<22)*2+i), Mask(random.IntN(2000))
			s.Participants[i] = numberdb.Participant{Number: party, To: numberdb.Endpoint{Kind: numberdb.Tel, Number: party}, Dial: mask}
			pair[i].Mask, pair[i].Party, pair[i].Session = mask, party, s.ID
		}
		return s, pair
	}
	b.ReportAllocs()
	conflicts := 0
	var used time.Duration
	for done := 0; done < b.N; done += size {
		b.StopTimer()
		var w numberdb.Writes
		for range size {
			s, pair := make1()
			w.Sessions, w.New, w.Claims = append(w.Sessions, s), append(w.New, s.ID), append(w.Claims, pair...)
		}
		before := CPUTime()
		b.StartTimer()
		if _, err := r.Commit(b.Context(), &w); err != nil {
			conflicts++
		}
		used += CPUTime() - before
	}
	b.ReportMetric(float64(used.Microseconds())/float64(b.N), "cpu-us/op")
	if conflicts > 1+b.N/size/10 {
		b.Fatalf("%d groups failed", conflicts)
	}
}

// CPUTime is that of this process: steadier than the clock where others use the
// machine.
func CPUTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
