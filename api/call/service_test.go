package call

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api/problem"
	"maskline/e164"
	"maskline/numberdb"
	"maskline/routing"
	"maskline/testbench/await"
)

// world is a store, a session, a guard and whoever makes calls.
type world struct {
	t *testing.T
	*Service

	mu       sync.Mutex
	away     bool // the store
	calls    map[numberdb.ID]numberdb.Call
	attempts map[string]numberdb.Attempt
	told     []string // types of events, in the order of the store
	verdict  routing.Verdict
	busy     bool
	refuses  error
	making   []*Making
	ended    []uint64
	session  numberdb.Session
}

func newWorld(t *testing.T, change func(*world)) *world {
	t.Helper()
	w := &world{t: t, calls: map[numberdb.ID]numberdb.Call{}, attempts: map[string]numberdb.Attempt{}}
	w.session = numberdb.Session{
		ID: 7, Tenant: "shop", Services: numberdb.SMS | numberdb.Voice, Expires: time.Now().Add(time.Hour),
		Participants: []numberdb.Participant{{Number: alice, Dial: maskOfBob}, {Number: bob, Dial: maskOfAlice}},
	}
	if change != nil {
		change(w)
	}
	var err error
	w.Service, err = New(Config{Node: "edge-1", Queue: 10}, (*fakeStore)(w), (*fakeSessions)(w), (*fakeGuard)(w), (*fakeMaker)(w), func(string) {}, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return w
}

var (
	alice, bob             = e164.MustParse("+447700900101"), e164.MustParse("+447700900202")
	maskOfBob, maskOfAlice = e164.MustParse("+442079460001"), e164.MustParse("+442079460002")
)

type (
	fakeStore    world
	fakeSessions world
	fakeGuard    world
	fakeMaker    world
)

func (w *fakeStore) Commit(_ context.Context, writes *numberdb.Writes) (numberdb.Position, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := writes.Check(); err != nil {
		w.t.Error(err)
	}
	if w.away {
		return 0, errors.New("away")
	}
	for i := range writes.Attempts {
		w.attempts[writes.Attempts[i].Key] = writes.Attempts[i]
	}
	for i := range writes.Calls {
		w.calls[writes.Calls[i].ID] = writes.Calls[i]
	}
	for i := range writes.CallReports {
		r := &writes.CallReports[i]
		c := w.calls[r.ID]
		apply(&c, &News{State: r.State, Outcome: r.Outcome, Leg: r.Leg, Reason: r.Reason, At: r.At})
		w.calls[r.ID] = c
	}
	for _, id := range writes.Gone.Calls {
		delete(w.calls, id)
	}
	for i := range writes.Gone.Attempts {
		delete(w.attempts, writes.Gone.Attempts[i].Key)
	}
	for i := range writes.Outbox {
		if writes.Outbox[i].Session != 7 || strings.ContainsAny(string(writes.Outbox[i].Data), "+") {
			w.t.Errorf("an event %s %s", writes.Outbox[i].Type, writes.Outbox[i].Data)
		}
		w.told = append(w.told, writes.Outbox[i].Type)
	}
	return 1, nil
}

func (w *fakeStore) Attempted(_ context.Context, a *numberdb.Attempt, _ time.Time) (numberdb.ID, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known, ok := w.attempts[a.Key]
	if ok && string(known.Fingerprint) != string(a.Fingerprint) {
		return 0, false, numberdb.ErrOtherRequest
	}
	return known.Response, ok, nil
}

func (w *fakeStore) Calls(_ context.Context, q numberdb.CallQuery) (found []numberdb.Call, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		return nil, errors.New("away")
	}
	for _, c := range w.calls {
		if (q.ID == 0 || q.ID == c.ID) && (q.Tenant == numberdb.AnyTenant || q.Tenant == c.Tenant) && (!q.Open || c.State != numberdb.CallEnded) && (q.Node == "" || q.Node == c.Node) &&
			(q.Session == 0 || q.Session == c.Session) {
			found = append(found, c)
		}
	}
	return found, nil
}

func (w *fakeStore) PurgeCalls(context.Context, time.Time, int) (int, error) { return 0, nil }

