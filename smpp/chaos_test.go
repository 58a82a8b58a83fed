package smpp

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// flaky is an SMSC that notes every message which reached it whole, and ends
// its connections at random: before it answers, or while it reads nothing.
type flaky struct {
	mu       sync.Mutex
	got      map[string]int
	accepted map[string]bool
}

func (f *flaky) serve(w *wire, r *rand.Rand, steady bool) {
	defer w.conn.Close()
	_ = w.conn.SetReadDeadline(time.Time{})
	for left := 20 + r.IntN(300); ; left-- {
		p, ok := w.read()
		if !ok {
			return
		}
		if p.Command != pdu.SubmitSM {
			_, _ = w.conn.Write(pdu.AppendHeader(nil, p.Command.Response(), pdu.ROK, p.Sequence))
			continue
		}
		var m pdu.Message
		if m.Decode(p.body) != nil {
			return
		}
		f.mu.Lock()
		f.got[string(m.ShortMessage)]++
		f.mu.Unlock()
		if !steady && left <= 0 {
			_ = w.conn.SetReadDeadline(time.Now().Add(time.Duration(r.IntN(3)) * time.Millisecond))
			_, _ = w.conn.Read(make([]byte, 1)) // let more come that it will not read
			return
		}
		f.mu.Lock()
		f.accepted[string(m.ShortMessage)] = true
		f.mu.Unlock()
		if _, err := w.conn.Write(pdu.AppendMessageResp(nil, p.Command, pdu.ROK, p.Sequence, []byte("1"))); err != nil {
			return
		}
	}
}

// The first carrier's connections end at random under load. No message reaches
// both carriers, none is acknowledged that nobody accepted, each is answered
// once.
func TestConnectionsThatEndAtRandom(t *testing.T) {
	const count = 6000
	one, two := newSMSC(t), newSMSC(t)
	cfg := baseConfig()
	cfg.Accounts[0].Window = 300
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", one.addr()), carrierAt("bravo", two.addr())}
	for i := range cfg.Carriers {
		cfg.Carriers[i].Binds[0].Sessions = 2
		cfg.Carriers[i].Binds[0].Reconnect = Reconnect{Min: time.Millisecond, Max: time.Millisecond}
	}
	b := startEdge(t, cfg)
	alfa, bravo := &flaky{got: map[string]int{}, accepted: map[string]bool{}}, &flaky{got: map[string]int{}, accepted: map[string]bool{}}
	var peers sync.WaitGroup
	stop := make(chan struct{})
	play := func(f *flaky, s *smsc, steady bool) {
		for seed := uint64(0); ; seed++ {
			select {
			case w := <-s.binds:
				peers.Go(func() { f.serve(w, rand.New(rand.NewPCG(seed, 1)), steady) })
			case <-stop:
				return
			}
		}
	}
	peers.Go(func() { play(alfa, one, false) })
	peers.Go(func() { play(bravo, two, true) })
	t.Cleanup(func() {
		one.stop()
		two.stop()
		close(stop)
		peers.Wait()
	})
	b.waitUp(t, "alfa")
	b.waitUp(t, "bravo")

	answers := submitAll(t, bound(t, b.addr, pdu.BindTransceiver, "shop"), count, 250)
	alfa.mu.Lock()
	defer alfa.mu.Unlock()
	bravo.mu.Lock()
	defer bravo.mu.Unlock()
	outcomes := map[pdu.Status]int{}
	for i := range count {
		id := strconv.Itoa(i)
		if alfa.got[id] > 0 && bravo.got[id] > 0 {
			t.Errorf("%s reached both carriers", id)
		}
		if alfa.got[id] > 1 || bravo.got[id] > 1 {
			t.Errorf("%s reached a carrier twice", id)
		}
		if len(answers[id]) != 1 {
			t.Fatalf("%s has the answers %v", id, answers[id])
		}
		outcomes[answers[id][0]]++
		if answers[id][0] == pdu.ROK && !alfa.accepted[id] && !bravo.accepted[id] {
			t.Errorf("%s was acknowledged, and nobody accepted it", id)
		}
	}
	if outcomes[pdu.ROK]+outcomes[pdu.RSysErr] != count || outcomes[pdu.RSysErr] == 0 || len(bravo.got) == 0 {
		t.Fatalf("answers %v, %d through the second carrier", outcomes, len(bravo.got))
	}
}

// submitAll submits messages "0" to count-1, at most window unanswered, and
// returns the statuses of each.
func submitAll(t *testing.T, w *wire, count, window int) map[string][]pdu.Status {
	t.Helper()
	room := make(chan struct{}, window)
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range count {
			room <- struct{}{}
			out, _ := text(alice, maskOfBob, strconv.Itoa(i)).Append(nil, pdu.SubmitSM, uint32(i+1))
			if _, err := w.conn.Write(out); err != nil {
				return
			}
		}
	})
	answers := map[string][]pdu.Status{}
	for range count {
		f := w.mustRead(t)
		answers[strconv.Itoa(int(f.Sequence)-1)] = append(answers[strconv.Itoa(int(f.Sequence)-1)], f.Status)
		<-room
	}
	writing.Wait()
	_ = w.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if f, ok := w.read(); ok {
		t.Fatalf("an answer too many: %+v", f.Header)
	}
	return answers
}
