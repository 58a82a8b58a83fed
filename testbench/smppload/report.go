package smppload

import (
	"fmt"
	"io"
	"time"
)

// Report is what a run has shown. Durations are in milliseconds.
type Report struct {
	Seconds float64 `json:"seconds"` // from the first message to the last answer or arrival
	Rate    float64 `json:"rate"`    // accepted messages per second

	Sent       uint64 `json:"sent"`
	Accepted   uint64 `json:"accepted"`
	Temporary  uint64 `json:"temporary"` // the sender is to try again; counted each time
	SentAgain  uint64 `json:"sent_again"`
	Refused    uint64 `json:"refused"`
	Unanswered uint64 `json:"unanswered"`
	Arrived    uint64 `json:"arrived"` // at a receiving end, whatever it answered
	Taken      uint64 `json:"taken"`   // accepted by a receiving end

	Lost           uint64 `json:"lost"`
	Duplicated     uint64 `json:"duplicated"`
	Unknown        uint64 `json:"unknown"` // arrived, though the sender was told something else than that
	Reordered      uint64 `json:"reordered"`
	PartsReordered uint64 `json:"parts_reordered"`
	PartsSplit     uint64 `json:"parts_split"` // over several binds
	Altered        uint64 `json:"altered"`
	Misrouted      uint64 `json:"misrouted"`
	Leaked         uint64 `json:"leaked"`
	Strays         uint64 `json:"strays"` // answers and arrivals that no message waits for

	Receipts         uint64 `json:"receipts"` // paired with their message
	ReceiptsLost     uint64 `json:"receipts_lost"`
	ReceiptsUnpaired uint64 `json:"receipts_unpaired"` // repeated, or of nothing that was accepted

	Faults MadeFaults `json:"faults"`

	Answer  Delays `json:"answer_ms"`  // from a message to its answer
	Transit Delays `json:"transit_ms"` // from one end to the other
}

// MadeFaults counts the faults that the receiving ends made.
type MadeFaults struct {
	Throttled uint64 `json:"throttled"`
	Errors    uint64 `json:"errors"`
	Delayed   uint64 `json:"delayed"`
	Swallowed uint64 `json:"swallowed"` // taken and never answered, cuts included
	Cuts      uint64 `json:"cuts"`
	Stalls    uint64 `json:"stalls"`
}

// Delays are percentiles in milliseconds.
type Delays struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// Progress is a run's totals so far.
type Progress struct {
	Elapsed                                        time.Duration
	Sent, Accepted, Temporary, Refused, Taken, Bad uint64
}

// Progress may be called at any time.
func (b *Bench) Progress() Progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := &b.total
	return Progress{
		Elapsed: time.Duration(b.now() - b.begun), Sent: t.sent, Accepted: t.accepted, Temporary: t.temporary,
		Refused: t.refused, Taken: t.taken, Bad: t.altered + t.misrouted + t.leaked,
	}
}

func (b *Bench) report() *Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, s := &b.total, &b.book.settled
	r := &Report{
		Sent: t.sent, Accepted: t.accepted, Temporary: t.temporary, SentAgain: t.sentAgain, Refused: t.refused, Unanswered: s.unanswered,
		Arrived: t.arrived, Taken: t.taken,
		Lost: s.lost, Duplicated: s.duplicated, Unknown: s.unknown,
		Reordered: t.reordered, PartsReordered: t.partsReordered, PartsSplit: t.partsSplit,
		Altered: t.altered, Misrouted: t.misrouted, Leaked: t.leaked, Strays: t.strays,
		Receipts: s.receiptsPaired, ReceiptsLost: s.receiptsLost, ReceiptsUnpaired: b.book.ids.unpaired(),
		Faults: MadeFaults{
			Throttled: t.throttled, Errors: t.erred, Delayed: t.delayed, Swallowed: t.swallowed, Cuts: t.cuts, Stalls: t.stalls,
		},
		Answer: b.answers.delays(), Transit: b.transit.delays(),
	}
	if t.lastEvent > b.begun {
		r.Seconds = time.Duration(t.lastEvent - b.begun).Seconds()
		done := t.accepted
		if b.in == nil {
			done = t.taken
		}
		r.Rate = float64(done) / r.Seconds
	}
	return r
}

func (h *histogram) delays() Delays {
	ms := func(d time.Duration) float64 { return float64(d.Round(time.Microsecond)) / float64(time.Millisecond) }
	return Delays{
		P50: ms(h.percentile(50)), P90: ms(h.percentile(90)), P99: ms(h.percentile(99)),
		P999: ms(h.percentile(99.9)), Max: ms(time.Duration(h.max)),
	}
}

// Faulty lists what must not happen on a sound relay, whatever its carriers do.
func (r *Report) Faulty() []string {
	var all []string
	for _, f := range []struct {
		n    uint64
		what string
	}{
		{r.Lost, "lost"},
		{r.ReceiptsLost, "without their receipt"},
		{r.Altered, "altered"},
		{r.Misrouted, "misrouted"},
		{r.Leaked, "leaked"},
	} {
		if f.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", f.n, f.what))
		}
	}
	return all
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) {
	fmt.Fprintf(w, "%d messages in %.2f s: %.0f accepted a second\n\n", r.Sent, r.Seconds, r.Rate)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("answered", "%d accepted, %d told to try again, of which %d were sent again, %d refused, %d nothing",
		r.Accepted, r.Temporary, r.SentAgain, r.Refused, r.Unanswered)
	line("arrived", "%d, of which %d were accepted; %d though the sender was told otherwise", r.Arrived, r.Taken, r.Unknown)
	line("bad", "%d lost, %d duplicated, %d altered, %d misrouted, %d leaked", r.Lost, r.Duplicated, r.Altered, r.Misrouted, r.Leaked)
	line("order", "%d overtaken on their bind; %d parts out of order, %d on another bind than the part before", r.Reordered, r.PartsReordered, r.PartsSplit)
	if r.Receipts+r.ReceiptsLost+r.ReceiptsUnpaired > 0 {
		line("receipts", "%d paired, %d missing, %d repeated or of nothing accepted", r.Receipts, r.ReceiptsLost, r.ReceiptsUnpaired)
	}
	if f := r.Faults; f != (MadeFaults{}) {
		line("faults", "%d throttled, %d errors, %d delayed, %d not answered, %d connections cut, %d stalls",
			f.Throttled, f.Errors, f.Delayed, f.Swallowed, f.Cuts, f.Stalls)
	}
	if r.Strays > 0 {
		line("strays", "%d answers and arrivals that no message waits for", r.Strays)
	}
	line("answer", "%v", r.Answer)
	line("transit", "%v", r.Transit)
}

// String is for people.
func (d Delays) String() string {
	return fmt.Sprintf("p50 %.2f, p90 %.2f, p99 %.2f, p99.9 %.2f, longest %.2f ms", d.P50, d.P90, d.P99, d.P999, d.Max)
}
