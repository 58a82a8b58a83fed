package sip

import (
	"testing"
	"time"
)

func TestCallsAreFoundUntilTheyGo(t *testing.T) {
	c := newCalls()
	actorOf := func(id uint64) *actor {
		return &actor{call: newCall(id, nil, 1), inviteKey: callKey{id, 1}, mergeKey: callKey{id, 2}}
	}
	first := actorOf(1)
	if _, how := c.add(first, 2); how != addedNew {
		t.Fatal(how)
	}
	again := actorOf(2)
	again.inviteKey = first.inviteKey
	if known, how := c.add(again, 2); how != addedRepeated || known != first {
		t.Error("the same INVITE:", how)
	}
	merged := actorOf(3)
	merged.mergeKey = first.mergeKey
	if _, how := c.add(merged, 2); how != addedMerged {
		t.Error("another way:", how)
	}
	if c.findInvite(merged.inviteKey) != nil {
		t.Error("a call that was not entered is found")
	}
	if _, how := c.add(actorOf(4), 2); how != addedNew {
		t.Error("there is room:", how)
	}
	full := actorOf(5)
	if _, how := c.add(full, 2); how != addedFull || c.findInvite(full.inviteKey) != nil {
		t.Error("there is no room:", how)
	}
	c.remove(first)
	c.remove(first) // a second time does nothing
	if c.find(1) != nil || c.findInvite(first.inviteKey) != nil || len(c.all()) != 1 {
		t.Error("a call that has gone is found")
	}
	if _, how := c.add(full, 2); how != addedNew {
		t.Error("there is room again:", how)
	}
}

func TestMapsOfCallsShrink(t *testing.T) {
	var p indexPart[uint64]
	const many = 10_000
	for i := range uint64(many) {
		p.enter(i, &actor{})
	}
	for i := range uint64(many - 10) {
		p.remove(i)
	}
	if p.grown > many/8 {
		t.Errorf("made for %d calls, and 10 are left", p.grown)
	}
	for i := uint64(many - 10); i < many; i++ {
		if p.find(i) == nil {
			t.Errorf("call %d is lost", i)
		}
	}
}

func TestTheHeapOfAlarmsShrinks(t *testing.T) {
	ts := newTimers()
	all := make([]alarm, 100_000)
	now := time.Now()
	for i := range all {
		ts.set(&all[i], now.Add(time.Duration(i*7919%len(all))))
	}
	for i := range all[:len(all)-10] {
		ts.clear(&all[i])
	}
	if cap(ts.heap) > 2*fewAlarms || len(ts.heap) != 10 {
		t.Errorf("%d alarms in room for %d", len(ts.heap), cap(ts.heap))
	}
}
