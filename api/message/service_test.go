package message

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a store in memory that can be away.
type shelf struct {
	mu       sync.Mutex
	away     error
	hangs    atomic.Bool
	messages map[numberdb.ID]numberdb.Message
	reports  []numberdb.MessageReport
	events   []numberdb.Event
	groups   int
}

func (s *shelf) Commit(ctx context.Context, w *numberdb.Writes) (numberdb.Position, error) {
	if s.hangs.Load() { // without the lock: who waits for it would stop the bubble's clock
		<-ctx.Done()
		return 0, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return 0, s.away
	}
	if err := w.Check(); err != nil {
		return 0, err
	}
	for _, m := range w.Messages {
		s.messages[m.ID] = m
	}
	for _, id := range w.Gone.Messages {
		delete(s.messages, id)
	}
	if len(w.Reports) > 0 {
		s.groups++
	}
	s.reports = append(s.reports, w.Reports...)
	s.events = append(s.events, w.Outbox...)
	for _, r := range w.Reports {
		if m, known := s.messages[r.ID]; known && !m.State.Final() {
			m.State = max(m.State, r.State)
			s.messages[r.ID] = m
		}
	}
	return 1, nil
}

func (s *shelf) Messages(_ context.Context, q numberdb.MessageQuery) (found []numberdb.Message, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if (len(q.IDs) == 0 || slices.Contains(q.IDs, m.ID)) && (!q.Open || m.State == numberdb.MessageAccepted && m.ID < q.Before) && (q.ID == 0 || q.ID == m.ID) {
			found = append(found, m)
		}
	}
	return found, s.away
}

func (s *shelf) Attempted(context.Context, *numberdb.Attempt, time.Time) (numberdb.ID, bool, error) {
	return 0, false, s.away
}

func (s *shelf) setAway(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = err
}

func (s *shelf) told() []numberdb.MessageReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]numberdb.MessageReport(nil), s.reports...)
}

// answers is a sender that says this at once, or never.
type answers struct{ o *routing.Originated }

func (a answers) Originate(_ *routing.Origination, done func(routing.Originated)) {
	if a.o != nil {
		done(*a.o)
	}
}

type noSessions struct{}

func (noSessions) Get(context.Context, string, numberdb.ID) (numberdb.Session, error) {
	return numberdb.Session{}, errors.New("none")
}

// started is a service that runs until the bubble ends.
func started(t *testing.T, cfg Config, o *routing.Originated) (*Service, *shelf) {
	t.Helper()
	time.Sleep(30 * 365 * 24 * time.Hour) // ids begin in 2020, the bubble's time before
	store := &shelf{messages: map[numberdb.ID]numberdb.Message{}}
	s, err := New(cfg, store, noSessions{}, answers{o}, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	return s, store
}

func outgoing() *Outgoing {
	return &Outgoing{Origin: &routing.Origin{Tenant: "shop", Writes: routing.WritesFor}, From: e164.MustParse("+447700900101"), To: e164.MustParse("+442079460011"), Text: []byte("x")}
}

func TestWhatBecomesOfAMessage(t *testing.T) {
	carrier := routing.Originated{Carrier: "alfa", Segments: 1}
	with := func(change func(*routing.Originated)) *routing.Originated { o := carrier; change(&o); return &o }
	refusal := func(fate routing.Fate, v routing.Verdict) *routing.Originated {
		return &routing.Originated{Fate: fate, Verdict: v}
	}
	for _, c := range []struct {
		name   string
		says   *routing.Originated
		state  numberdb.MessageState
		code   problem.Code
		reason string
	}{
		{"submitted", with(func(*routing.Originated) {}), numberdb.MessageSubmitted, "", ""},
		{"at its end", &routing.Originated{Final: true}, numberdb.MessageDelivered, "", ""},
		{"silence", with(func(o *routing.Originated) { o.Fate = routing.FateUnknown }), numberdb.MessageUncertain, "", ""},
		{"no answer at all", nil, numberdb.MessageUncertain, "", ""},
		{"dropped by a rule", refusal(routing.FateDelivered, routing.Forward), 0, problem.CapabilityUnavailable, "rule"},
		{"no carrier", refusal(routing.FateTemporary, routing.NoCarrier), 0, problem.CarrierUnavailable, ""},
		{"carriers busy", refusal(routing.FateTemporary, routing.Forward), 0, problem.CarrierUnavailable, ""},
		{"refused by carriers", refusal(routing.FateRefused, routing.Forward), 0, problem.CapabilityUnavailable, "carrier"},
		{"no receiver", refusal(routing.FateNoReceiver, routing.Forward), 0, problem.CapabilityUnavailable, "no_receiver"},
		{"too long", refusal(routing.FateTooLong, routing.Forward), 0, problem.ValidationFailed, ""},
		{"opted out", refusal(routing.FateRefused, routing.OptedOut), 0, problem.OptedOut, ""},
		{"blocked", refusal(routing.FateRefused, routing.Blocked), 0, problem.CapabilityUnavailable, "blocked"},
		{"ended", refusal(routing.FateNoReceiver, routing.Ended), 0, problem.SessionClosed, ""},
		{"a mask", refusal(routing.FateNoReceiver, routing.Loop), 0, problem.NumberIsMask, ""},
		{"emergency", refusal(routing.FateNoReceiver, routing.EmergencyRefused), 0, problem.EmergencyNumber, ""},
		{"service off", refusal(routing.FateNoReceiver, routing.ServiceOff), 0, problem.CapabilityUnavailable, "service"},
		{"another tenant's", refusal(routing.FateRefused, routing.NotAllowed), 0, problem.CapabilityUnavailable, "not_allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, store := started(t, Config{}, c.says)
				m, err := s.Deliver(t.Context(), outgoing())
				if c.code != "" {
					var p *problem.Error
					if !errors.As(err, &p) || p.Code != c.code || p.Reason != c.reason {
						t.Errorf("%v", err)
					}
					if len(store.messages) != 0 {
						t.Error("something is left of it")
					}
					return
				}
				synctest.Wait()
				told := store.told()
				if err != nil || m.State != c.state || len(told) != 1 || told[0].State != c.state || told[0].ID != m.ID {
					t.Errorf("%v %v %+v", err, m.State, told)
				}
			})
		})
	}
}

func TestNothingIsSentWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := started(t, Config{}, nil)
		store.setAway(errors.New("away"))
		_, err := s.Deliver(t.Context(), outgoing())
		var p *problem.Error
		if !errors.As(err, &p) || p.Code != problem.StorageUnavailable || p.RetryAfter == 0 {
			t.Errorf("%v", err)
		}
	})
}

// A report that its carrier has as well goes back to it; one that nobody else has
// is kept until the store is there.
func TestReportsWaitForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := started(t, Config{Queue: 3}, nil)
		store.setAway(errors.New("away"))
		var mu sync.Mutex
		said := map[uint64]error{}
		report := func(id uint64, only bool) {
			s.Report(routing.Report{ID: id, State: routing.ReportDelivered, Carrier: "alfa", At: time.Now(), Only: only}, func(err error) {
				mu.Lock()
				defer mu.Unlock()
				said[id] = err
			})
		}
		report(1, false)
		report(2, true)
		synctest.Wait()
		if _, answered := said[2]; said[1] == nil || answered {
			t.Fatalf("%v", said)
		}
		report(3, true)
		report(4, true)
		report(5, true)
		if !errors.Is(said[5], errFull) {
			t.Errorf("beyond the bound: %v", said[5])
		}
		store.setAway(nil)
		time.Sleep(2 * writeAgain)
		synctest.Wait()
		for _, id := range []uint64{2, 3, 4} {
			if err, answered := said[id]; err != nil || !answered {
				t.Errorf("%d: %v", id, err)
			}
		}
		if told := store.told(); len(told) != 3 || told[0].ID != 2 || store.groups != 1 {
			t.Errorf("%d reports in %d groups", len(told), store.groups)
		}
	})
}

// A store that hangs keeps no carrier waiting for longer than one commit, however
// much news there is.
func TestReportsGoBackWhileTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := started(t, Config{}, nil)
		store.hangs.Store(true)
		const reports = 3 * writeAtOnce
		var mu sync.Mutex
		back := 0
		for id := range uint64(reports) {
			s.Report(routing.Report{ID: id + 1, State: routing.ReportDelivered, At: time.Now()}, func(err error) {
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					back++
				}
			})
		}
		time.Sleep(commitWithin)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if back != reports {
			t.Errorf("%d of %d are back at their carriers", back, reports)
		}
	})
}

// A report that no store may hold holds up no other.
func TestAReportThatMakesNoSense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := started(t, Config{}, nil)
		var said error
		s.Report(routing.Report{ID: 1, State: routing.ReportDelivered, Carrier: "a\nb", At: time.Now(), Only: true}, func(err error) { said = err })
		s.Report(routing.Report{ID: 2, State: routing.ReportDelivered, At: time.Now()}, func(error) {})
		synctest.Wait()
		if told := store.told(); !errors.Is(said, numberdb.ErrMessage) || len(told) != 1 || told[0].ID != 2 {
			t.Errorf("%v, then %+v", said, told)
		}
		var lost dto.Metric
		if err := s.metrics.lost.Write(&lost); err != nil || lost.GetCounter().GetValue() != 1 {
			t.Errorf("%v are counted as lost, %v", lost.GetCounter().GetValue(), err)
		}
	})
}