func (w *fakeSessions) Get(_ context.Context, tenant string, id numberdb.ID) (numberdb.Session, error) {
	if id != w.session.ID || tenant != numberdb.AnyTenant && tenant != w.session.Tenant {
		return numberdb.Session{}, problem.New(problem.NotFound)
	}
	return w.session, nil
}

func (w *fakeGuard) Calls(_ context.Context, tenant string, parties ...e164.Number) error {
	if tenant != "shop" || len(parties) != 2 || slices.Contains(parties, maskOfBob) {
		w.t.Errorf("the guard is asked of %d parties of %q", len(parties), tenant)
	}
	return w.refuses
}

func (w *fakeMaker) Verdict(*Side) routing.Verdict { return w.verdict }

func (w *fakeMaker) Make(m *Making) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy {
		return 0, ErrBusy
	}
	w.making = append(w.making, m)
	return uint64(len(w.making)), nil
}

func (w *fakeMaker) Release(running uint64) {
	w.mu.Lock()
	w.ended = append(w.ended, running)
	m := w.making[running-1]
	w.mu.Unlock()
	m.Tell(News{State: numberdb.CallEnded, Outcome: numberdb.CallCancelled, Reason: "released", At: time.Now()})
}

func (w *world) begin(key string) (numberdb.Call, bool, error) {
	return w.Call(w.t.Context(), &Between{
		Tenant: "shop", Session: 7, Attempt: &numberdb.Attempt{Tenant: "shop", Key: key, Fingerprint: []byte("f"), Until: time.Now().UTC().Truncate(time.Microsecond)},
	})
}

func (w *world) events() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.told, " ")
}

func (w *world) is(id numberdb.ID) numberdb.Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[id]
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func codeOf(err error) (problem.Code, string) {
	var p *problem.Error
	if errors.As(err, &p) {
		return p.Code, p.Reason
	}
	return "", ""
}

func TestACall(t *testing.T) {
	w := newWorld(t, nil)
	c, replayed, err := w.begin("once")
	if err != nil || replayed || c.State != numberdb.CallCalling {
		t.Fatalf("%+v %v %v", c, replayed, err)
	}
	m := w.making[0]
	if m.First.From != bob || m.First.To != maskOfAlice || m.Second.From != alice || m.Second.To != maskOfBob || m.Ring != 45*time.Second || m.First.Origin.Writes != routing.WritesFor {
		t.Errorf("made is %+v", m)
	}
	if again, replayed, err := w.begin("once"); err != nil || !replayed || again.ID != c.ID || len(w.making) != 1 {
		t.Errorf("again: %+v %v %v", again, replayed, err)
	}
	if _, _, err := w.begin("another"); err == nil {
		t.Error("a second call of the session")
	} else if code, reason := codeOf(err); code != problem.CapabilityUnavailable || reason != "call_in_progress" {
		t.Errorf("a second call of the session: %v", err)
	}
	now := time.Now()
	for _, n := range []News{
		{State: numberdb.CallRinging, At: now},
		{State: numberdb.CallConnecting, At: now},
		{State: numberdb.CallRinging, At: now},
		{State: numberdb.CallConnected, At: now},
		{State: numberdb.CallEnded, Outcome: numberdb.CallCompleted, Reason: "callee", At: now.Add(time.Second), Talked: time.Second},
	} {
		m.Tell(n)
	}
	eventually(t, "the end is written", func() bool { return w.is(c.ID).State == numberdb.CallEnded })
	if got := w.events(); got != "call.ringing call.answered call.answered call.ended" {
		t.Errorf("told: %s", got)
	}
	eventually(t, "nothing is left in memory", func() bool { return w.running() == 0 && w.waiting() == 0 })
	got, err := w.Get(t.Context(), "shop", c.ID)
	if s := shown(&got); err != nil || s.Outcome != "completed" || s.Seconds != 1 || s.Leg != "" || s.AnsweredAt == nil {
		t.Errorf("it is %+v: %v", s, err)
	}
	if _, err := w.Get(t.Context(), "outlet", c.ID); err == nil {
		t.Error("another tenant sees it")
	}
}

