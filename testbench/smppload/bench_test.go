package smppload

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"maskline/smpp/pdu"
)

// freeAddr is an address that nobody listens on.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// direct sends from an ESME to an SMSC of the same run, through a mangler where
// there is one.
func direct(t testing.TB, cfg Config, m mangler) *Report {
	t.Helper()
	addr := freeAddr(t)
	cfg.Outs = []Side{{Role: SMSC, Addr: addr, Binds: cfg.In.Binds}}
	if m != nil {
		addr = mangle(t, addr, m)
	}
	cfg.In = Side{Role: ESME, Addr: addr, SystemID: "shop", Password: "sesame", Binds: cfg.In.Binds}
	cfg.Unmasked = true
	b, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mangler changes what passes: the frames of an ESME's requests, in order. What
// it returns goes on; back goes to the ESME.
type mangler func(n int, frame []byte) (on, back []byte)

// mangle is a bad relay between an ESME and an SMSC.
func mangle(t testing.TB, to string, m mangler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		work.Wait()
	})
	work.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		far, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer far.Close()
		var mu sync.Mutex // of conn's writer
		work.Go(func() {
			defer conn.Close()
			pass(far, func(frame []byte) error {
				mu.Lock()
				defer mu.Unlock()
				_, err := conn.Write(frame)
				return err
			})
		})
		n := 0
		pass(conn, func(frame []byte) error {
			if pdu.ParseHeader(frame).Command != pdu.SubmitSM {
				_, err := far.Write(frame)
				return err
			}
			on, back := m(n, frame)
			n++
			mu.Lock()
			_, err := conn.Write(back)
			mu.Unlock()
			if err == nil {
				_, err = far.Write(on)
			}
			return err
		})
	})
	return l.Addr().String()
}

func pass(from net.Conn, to func([]byte) error) {
	r := pdu.NewReader(from, pdu.MaxBound, 64<<10)
	for {
		frame, err := r.Next()
		if err != nil {
			return
		}
		if frame == nil {
			if _, err := r.Fill(); err != nil {
				return
			}
			continue
		}
		if to(frame) != nil {
			return
		}
	}
}

// accepting answers a message as an SMSC that takes it.
func accepting(frame []byte) []byte {
	return pdu.AppendMessageResp(nil, pdu.SubmitSM, pdu.ROK, pdu.ParseHeader(frame).Sequence, []byte("7"))
}

// changed is a frame with another source or destination.
func changed(t testing.TB, frame []byte, change func(*pdu.Message)) []byte {
	var m pdu.Message
	if err := m.Decode(frame[pdu.HeaderLen:]); err != nil {
		t.Error(err)
	}
	change(&m)
	out, err := m.Append(nil, pdu.SubmitSM, pdu.ParseHeader(frame).Sequence)
	if err != nil {
		t.Error(err)
	}
	return out
}

const every = 10 // messages, of which one is mangled

