package media

import (
	"testing"
	"time"
)

// What a burst of calls grew is given back after it.
func TestListsOfSessionsShrink(t *testing.T) {
	const burst = 10_000
	var resting resting
	relay := &Relay{}
	sessions := make([]Session, burst)
	for i := range sessions {
		relay.add(&sessions[i])
		resting.add(rest{session: &sessions[i], until: time.Duration(i)})
	}
	for i := range sessions[:burst-10] {
		relay.remove(&sessions[i])
	}
	if done := resting.done(burst - 11); len(done) != burst-10 {
		t.Fatalf("%d have rested, want %d", len(done), burst-10)
	}
	for name, list := range map[string][2]int{
		"live":    {len(relay.sessions), cap(relay.sessions)},
		"resting": {len(resting.list), cap(resting.list)},
	} {
		if list[0] != 10 || list[1] > 2*fewEntries {
			t.Errorf("%s: %d sessions in room for %d", name, list[0], list[1])
		}
	}
	for i := range sessions[burst-10:] {
		s := relay.sessions[i]
		if int(s.index) != i || resting.list[i].session != &sessions[burst-10+i] {
			t.Errorf("session %d of the lists is another one", i)
		}
	}
}