func TestCallsThatDoNotBegin(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(*world)
		code   problem.Code
		reason string
	}{
		{"the session has ended", func(w *world) { w.session.Expires = time.Now() }, problem.SessionClosed, ""},
		{"messages only", func(w *world) { w.session.Services = numberdb.SMS }, problem.CapabilityUnavailable, "service"},
		{"a lease", func(w *world) { w.session.Shape = numberdb.Lease }, problem.CapabilityUnavailable, "shape"},
		{"somebody without a number", func(w *world) { w.session.Participants[1].Number = 0 }, problem.CapabilityUnavailable, "shape"},
		{"the guard refuses", func(w *world) { w.refuses = problem.New(problem.PremiumDestination) }, problem.PremiumDestination, ""},
		{"blocked", func(w *world) { w.verdict = routing.Blocked }, problem.CapabilityUnavailable, "blocked"},
		{"no carrier", func(w *world) { w.verdict = routing.NoCarrier }, problem.CarrierUnavailable, ""},
		{"the edge is busy", func(w *world) { w.busy = true }, problem.CarrierUnavailable, ""},
		{"the store is away", func(w *world) { w.away = true }, problem.StorageUnavailable, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t, x.change)
			_, _, err := w.begin("once")
			if code, reason := codeOf(err); code != x.code || reason != x.reason {
				t.Errorf("it says %v", err)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.making)+len(w.calls)+len(w.attempts) != 0 || len(w.live) != 0 {
				t.Error("something is left of it")
			}
		})
	}
}

// Every verdict has an answer, and none but Forward lets a call begin.
func TestRefusals(t *testing.T) {
	for _, v := range routing.Verdicts() {
		if p := refusal(v); (p == nil) != (v == routing.Forward) {
			t.Errorf("%v: %v", v, p)
		}
	}
}

func TestACallIsEnded(t *testing.T) {
	w := newWorld(t, nil)
	c, _, err := w.begin("once")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if c, err = w.End(t.Context(), "shop", c.ID); err != nil || c.State != numberdb.CallEnded || c.Outcome != numberdb.CallCancelled {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if !slices.Equal(w.ended, []uint64{1}) {
		t.Errorf("ended were %v", w.ended)
	}
	eventually(t, "it is told", func() bool { return w.events() == "call.missed" })
	_, err = w.End(t.Context(), "outlet", c.ID)
	if code, _ := codeOf(err); code != problem.NotFound {
		t.Errorf("another tenant's: %v", err)
	}
}

// What happens while the store is away is written after it, in order; a call that
// another edge makes is not ended here.
func TestTheStoreIsAway(t *testing.T) {
	w := newWorld(t, nil)
	c, _, err := w.begin("once")
	if err != nil {
		t.Fatal(err)
	}
	w.set(func() { w.away = true })
	w.making[0].Tell(News{State: numberdb.CallRinging, At: time.Now()})
	w.making[0].Tell(News{State: numberdb.CallEnded, Outcome: numberdb.CallNoAnswer, Reason: "no_answer", At: time.Now()})
	if got, err := w.Get(t.Context(), "shop", c.ID); err != nil || got.State != numberdb.CallEnded {
		t.Errorf("%+v: %v", got, err)
	}
	w.set(func() { w.away = false })
	eventually(t, "it is written", func() bool { return w.events() == "call.ringing call.missed" && w.waiting() == 0 })
	w.set(func() { w.calls[99] = numberdb.Call{ID: 99, Tenant: "shop", Session: 7, Node: "edge-2"} })
	_, err = w.End(t.Context(), "shop", 99)
	if _, reason := codeOf(err); reason != "other_edge" {
		t.Errorf("another edge's: %v", err)
	}
}

// A call that a crash has left is told as unknown, one of another edge is not.
func TestCallsThatACrashHasLeft(t *testing.T) {
	before := time.Now().UTC().Add(-time.Minute).Truncate(time.Microsecond)
	w := newWorld(t, func(w *world) {
		for id, node := range map[numberdb.ID]string{1: "edge-1", 2: "edge-2"} {
			w.calls[id] = numberdb.Call{ID: id, Tenant: "shop", Session: 7, Node: node, State: numberdb.CallConnected, Created: before, Until: before}
		}
	})
	eventually(t, "it is told", func() bool { return w.events() == "call.missed" })
	if c := w.is(1); c.Outcome != numberdb.CallLost || c.Reason != "edge_ended" {
		t.Errorf("it is %+v", c)
	}
	if c := w.is(2); c.State != numberdb.CallConnected {
		t.Errorf("another edge's is %+v", c)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	await.That(t, 10*time.Second, what, ok)
}
