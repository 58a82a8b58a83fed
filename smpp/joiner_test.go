package smpp

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

func testJoiner(limit int) *joiner { return newJoiner(&joinSpace{limit: int64(limit)}, time.Hour) }

func (j *joiner) keyOf(id string) joinKey { return j.key([]byte(id)) }

func TestJoin(t *testing.T) {
	j := testJoiner(100)
	j.add(submission{key: j.keyOf("1"), local: 11})
	j.add(submission{key: j.keyOf("2"), local: 22})
	final, onTheWay := &pdu.Receipt{State: pdu.Delivered}, &pdu.Receipt{State: pdu.Enroute}
	steps := []struct {
		name  string
		id    string
		r     *pdu.Receipt
		how   joined
		local uint64
	}{
		{"on the way", "1", onTheWay, joinFound, 11},
		{"final", "1", final, joinFound, 11},
		{"final again, while it is on its way", "1", final, joinUnderWay, 11},
		{"on the way after final", "1", onTheWay, joinRepeated, 11},
		{"another message", "2", final, joinFound, 22},
		{"unknown", "3", final, joinParked, 0},
	}
	for _, s := range steps {
		sub, how := j.join(j.keyOf(s.id), nil, s.r, 0)
		if how != s.how || sub.local != s.local {
			t.Fatalf("%s: %v for %d", s.name, how, sub.local)
		}
	}
	j.settle(j.keyOf("1"), 11, notEnded)
	if _, how := j.join(j.keyOf("1"), nil, final, 0); how != joinFound {
		t.Fatal("one that failed may not come again")
	}
	j.settle(j.keyOf("1"), 10, notEnded) // of an earlier message with this id
	j.settle(j.keyOf("1"), 11, hasEnded)
	if _, how := j.join(j.keyOf("1"), nil, final, 0); how != joinRepeated {
		t.Fatal("one that was passed on comes again")
	}
}

func TestReusedIDGoesToTheNewest(t *testing.T) {
	j := testJoiner(100)
	j.add(submission{key: j.keyOf("1"), local: 1})
	j.add(submission{key: j.keyOf("1"), local: 2})
	if sub, _ := j.join(j.keyOf("1"), nil, &pdu.Receipt{}, 0); sub.local != 2 {
		t.Fatalf("joined with %d", sub.local)
	}
	j.mu.Lock()
	j.dropOldest() // the older one goes; the newer stays known
	j.mu.Unlock()
	if sub, how := j.join(j.keyOf("1"), nil, &pdu.Receipt{}, 0); how != joinFound || sub.local != 2 {
		t.Fatal("the newest was forgotten with the oldest")
	}
}

func TestJoinerForgetsTheOldest(t *testing.T) {
	const limit = 3000
	j := testJoiner(limit)
	dropped := 0
	for i := range 10_000 {
		_, n := j.add(submission{key: j.keyOf(strconv.Itoa(i)), local: uint64(i)})
		dropped += n
	}
	if n, _ := j.size(); n != limit || dropped != 7000 || len(j.index) != limit {
		t.Fatalf("%d kept, %d dropped", n, dropped)
	}
	if len(j.chunks) > limit/joinChunk+2 {
		t.Fatalf("%d chunks are held", len(j.chunks))
	}
	for i := range 10_000 {
		sub, how := j.join(j.keyOf(strconv.Itoa(i)), nil, &pdu.Receipt{}, 0)
		if known := i >= 7000; known != (how == joinFound) || known && sub.local != uint64(i) {
			t.Fatalf("%d: %v for %d", i, how, sub.local)
		}
	}
}

// A carrier that takes over the traffic of another has room for it, though the
// other's messages have filled the table.
func TestJoinersForgetTheOldestOfAll(t *testing.T) {
	space := &joinSpace{limit: 100}
	busy, idle := newJoiner(space, time.Hour), newJoiner(space, time.Hour)
	for i := range int64(150) {
		busy.add(submission{key: busy.keyOf(strconv.FormatInt(i, 10)), at: i})
	}
	for i := range int64(60) {
		if _, forgotten := idle.add(submission{key: idle.keyOf(strconv.FormatInt(i, 10)), at: 150 + i}); forgotten != 1 {
			t.Fatalf("%d forgotten", forgotten)
		}
	}
	b, _ := busy.size()
	i, _ := idle.size()
	if b != 40 || i != 60 || space.total.Load() != 100 {
		t.Fatalf("%d and %d kept, %d in all", b, i, space.total.Load())
	}
}

// A message whose final receipt was passed on is not missed.
func TestForgottenAreThoseThatWait(t *testing.T) {
	j := testJoiner(1)
	j.add(submission{key: j.keyOf("1"), local: 1})
	j.settle(j.keyOf("1"), 1, hasEnded)
	if _, forgotten := j.add(submission{key: j.keyOf("2"), local: 2}); forgotten != 0 {
		t.Error("one with its receipt is counted")
	}
	if _, forgotten := j.add(submission{key: j.keyOf("3"), local: 3}); forgotten != 1 {
		t.Error("one without is not")
	}
}

func TestJoinerForgetsTheAged(t *testing.T) {
	j := testJoiner(100)
	j.add(submission{key: j.keyOf("1"), at: 1_000_000})
	j.add(submission{key: j.keyOf("2"), at: 4_500_000})
	j.add(submission{key: j.keyOf("3"), at: 4_601_000})
	if n, _ := j.size(); n != 2 {
		t.Fatalf("%d kept", n)
	}
}