// Two reports of one message are never in one transaction, and keep their order.
func TestReportsOfOneMessageFollowOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := started(t, Config{}, nil)
		for _, state := range []routing.ReportState{routing.ReportSubmitted, routing.ReportDelivered} {
			s.Report(routing.Report{ID: 7, State: state, At: time.Now()}, func(error) {})
		}
		synctest.Wait()
		told := store.told()
		if len(told) != 2 || told[0].State != numberdb.MessageSubmitted || told[1].State != numberdb.MessageDelivered {
			t.Errorf("%+v", told)
		}
	})
}

// Events tell of changes of the state alone, in the transaction of the report.
func TestStatesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tenants []string
		s, store := started(t, Config{Told: func(tenant string) { tenants = append(tenants, tenant) }}, nil)
		store.messages[7] = numberdb.Message{ID: 7, Tenant: "shop", Session: 9, State: numberdb.MessageUncertain}
		store.messages[8] = numberdb.Message{ID: 8, Tenant: "outlet", Verification: 5, State: numberdb.MessageUncertain}
		store.messages[9] = numberdb.Message{ID: 9, Tenant: "outlet", Verification: 6, State: numberdb.MessageUncertain}
		for _, r := range []routing.Report{
			{ID: 7, State: routing.ReportSubmitted},
			{ID: 8, State: routing.ReportSubmitted},
			{ID: 7, State: routing.ReportSubmitted},
			{ID: 6, State: routing.ReportDelivered},
			{ID: 7, State: routing.ReportUndelivered, Code: 27},
			{ID: 7, State: routing.ReportDelivered},
			{ID: 8, State: routing.ReportExpired},
			{ID: 9, State: routing.ReportDelivered},
			{ID: 9, State: routing.ReportSubmitted},
		} {
			r.At = time.Now()
			s.Report(r, func(error) {})
			synctest.Wait()
		}
		var got []string
		for i := range store.events {
			e := &store.events[i]
			if err := e.Check(); err != nil {
				t.Error(err)
			}
			got = append(got, e.Tenant+" "+e.Type+" "+e.Session.Text("")+" "+string(e.Data))
		}
		want := []string{
			`shop message.status 0000000000009 {"message_id":"msg_0000000000007","state":"submitted"}`,
			`outlet verification.sent 0000000000000 {"message_id":"msg_0000000000008","verification_id":"ver_0000000000005","state":"submitted"}`,
			`shop message.status 0000000000009 {"message_id":"msg_0000000000007","state":"undelivered","final":true,"carrier_code":"27"}`,
			`outlet verification.status 0000000000000 {"message_id":"msg_0000000000008","verification_id":"ver_0000000000005","state":"expired","final":true}`,
			`outlet verification.sent 0000000000000 {"message_id":"msg_0000000000009","verification_id":"ver_0000000000006","state":"submitted"}`,
			`outlet verification.status 0000000000000 {"message_id":"msg_0000000000009","verification_id":"ver_0000000000006","state":"delivered","final":true}`,
		}
		if !slices.Equal(got, want) || !slices.Equal(tenants, []string{"shop", "outlet", "shop", "outlet", "outlet", "outlet"}) {
			t.Errorf("%q told %q", tenants, got)
		}
	})
}

// What a crash has left is told as unknown, once it cannot be under way any more.
func TestMessagesThatACrashHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := started(t, Config{Answer: 10 * time.Second}, nil)
		id := (&numberdb.IDs{}).Next(time.Now())
		store.mu.Lock()
		store.messages[id] = numberdb.Message{ID: id, State: numberdb.MessageAccepted}
		store.mu.Unlock()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if told := store.told(); len(told) != 0 {
			t.Fatal("it is told as unknown while it may be under way")
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if told := store.told(); len(told) == 0 || told[0].State != numberdb.MessageUncertain || told[0].ID != id {
			t.Errorf("%+v", told)
		}
		_ = s
	})
}

func TestTexts(t *testing.T) {
	for text, want := range map[string]bool{
		"Hello\nthere\r\n\t!": true, "Привет 👋": true, "": false, "a\x00b": false, "a\x1bb": false, "a\xffb": false, strings.Repeat("x", 1600): true, "a\u0085b": false,
	} {
		if got := isText(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
