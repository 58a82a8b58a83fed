package smpp

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// moody is an SMSC that throttles, fails, stays silent or ends its connections
// at random.
func moody(w *wire, r *rand.Rand) {
	defer w.conn.Close()
	_ = w.conn.SetReadDeadline(time.Time{})
	for left := 50 + r.IntN(400); left > 0; left-- {
		f, ok := w.read()
		if !ok {
			return
		}
		status := pdu.ROK
		switch n := r.IntN(100); {
		case f.Command != pdu.SubmitSM:
			_, _ = w.conn.Write(pdu.AppendHeader(nil, f.Command.Response(), pdu.ROK, f.Sequence))
			continue
		case n < 10:
			status = pdu.RThrottled
		case n < 15:
			status = pdu.RSysErr
		case n < 16:
			continue
		}
		if _, err := w.conn.Write(pdu.AppendMessageResp(nil, f.Command, status, f.Sequence, []byte("1"))); err != nil {
			return
		}
	}
}

// Every limit at once over sockets, with several upstreams: each message is
// answered once, and nothing is left counted. It is the race detector's.
func TestEveryLimitUnderLoad(t *testing.T) {
	const ups, each = 3, 100
	one, two := newSMSC(t), newSMSC(t)
	cfg := baseConfig()
	cfg.AnswerWithin = 500 * time.Millisecond
	cfg.Share = ShareConfig{Of: 0.25, SlowerThan: 100 * time.Millisecond}
	cfg.Accounts[0].Window, cfg.Accounts[0].Quota.Day = 100, ups*each
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", one.addr()), carrierAt("bravo", two.addr())}
	for i := range cfg.Carriers {
		cfg.Carriers[i].TPS, cfg.Carriers[i].MaskTPS = 2000, 1000
		bind := &cfg.Carriers[i].Binds[0]
		bind.Sessions, bind.Window, bind.TPS, bind.ResponseTimeout = 3, 5, 1000, 250*time.Millisecond
		bind.Reconnect = Reconnect{Min: time.Millisecond, Max: time.Millisecond}
	}
	b := startEdge(t, cfg)
	stop := make(chan struct{})
	var peers sync.WaitGroup
	for _, s := range []*smsc{one, two} {
		peers.Go(func() {
			for seed := uint64(0); ; seed++ {
				select {
				case w := <-s.binds:
					peers.Go(func() { moody(w, rand.New(rand.NewPCG(seed, 1))) })
				case <-stop:
					return
				}
			}
		})
	}
	t.Cleanup(func() {
		one.stop()
		two.stop()
		close(stop)
		peers.Wait()
	})
	b.waitUp(t, "alfa")
	b.waitUp(t, "bravo")
	var work sync.WaitGroup
	for up := range ups {
		w := bound(t, b.addr, pdu.BindTransceiver, "shop")
		work.Go(func() { submitMixed(t, w, byte(up), each) })
	}
	work.Wait()
	eventually(t, "nothing is in flight", func() bool { return b.inFlight() == 0 })
	for name, c := range b.carriers {
		if n := c.destination.waiting(); n != 0 {
			t.Errorf("%s: %d are counted as waiting", name, n)
		}
	}
	for _, s := range b.snapshot(nil) {
		if s.holds == nil {
			continue
		}
		for i := range s.holds.by {
			if n := s.holds.by[i].Load(); n != 0 {
				t.Errorf("%d are counted as held", n)
			}
		}
	}
}

// submitMixed submits messages and segments, twenty at a time, and checks that
// each is answered once.
func submitMixed(t *testing.T, w *wire, up byte, count int) {
	for sent := 0; sent < count; {
		open := map[uint32]bool{}
		for range 20 {
			m := text(alice, maskOfBob, "x")
			if sent%3 == 0 {
				m = segment(byte(sent/9)+up, 3, byte(sent/3%3)+1)
			}
			out, _ := m.Append(nil, pdu.SubmitSM, uint32(sent+1))
			if _, err := w.conn.Write(out); err != nil {
				t.Error("writing failed")
				return
			}
			open[uint32(sent+1)] = true
			sent++
		}
		_ = w.conn.SetReadDeadline(time.Now().Add(patience))
		for len(open) > 0 {
			f, ok := w.read()
			if !ok || !open[f.Sequence] {
				t.Errorf("%d are not answered, or one was answered twice", len(open))
				return
			}
			delete(open, f.Sequence)
		}
	}
}