func TestParkedReceipts(t *testing.T) {
	j := testJoiner(100)
	for _, s := range []pdu.State{pdu.Enroute, pdu.Delivered} {
		j.join(j.keyOf("1"), []byte("1"), &pdu.Receipt{State: s, MessageID: []byte("view")}, 0)
	}
	early, _ := j.add(submission{key: j.keyOf("1")})
	if early == nil || early.receipt.State != pdu.Delivered || early.more == nil || early.more.receipt.State != pdu.Enroute || early.more.more != nil {
		t.Fatal("the receipts did not come back, latest first")
	}
	if early.receipt.MessageID != nil || early.remoteID != "1" {
		t.Fatal("a view of the frame was kept")
	}
	if again, _ := j.add(submission{key: j.keyOf("1")}); again != nil {
		t.Fatal("they came back twice")
	}
	if n := j.expire(int64(parkFor)); n != 0 {
		t.Fatalf("%d counted as never joined", n)
	}
	if _, parked := j.size(); parked != 0 {
		t.Fatalf("%d are left", parked)
	}
}

func TestParkedReceiptsExpire(t *testing.T) {
	j := testJoiner(100)
	for i := range int64(3) {
		j.join(j.keyOf("1"), nil, &pdu.Receipt{}, i*int64(time.Second))
	}
	if n := j.expire(int64(parkFor) - 1); n != 0 {
		t.Fatalf("%d too early", n)
	}
	if n := j.expire(int64(parkFor)); n != 1 {
		t.Fatalf("%d expired, want 1", n)
	}
	if early, _ := j.add(submission{key: j.keyOf("1")}); early == nil || early.more == nil || early.more.more != nil {
		t.Fatal("the others did not stay")
	}
}

func TestParkedReceiptsAreBounded(t *testing.T) {
	j := testJoiner(100)
	out := 0
	for i := range maxParked + 50 {
		if _, how := j.join(j.keyOf(strconv.Itoa(i)), nil, &pdu.Receipt{}, 0); how == joinParkedOut {
			out++
		}
	}
	if _, parked := j.size(); parked != maxParked || len(j.parked) != maxParked || out != 50 {
		t.Fatalf("%d parked, %d given up", parked, out)
	}
}

// What was joined takes no room from what waits, and is not given up.
func TestJoinedReceiptsAreNotParked(t *testing.T) {
	j := testJoiner(maxParked + 1)
	j.join(j.keyOf("waits"), nil, &pdu.Receipt{}, 0)
	for i := range maxParked {
		key := j.keyOf(strconv.Itoa(i))
		if _, how := j.join(key, nil, &pdu.Receipt{}, 0); how != joinParked {
			t.Fatalf("the %dth: %v", i, how)
		}
		if early, _ := j.add(submission{key: key}); early == nil {
			t.Fatalf("the %dth was not joined", i)
		}
	}
	if _, parked := j.size(); parked != 1 {
		t.Fatalf("%d are parked", parked)
	}
	if early, _ := j.add(submission{key: j.keyOf("waits")}); early == nil {
		t.Fatal("the first one was given up")
	}
}

// Whatever the order of responses and receipts, each message gets one final
// receipt, and it is its own.
func TestJoinInAnyOrder(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		j := testJoiner(1000)
		finals := map[uint64]int{}
		take := func(s submission, how joined, id int) {
			if how == joinFound {
				if s.local != uint64(id) {
					t.Fatalf("seed %d: receipt of %d went to %d", seed, id, s.local)
				}
				finals[s.local]++
			}
		}
		type event struct {
			id      int
			receipt bool
		}
		var events []event
		for id := range 50 {
			events = append(events, event{id, false}, event{id, true})
			for range r.IntN(3) {
				events = append(events, event{id, true})
			}
		}
		r.Shuffle(len(events), func(a, b int) { events[a], events[b] = events[b], events[a] })
		for _, e := range events {
			key := j.keyOf(fmt.Sprint("id", e.id))
			if e.receipt {
				s, how := j.join(key, nil, &pdu.Receipt{State: pdu.Delivered}, 0)
				take(s, how, e.id)
				continue
			}
			early, _ := j.add(submission{key: key, local: uint64(e.id)})
			for p := early; p != nil; p = p.more {
				s, how := j.join(p.key, nil, &p.receipt, 0)
				take(s, how, e.id)
			}
		}
		for id := range uint64(50) {
			if finals[id] != 1 {
				t.Fatalf("seed %d: message %d got %d final receipts", seed, id, finals[id])
			}
		}
	}
}

func BenchmarkJoin(b *testing.B) {
	j := testJoiner(1_000_000)
	id := make([]byte, 0, 20)
	b.ReportAllocs()
	i := uint64(0)
	for b.Loop() {
		i++
		key := j.key(strconv.AppendUint(id, i, 10))
		j.add(submission{key: key, local: i})
		if _, how := j.join(key, nil, &pdu.Receipt{State: pdu.Delivered}, 0); how != joinFound {
			b.Fatal(how)
		}
	}
}

func TestIDs(t *testing.T) {
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var i ids
	i.start(noon)
	first := i.next()
	for range 100_000 { // in less than a millisecond
		i.next()
	}
	var restarted ids
	restarted.start(noon.Add(time.Millisecond))
	if restarted.next() <= i.next() {
		t.Fatal("a restart gives ids again")
	}
	restarted.raise(first)
	before := restarted.next()
	restarted.raise(before + 1000)
	if restarted.next() != before+1001 {
		t.Fatal("a known id did not raise the next one")
	}
	i.start(time.Date(2297, 1, 1, 0, 0, 0, 0, time.UTC))
	if text := appendID(nil, i.next()); len(text) > 19 {
		t.Fatalf("%d digits", len(text))
	}
}