func TestWhatABadRelayDoesIsCounted(t *testing.T) {
	const messages = 1000
	bad := uint64(messages / every)
	cases := []struct {
		name   string
		mangle mangler
		parts  int
		want   func(*Report) (got uint64, want uint64)
		faulty int
	}{
		{"a sound one", func(_ int, f []byte) ([]byte, []byte) { return f, nil }, 1, func(r *Report) (uint64, uint64) { return r.Accepted, messages }, 0},
		{"loses", func(_ int, f []byte) ([]byte, []byte) { return nil, accepting(f) }, 1, func(r *Report) (uint64, uint64) { return r.Lost, bad }, 1},
		{"never answers", func(int, []byte) ([]byte, []byte) { return nil, nil }, 1, func(r *Report) (uint64, uint64) { return r.Unanswered, bad }, 0},
		{"delivers twice", func(_ int, f []byte) ([]byte, []byte) { return append(append([]byte(nil), f...), f...), nil }, 1, func(r *Report) (uint64, uint64) { return r.Duplicated, bad }, 0},
		{"refuses what it delivered", func(_ int, f []byte) ([]byte, []byte) {
			return f, pdu.AppendMessageResp(nil, pdu.SubmitSM, pdu.RThrottled, pdu.ParseHeader(f).Sequence, nil)
		}, 1, func(r *Report) (uint64, uint64) { return r.Unknown, bad }, 0},
		{"alters", func(_ int, f []byte) ([]byte, []byte) { f[len(f)-1] = 'y'; return f, nil }, 1, func(r *Report) (uint64, uint64) { return r.Altered, bad }, 2},
		{"cuts texts short", func(_ int, f []byte) ([]byte, []byte) {
			return changed(t, f, func(m *pdu.Message) { m.ShortMessage = m.ShortMessage[:len(m.ShortMessage)-1] }), nil
		}, 1, func(r *Report) (uint64, uint64) { return r.Altered, bad }, 2},
		{"sends to somebody else", func(_ int, f []byte) ([]byte, []byte) {
			return changed(t, f, func(m *pdu.Message) { m.Destination.Digits = []byte("447700900999") }), nil
		}, 1, func(r *Report) (uint64, uint64) { return r.Misrouted, bad }, 1},
		{"shows another sender", func(_ int, f []byte) ([]byte, []byte) {
			return changed(t, f, func(m *pdu.Message) { m.Source.Digits = []byte("447700900999") }), nil
		}, 1, func(r *Report) (uint64, uint64) { return r.Misrouted, bad }, 1},
		{"takes parts apart", func(_ int, f []byte) ([]byte, []byte) {
			return changed(t, f, func(m *pdu.Message) { m.ESMClass, m.ShortMessage = 0, m.ShortMessage[udhLen:] }), nil
		}, 2, func(r *Report) (uint64, uint64) { return r.Altered, bad }, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := direct(t, Config{Messages: messages / c.parts, Parts: c.parts, Window: 200, Settle: 100 * time.Millisecond}, func(n int, f []byte) ([]byte, []byte) {
				if n%every != every-1 {
					return f, nil
				}
				return c.mangle(n, f)
			})
			if got, want := c.want(r); got != want || r.Sent != messages {
				t.Errorf("%d, not %d: %+v", got, want, r)
			}
			if faulty := r.Faulty(); len(faulty) != c.faulty {
				t.Errorf("faults: %v", faulty)
			}
		})
	}
}

func TestOvertakingIsCounted(t *testing.T) {
	var kept []byte
	r := direct(t, Config{Messages: 500, Parts: 2, Window: 200, Settle: 100 * time.Millisecond}, func(n int, f []byte) ([]byte, []byte) {
		switch n % every {
		case 2: // the first part of a message
			kept = append(kept[:0], f...)
			return nil, nil
		case 3:
			return append(append([]byte(nil), f...), kept...), nil
		default:
			return f, nil
		}
	})
	if r.Reordered != 100 || r.PartsReordered != 100 || r.Accepted != 1000 {
		t.Errorf("%+v", r)
	}
}

