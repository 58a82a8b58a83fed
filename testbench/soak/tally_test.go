package main

import (
	"testing"
	"time"
)

func TestTally(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	after := func(d time.Duration) time.Time { return start.Add(d) }
	cases := []struct {
		name string
		play func(*tally)
		want counts
	}{
		{"accepted and arrived", func(y *tally) {
			y.sent("a", carrierToCarrier, start)
			y.arrived("a")
			y.answered("a", accepted, "", "", start)
		}, counts{sent: 1, accepted: 1, arrived: 1}},
		{"accepted and lost", func(y *tally) {
			y.sent("a", carrierToAccount, start)
			y.answered("a", accepted, "", "", start)
		}, counts{sent: 1, accepted: 1, lost: 1}},
		{"accepted and lost is not excused by a kill", func(y *tally) {
			y.sent("a", carrierToAccount, start)
			y.answered("a", accepted, "", "", start)
			y.killed(after(time.Millisecond))
		}, counts{sent: 1, accepted: 1, lost: 1}},
		{"arrived twice", func(y *tally) {
			y.sent("a", carrierToCarrier, start)
			y.arrived("a")
			y.arrived("a")
			y.answered("a", accepted, "", "", start)
		}, counts{sent: 1, accepted: 1, arrived: 1, doubled: 1}},
		{"in flight at a kill, and arrived", func(y *tally) {
			y.sent("a", carrierToCarrier, start)
			y.arrived("a")
			y.answered("a", unknown, "", "", start)
		}, counts{sent: 1, unknown: 1, arrivedUnknown: 1}},
		{"in flight at a kill, and gone", func(y *tally) {
			y.sent("a", carrierToCarrier, start)
			y.answered("a", unknown, "", "", start)
		}, counts{sent: 1, unknown: 1}},
		{"temporary", func(y *tally) {
			y.sent("a", carrierToCarrier, start)
			y.answered("a", temporary, "", "", start)
		}, counts{sent: 1, temporary: 1}},
		{"refused", func(y *tally) {
			y.sent("a", carrierToCarrier, start)
			y.answered("a", refused, "", "", start)
		}, counts{sent: 1, refused: 1}},
		{"receipt", func(y *tally) {
			y.sent("a", accountToCarrier, start)
			y.arrived("a")
			y.answered("a", accepted, "shop", "7", start)
			y.receipt("shop", "7")
		}, counts{sent: 1, accepted: 1, arrived: 1, receipts: 1}},
		{"receipt before the answer, and again", func(y *tally) {
			y.sent("a", accountToCarrier, start)
			y.arrived("a")
			y.receipt("shop", "7")
			y.answered("a", accepted, "shop", "7", start)
			y.receipt("shop", "7")
		}, counts{sent: 1, accepted: 1, arrived: 1, receipts: 1, receiptsAgain: 1}},
		{"receipt lost", func(y *tally) {
			y.sent("a", accountToCarrier, start)
			y.arrived("a")
			y.answered("a", accepted, "shop", "7", start)
			y.killed(after(writtenBehind + time.Second))
		}, counts{sent: 1, accepted: 1, arrived: 1, receiptsLost: 1}},
		{"receipt lost by a kill right after", func(y *tally) {
			y.sent("a", accountToCarrier, start)
			y.arrived("a")
			y.answered("a", accepted, "shop", "7", start)
			y.killed(after(time.Second))
		}, counts{sent: 1, accepted: 1, arrived: 1, receiptsExcused: 1}},
		{"receipt of another account's message", func(y *tally) {
			y.sent("a", accountToCarrier, start)
			y.arrived("a")
			y.answered("a", accepted, "shop", "7", start)
			y.receipt("outlet", "7")
		}, counts{sent: 1, accepted: 1, arrived: 1, receiptsLost: 1, receiptsUnexpected: 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			y := newTally()
			c.play(y)
			y.settle(after(time.Second), false)
			if _, open := y.now(); open != 1 {
				t.Fatal("settled too early")
			}
			y.settle(after(grace), true)
			if got, open := y.now(); got != c.want || open != 0 {
				t.Errorf("%+v, not %+v", got, c.want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	good := counts{sent: 9, accepted: 5, temporary: 2, unknown: 2, arrived: 5, arrivedUnknown: 2, receipts: 2, receiptsAgain: 1, receiptsExcused: 1}
	if faults := good.faults(); len(faults) > 0 {
		t.Errorf("faults: %v", faults)
	}
	for name, bad := range map[string]counts{"lost": {lost: 1}, "doubled": {doubled: 1}, "refused": {refused: 1}, "receipts": {receiptsLost: 1}} {
		if len(bad.faults()) != 1 {
			t.Errorf("%s is no fault", name)
		}
	}
}
