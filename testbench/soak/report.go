package main

import (
	"context"
	"fmt"
	"time"
)

// report prints a line a minute.
type report struct {
	w     *world
	began time.Time
}

func newReport(w *world) *report { return &report{w: w, began: time.Now()} }

const row = "%6s %8v %8v %7v %7v %7v %8v %9v %6v %6v %6v %6v %9v %6v %6v %4v %6v  %s\n"

func (r *report) head() {
	fmt.Printf(row, "time", "sent", "accepted", "temp.", "refused", "unknown", "arrived", "receipts",
		"calls", "talked", "ref.", "failed", "packets", "heap", "RSS", "fds", "gorout", "")
}

// run reports, settles and searches every minute until ctx ends.
func (r *report) run(ctx context.Context) {
	tick := time.NewTicker(perLine)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.w.tally.settle(time.Now(), false)
			r.w.leaks.scan(ctx)
			r.line("")
		}
	}
}

// line prints the totals so far; what is still under way is in none of arrived
// and receipts.
func (r *report) line(note string) {
	c, _ := r.w.tally.now()
	v := r.w.calls.now()
	u, err := r.w.usage(context.Background())
	if err != nil {
		note += " (the edge is away)"
	}
	fmt.Printf(row, time.Since(r.began).Truncate(time.Second), c.sent, c.accepted, c.temporary, c.refused, c.unknown,
		c.arrived+c.arrivedUnknown, c.receipts, v.made, v.answered, v.refused, v.failed+v.mute+v.excused, v.packets,
		mebi(u.heap), mebi(u.rss), u.fds, u.goroutines, note)
}

func mebi(octets int64) string { return fmt.Sprintf("%dM", octets>>20) }

func (r *report) growth(before, after usage) {
	fmt.Printf("left alone, the edge went from %v to %v\n", before, after)
}

// final prints every total.
func (r *report) final() {
	c, _ := r.w.tally.now()
	a := r.w.user.tally.now()
	v := r.w.calls.now()
	fmt.Printf(`
messages   %d sent: %d accepted, %d told to try again, %d refused, %d without an answer
arrived    %d of the accepted, %d of those without an answer or told to try again; %d lost, %d more than once
of these   %s
receipts   %d for accepted messages of accounts, %d of them again; %d cost by a kill within %v of the answer, %d lost
calls      %d made: %d talked, %d refused, %d failed or mute while a peer or the edge was away, %d failed, %d mute
media      %d packets received; %d calls showed another number than a mask
API        %d sessions and leases asked for, %d answered, %d without an answer; %d tries were not answered
           %d lost, %d made twice, %d that nobody asked for, %d beyond their time, %d before it
webhooks   %d events, %d of them again; %d out of order, %d sessions not told of
codes      %d verified, %d not, since a peer or the edge was away
searched   %d frames, texts and scrapes for %d real numbers
`, c.sent, c.accepted, c.temporary, c.refused, c.unknown,
		c.arrived, c.arrivedUnknown, c.lost, c.doubled, r.w.tally.byWay(),
		c.receipts, c.receiptsAgain, c.receiptsExcused, writtenBehind, c.receiptsLost,
		v.made, v.answered, v.refused, v.excused, v.failed, v.mute,
		v.packets, v.unmasked,
		a.asked, a.made, a.unanswered, a.again, a.lost, a.doubled, a.unasked, a.lasting, a.cut,
		a.events, a.repeated, a.disorder, a.untold, a.verified, a.unverified,
		r.w.leaks.searched(), len(r.w.people.everybody()))
}