// A relay that masks, but for one thing.
func TestLeaksAreCounted(t *testing.T) {
	plan := Generate(50)
	at := freeAddr(t)
	addr := mangle(t, at, func(n int, f []byte) ([]byte, []byte) {
		g := plan.of(uint64(n))
		return changed(t, f, func(m *pdu.Message) {
			m.Source.Digits, m.Destination.Digits = appendNumber(nil, g.present), appendNumber(nil, g.to)
			if n%every == 0 {
				m.TLVs = pdu.AppendTLV(nil, 0x0381, append([]byte{0, 1, 1}, appendNumber(nil, g.party)...)) // callback_num
			}
		}), nil
	})
	b, err := New(t.Context(), Config{
		In: Side{Role: ESME, Addr: addr}, Outs: []Side{{Role: SMSC, Addr: at}}, Plan: plan, Messages: 500, Window: 50,
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Run(t.Context())
	if err != nil || r.Leaked != 50 || r.Misrouted > 0 || r.Accepted != 500 {
		t.Fatalf("%v %+v", err, r)
	}
}

func TestReceiptsAreMatched(t *testing.T) {
	r := direct(t, Config{Messages: 3000, Window: 50, Receipts: true, In: Side{Binds: 3}}, nil)
	if r.Accepted != 3000 || r.Receipts != 3000 || r.ReceiptsLost+r.ReceiptsUnpaired > 0 || len(r.Faulty()) > 0 {
		t.Errorf("%+v", r)
	}
	r = direct(t, Config{Messages: 100, Window: 50, Receipts: true, Settle: 50 * time.Millisecond}, func(_ int, f []byte) ([]byte, []byte) {
		return changed(t, f, func(m *pdu.Message) { m.RegisteredDelivery = 0 }), nil
	})
	if r.Accepted != 100 || r.ReceiptsLost != 100 || len(r.Faulty()) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestFaultsAreMade(t *testing.T) {
	const messages = 2000
	cases := []struct {
		name   string
		faults Faults
		check  func(*Report) bool
	}{
		{"throttle", Faults{Throttle: 0.5}, func(r *Report) bool {
			return r.Faults.Throttled > 800 && r.Faults.Throttled < 1200 && r.Temporary == r.Faults.Throttled && r.Accepted+r.Temporary == messages
		}},
		{"errors", Faults{Errors: 1, ErrorStatus: 0x0B}, func(r *Report) bool { return r.Refused == messages && r.Faults.Errors == messages }},
		{"delay", Faults{Delay: 1, DelayBy: 5 * time.Millisecond}, func(r *Report) bool {
			return r.Accepted == messages && r.Answer.P50 >= 5 && r.Transit.P50 < r.Answer.P50
		}},
		{"silence", Faults{Silence: 0.01}, func(r *Report) bool {
			return r.Faults.Swallowed > 0 && r.Unanswered == r.Faults.Swallowed && r.Unknown == r.Unanswered && r.Lost == 0
		}},
		{"reset", Faults{Reset: 0.002}, func(r *Report) bool { return r.Faults.Cuts > 0 && r.Unanswered > 0 && r.Lost == 0 && r.Accepted > 0 }},
		{"close", Faults{Close: 0.002}, func(r *Report) bool { return r.Faults.Cuts > 0 && r.Unanswered > 0 && r.Lost == 0 && r.Accepted > 0 }},
		{"stall", Faults{Stall: 0.001, StallFor: 20 * time.Millisecond}, func(r *Report) bool { return r.Accepted == messages && r.Faults.Stalls > 0 }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := direct(t, Config{Messages: messages, Window: 100, Faults: c.faults, Seed: 7, Settle: 300 * time.Millisecond}, nil)
			if !c.check(r) || len(r.Faulty()) > 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// What was answered "temporary" is sent again until it is accepted, the same
// octets each time, over another bind where its own has ended.
func TestMessagesAreSentAgain(t *testing.T) {
	r := direct(t, Config{Messages: 2000, Window: 100, Again: 5 * time.Millisecond, Faults: Faults{Throttle: 0.5}, Seed: 7}, nil)
	if r.Accepted != 2000 || r.Sent != 2000 || r.SentAgain < 1500 || r.SentAgain != r.Temporary || r.Duplicated+r.Unanswered > 0 || len(r.Faulty()) > 0 {
		t.Errorf("%+v", r)
	}
	r = direct(t, Config{
		Messages: 2000, Window: 100, Again: 5 * time.Millisecond, Faults: Faults{Throttle: 0.3, Reset: 0.001}, Seed: 7, Settle: time.Second,
	}, nil)
	if r.Faults.Cuts == 0 || r.Unanswered == 0 || r.Accepted+r.Unanswered != 2000 || r.SentAgain != r.Temporary || r.Duplicated > 0 {
		t.Errorf("%+v", r)
	}
}

// A relay that takes a message and says "temporary" makes duplicates.
func TestLateAcceptancesMakeDuplicates(t *testing.T) {
	r := direct(t, Config{Messages: 1000, Window: 200, Again: 5 * time.Millisecond}, func(n int, f []byte) ([]byte, []byte) {
		if n%every != 0 {
			return f, nil
		}
		return f, pdu.AppendMessageResp(nil, pdu.SubmitSM, pdu.RThrottled, pdu.ParseHeader(f).Sequence, nil)
	})
	if r.SentAgain < 50 || r.SentAgain != r.Temporary || r.Duplicated != r.SentAgain || r.Accepted != 1000 {
		t.Errorf("%+v", r)
	}
}

func TestARateIsKept(t *testing.T) {
	r := direct(t, Config{Duration: 500 * time.Millisecond, Rate: 2000, Window: 100}, nil)
	if r.Accepted != r.Sent || r.Sent > 1001 || r.Sent < 500 { // a busy machine may be late, never early
		t.Errorf("%+v", r)
	}
}

func TestOneEndAlone(t *testing.T) {
	b, err := New(t.Context(), Config{Outs: []Side{{Role: SMSC, Addr: "127.0.0.1:0"}}, Duration: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	_, outs := b.Addrs()
	got := make(chan *Report, 1)
	go func() {
		r, err := b.Run(t.Context())
		if err != nil {
			t.Error(err)
		}
		got <- r
	}()
	sender, err := New(t.Context(), Config{In: Side{Role: ESME, Addr: outs[0].String()}, Messages: 100})
	if err != nil {
		t.Fatal(err)
	}
	r, err := sender.Run(t.Context())
	if err != nil || r.Accepted != 100 || r.Lost > 0 || len(r.Faulty()) > 0 {
		t.Errorf("%v %+v", err, r)
	}
	if r := <-got; r != nil && (r.Taken != 100 || len(r.Faulty()) > 0) {
		t.Errorf("%+v", r)
	}
}

func TestNobodyBinds(t *testing.T) {
	b, err := New(t.Context(), Config{In: Side{Role: SMSC, Addr: "127.0.0.1:0"}, Messages: 1, BindWait: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Run(t.Context()); err == nil {
		t.Fatal("ran without a bind")
	}
}

func TestContradictionsAreRefused(t *testing.T) {
	end := Side{Role: SMSC, Addr: "127.0.0.1:0"}
	for name, c := range map[string]Config{
		"no end":                  {Messages: 1},
		"no number and no time":   {In: end},
		"a name for an address":   {In: Side{Role: ESME, Addr: "localhost:1"}, Messages: 1},
		"a text without room":     {In: end, Messages: 1, Text: 20},
		"a text that is too long": {In: end, Messages: 1, Text: 250, Parts: 2},
		"a window below a part":   {In: end, Messages: 1, Parts: 20},
		"faults above one":        {In: end, Messages: 1, Faults: Faults{Reset: 0.6, Close: 0.6}},
		"receipts to an SMSC":     {In: end, Messages: 1, Receipts: true},
		"too many messages":       {In: end, Messages: 1 << 31},
	} {
		if b, err := New(t.Context(), c); err == nil {
			b.Close()
			t.Errorf("%s was taken", name)
		}
	}
}

// BenchmarkDirect is what the tool can do with nothing in between:
// go test -run XXX -bench Direct -benchtime 1000000x ./testbench/smppload
func BenchmarkDirect(b *testing.B) {
	for _, window := range []int{10, 100, 500} {
		b.Run(fmt.Sprintf("window=%d", window), func(b *testing.B) {
			b.ReportAllocs()
			r := direct(b, Config{Messages: max(b.N, 1000), Window: window}, nil)
			b.ReportMetric(r.Rate, "msg/s")
			b.ReportMetric(r.Answer.P99, "p99-ms")
		})
	}
}

func TestSequencesFit(t *testing.T) {
	b := &book{}
	b.open(maxMessages-1, 1)
	if b.find(maxMessages-1) == nil || b.find(maxMessages) != nil || binary.Size(uint32(maxMessages)) != 4 || maxMessages > pdu.MaxSequence {
		t.Fatal("the last message has no place")
	}
}
