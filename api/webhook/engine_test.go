package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/numberdb/sqlite"
)

// received is a post that an endpoint has answered.
type received struct {
	endpoint numberdb.ID
	Payload
	at time.Time
	ok bool
}

// receiver is every endpoint: answer says what becomes of a post.
type receiver struct {
	mu     sync.Mutex
	all    []received
	answer func(ctx context.Context, to *numberdb.WebhookEndpoint, p *Payload) Result
}

func (r *receiver) Post(ctx context.Context, to *numberdb.WebhookEndpoint, id string, body []byte) Result {
	var p Payload
	if err := json.Unmarshal(body, &p); err != nil || p.ID != id {
		panic(fmt.Sprint("a body that is not its event's: ", err))
	}
	began := time.Now()
	result := Result{Status: http.StatusOK}
	if r.answer != nil {
		result = r.answer(ctx, to, &p)
	}
	if result.Outcome == "" {
		result.Outcome = outcomeOf(ctx, result.Status, nil)
	}
	result.At, result.Took = began, time.Since(began)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, received{to.ID, p, time.Now(), result.OK()})
	return result
}

// taken are the posts that an endpoint has taken.
func (r *receiver) taken(endpoint numberdb.ID) (list []received) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.all {
		if x.endpoint == endpoint && x.ok {
			list = append(list, x)
		}
	}
	return list
}

func (r *receiver) attempts(endpoint numberdb.ID) (list []received) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.all {
		if x.endpoint == endpoint {
			list = append(list, x)
		}
	}
	return list
}

// world is a store with an engine and the time of a bubble.
type world struct {
	*testing.T
	*receiver
	store *sqlite.Store
	cfg   Config
	ids   numberdb.IDs
	told  map[numberdb.ID]int // events of sessions
}

// inBubble runs a test with a clock of its own.
func inBubble(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(context.Background(), sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}()
		test(&world{T: t, receiver: &receiver{}, store: store, cfg: Config{Holder: "a"}, told: map[numberdb.ID]int{}})
	})
}

func (w *world) endpoint(id numberdb.ID, tenant string, types ...string) {
	w.Helper()
	e := endpointAt("https://example.com/")
	e.ID, e.Tenant, e.Types, e.Created = id, tenant, types, time.Now().Truncate(time.Microsecond)
	if _, err := w.store.PutEndpoint(w.Context(), e); err != nil {
		w.Fatal(err)
	}
}

func (w *world) tell(e *Engine, tenant string, sessions ...numberdb.ID) {
	w.Helper()
	var writes numberdb.Writes
	for _, session := range sessions {
		now := time.Now().Truncate(time.Microsecond)
		writes.Outbox = append(writes.Outbox, numberdb.Event{ID: w.ids.Next(now), Tenant: tenant, Type: "session.created", Session: session, At: now})
		w.told[session]++
	}
	if _, err := w.store.Commit(w.Context(), &writes); err != nil {
		w.Fatal(err)
	}
	if e != nil {
		e.Wake(tenant)
	}
}

// run starts an engine; stop ends it.
func (w *world) run() (e *Engine, stop func()) {
	w.Helper()
	return w.runOn(w.store)
}

func (w *world) runOn(store Store) (e *Engine, stop func()) {
	w.Helper()
	e, err := NewEngine(w.cfg, store, w.receiver, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := e.Run(ctx); err != nil {
			w.Error(err)
		}
	}()
	return e, func() { cancel(); <-ended }
}

// wantAll wants every event of an endpoint's sessions once, in order.
func (w *world) wantAll(endpoint numberdb.ID, sessions ...numberdb.ID) {
	w.Helper()
	last := map[string]int64{}
	for _, x := range w.taken(endpoint) {
		var data struct {
			Session string `json:"session_id"`
		}
		if err := json.Unmarshal(x.Data, &data); err != nil {
			w.Fatal(err)
		}
		if x.Sequence != last[data.Session]+1 {
			w.Errorf("endpoint %d: %d of %s comes after %d", endpoint, x.Sequence, data.Session, last[data.Session])
		}
		last[data.Session] = x.Sequence
	}
	for _, s := range sessions {
		if got := last[s.Text(numberdb.SessionPrefix)]; got != int64(w.told[s]) {
			w.Errorf("endpoint %d got %d of %d events of session %d", endpoint, got, w.told[s], s)
		}
	}
}

func TestEveryEventOnceAndInOrder(t *testing.T) {
	inBubble(t, func(w *world) {
		random := rand.New(rand.NewPCG(1, 2))
		w.answer = func(_ context.Context, _ *numberdb.WebhookEndpoint, _ *Payload) Result {
			w.mu.Lock()
			wait, fails := time.Duration(random.IntN(50))*time.Millisecond, random.IntN(4) == 0
			w.mu.Unlock()
			time.Sleep(wait)
			if fails {
				return Result{Status: http.StatusInternalServerError}
			}
			return Result{Status: http.StatusNoContent}
		}
		w.cfg.Schedule = []time.Duration{0, time.Second, time.Second, time.Second, time.Second, time.Second, time.Second, time.Second, time.Second, time.Second, time.Second, time.Second}
		w.endpoint(1, "shop")
		w.endpoint(2, "shop", "session.created")
		w.endpoint(3, "shop", "session.closed")
		w.endpoint(4, "other")
		e, stop := w.run()
		for i := range 60 {
			w.tell(e, "shop", numberdb.ID(100+i%7), numberdb.ID(100+i%3), 100)
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(10 * time.Minute)
		stop()
		for _, endpoint := range []numberdb.ID{1, 2} {
			w.wantAll(endpoint, 100, 101, 102, 103, 104, 105, 106)
		}
		if n := len(w.attempts(3)) + len(w.attempts(4)); n != 0 {
			t.Errorf("%d posts to endpoints that want none of it", n)
		}
	})
}

// A receiver that is away for two minutes gets everything when it is back.
func TestAReceiverThatWasAway(t *testing.T) {
	inBubble(t, func(w *world) {
		var away bool
		w.answer = func(context.Context, *numberdb.WebhookEndpoint, *Payload) Result {
			w.mu.Lock()
			defer w.mu.Unlock()
			if away {
				return Result{Outcome: OutcomeConnection}
			}
			return Result{Status: http.StatusOK}
		}
		set := func(is bool) { w.mu.Lock(); away = is; w.mu.Unlock() }
		w.endpoint(1, "shop")
		e, stop := w.run()
		for second := range 240 {
			set(second >= 30 && second < 150)
			w.tell(e, "shop", numberdb.ID(100+second%11), numberdb.ID(100+second%11), 500)
			time.Sleep(time.Second)
		}
		time.Sleep(6 * time.Minute)
		stop()
		w.wantAll(1, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 500)
		seen := map[string]bool{}
		for _, x := range w.taken(1) {
			if seen[x.ID] {
				t.Errorf("%s came twice", x.ID)
			}
			seen[x.ID] = true
		}
	})
}

// Endpoints that never answer hold back nobody else.
func TestDeadReceiversDelayNobody(t *testing.T) {
	inBubble(t, func(w *world) {
		const dead = 100
		w.answer = func(ctx context.Context, to *numberdb.WebhookEndpoint, _ *Payload) Result {
			if to.ID > 1 {
				time.Sleep(15 * time.Second)
				return Result{Outcome: OutcomeTimeout}
			}
			return Result{Status: http.StatusOK}
		}
		w.endpoint(1, "shop")
		for i := range dead {
			w.endpoint(numberdb.ID(2+i), "shop")
		}
		e, stop := w.run()
		w.tell(e, "shop", 7)
		time.Sleep(time.Minute)
		for range 1000 {
			w.tell(e, "shop", 7, 8, 9)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		w.wantAll(1, 7, 8, 9)
		for _, x := range w.taken(1) {
			if late := x.at.Sub(x.Timestamp); late > 250*time.Millisecond && x.Sequence > 1 {
				t.Fatalf("an event was %v late", late)
			}
		}
		if n := len(e.endpoints[2].window) + len(e.endpoints[2].waiting) + len(e.endpoints[2].unwritten); n > mostUnsettled+numberdb.MostWaiting {
			t.Errorf("%d events of a dead endpoint are in memory", n)
		}
		stop()
	})
}

// However many endpoints of one tenant never answer, another's new one is posted to at
// once.
func TestDeadReceiversOfOneTenant(t *testing.T) {
	inBubble(t, func(w *world) {
		w.answer = func(_ context.Context, to *numberdb.WebhookEndpoint, _ *Payload) Result {
			if to.Tenant == "shop" {
				time.Sleep(15 * time.Second)
				return Result{Outcome: OutcomeTimeout}
			}
			return Result{Status: http.StatusOK}
		}
		for i := range 100 {
			w.endpoint(numberdb.ID(2+i), "shop")
		}
		e, stop := w.run()
		w.tell(e, "shop", 0, 0, 0, 0, 0, 0, 0, 0)
		time.Sleep(20 * time.Second) // all places that it can have are taken, for the second time
		w.endpoint(1, "outlet")
		e.Changed()
		w.tell(e, "outlet", 7)
		time.Sleep(500 * time.Millisecond)
		w.wantAll(1, 7)
		stop()
	})
}

func TestAnEndpointThatIsGone(t *testing.T) {
	inBubble(t, func(w *world) {
		w.answer = func(_ context.Context, to *numberdb.WebhookEndpoint, _ *Payload) Result {
			if to.ID == 1 {
				return Result{Status: http.StatusGone}
			}
			return Result{Status: http.StatusOK}
		}
		w.endpoint(1, "shop")
		w.endpoint(2, "shop", numberdb.WebhookDisabled)
		e, stop := w.run()
		w.tell(e, "shop", 7, 7, 8)
		time.Sleep(time.Minute)
		w.tell(e, "shop", 9)
		time.Sleep(time.Minute)
		stop()
		if n := len(w.attempts(1)); n == 0 || n > 2 {
			t.Errorf("%d posts to an endpoint that is gone", n)
		}
		told := w.taken(2)
		if len(told) != 1 || told[0].Type != numberdb.WebhookDisabled || string(told[0].Data) != `{"webhook_endpoint_id":"`+numberdb.ID(1).Text("whk_")+`","reason":"gone"}` {
			t.Errorf("told: %v", told)
		}
		found, err := w.store.Endpoints(w.Context(), "shop", 1)
		if err != nil || found[0].State != numberdb.EndpointGone {
			t.Errorf("%v %v", found, err)
		}
	})
}

// What asks for less is left alone for as long as it says, within bounds.
func TestAnEndpointThatAsksForLess(t *testing.T) {
	for status, c := range map[int]struct{ after, least, most time.Duration }{
		429: {7 * time.Second, 7 * time.Second, 10 * time.Second},
		502: {0, usualPause, usualPause + 10*time.Second},
		504: {100 * time.Hour, time.Hour, time.Hour + 10*time.Minute},
		503: {time.Hour, 5 * time.Second, 7 * time.Second},
	} {
		inBubble(t, func(w *world) {
			w.cfg.Poll = 30 * time.Second
			began, busy := time.Now(), true
			w.answer = func(context.Context, *numberdb.WebhookEndpoint, *Payload) Result {
				w.mu.Lock()
				defer w.mu.Unlock()
				if !busy {
					return Result{Status: 200}
				}
				busy = false
				return Result{Status: status, RetryAfter: c.after}
			}
			w.endpoint(1, "shop")
			e, stop := w.run()
			w.tell(e, "shop", 7)
			time.Sleep(2 * time.Hour)
			stop()
			taken := w.taken(1)
			if len(taken) != 1 {
				t.Fatalf("%d: %d taken", status, len(taken))
			}
			if after := taken[0].at.Sub(began); after < c.least || after > c.most {
				t.Errorf("%d: again after %v", status, after)
			}
		})
	}
}

// The schedule is that of the specification, with up to a tenth more; then an
// event is given up, what is behind it goes on, and replay brings it back.
func TestScheduleAndReplay(t *testing.T) {
	inBubble(t, func(w *world) {
		poison := ""
		fails := true
		w.answer = func(_ context.Context, _ *numberdb.WebhookEndpoint, p *Payload) Result {
			w.mu.Lock()
			defer w.mu.Unlock()
			if poison == "" {
				poison = p.ID
			}
			if p.ID == poison && fails {
				return Result{Status: 500}
			}
			return Result{Status: 200}
		}
		w.cfg.Poll, w.cfg.Timeout = 5*time.Minute, 20*time.Minute
		w.endpoint(1, "shop")
		e, stop := w.run()
		w.tell(e, "shop", 7, 7, 8)
		time.Sleep(100 * time.Hour)
		attempts := w.attempts(1)
		schedule := DefaultSchedule()
		var last time.Time
		n := 0
		for _, x := range attempts {
			if x.ID != poison {
				continue
			}
			if n > 0 {
				if pause := x.at.Sub(last); pause < schedule[n] || pause > schedule[n]+schedule[n]/10+2*time.Second {
					t.Errorf("attempt %d after %v, want %v", n+1, pause, schedule[n])
				}
			}
			n, last = n+1, x.at
		}
		if n != len(schedule) {
			t.Errorf("%d attempts", n)
		}
		if taken := w.taken(1); len(taken) != 2 || taken[0].at.Sub(taken[1].at).Abs() < time.Hour {
			t.Errorf("what is of its session did not wait: %v", taken)
		}
		w.mu.Lock()
		fails = false
		w.mu.Unlock()
		id, _ := numberdb.ParseID(numberdb.EventPrefix, poison)
		if n, err := w.store.Replay(w.Context(), &numberdb.Replay{Endpoint: 1, Tenant: "shop", Event: id, Now: time.Now()}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		e.Changed()
		time.Sleep(time.Minute)
		stop()
		if taken := w.taken(1); len(taken) != 3 || taken[2].ID != poison {
			t.Errorf("after a replay: %v", taken)
		}
		lines, err := w.store.Deliveries(w.Context(), numberdb.DeliveryQuery{Endpoint: 1})
		if err != nil || len(lines) != 3 {
			t.Fatal(lines, err)
		}
		for _, d := range lines {
			if d.State != numberdb.Delivered || d.Status != 200 {
				t.Errorf("%+v", d)
			}
		}
	})
}

// An engine that ends, and one that dies without a word, lose nothing.
func TestEnginesThatEnd(t *testing.T) {
	inBubble(t, func(w *world) {
		random := rand.New(rand.NewPCG(3, 4))
		w.answer = func(ctx context.Context, _ *numberdb.WebhookEndpoint, _ *Payload) Result {
			w.mu.Lock()
			wait, fails := time.Duration(random.IntN(300))*time.Millisecond, random.IntN(5) == 0
			w.mu.Unlock()
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return Result{Outcome: OutcomeCancelled}
			}
			if fails {
				return Result{Status: 500}
			}
			return Result{Status: 200}
		}
		w.cfg.Schedule = make([]time.Duration, 50)
		w.endpoint(1, "shop")
		for round := range 12 {
			e, stop := w.run()
			for range 5 {
				w.tell(e, "shop", 7, 8, 7, numberdb.ID(20+round))
				time.Sleep(100 * time.Millisecond)
			}
			stop()
		}
		_, stop := w.run()
		time.Sleep(time.Hour)
		stop()
		w.wantAll(1, 7, 8, 20, 25, 31)
	})
}

// A crash between a post and its note makes it come again, with the same id and in
// order.
func TestAnEngineThatDies(t *testing.T) {
	inBubble(t, func(w *world) {
		w.cfg.Settle = 10 * time.Second
		w.endpoint(1, "shop")
		e, stop := w.runOn(deaf{w.store})
		w.tell(e, "shop", 7, 7, 7, 8)
		time.Sleep(time.Second)
		stop()
		first := len(w.taken(1))
		_, stop = w.run()
		time.Sleep(time.Minute)
		stop()
		all := w.taken(1)
		if first != 4 || len(all) != 8 {
			t.Fatalf("%d, then %d", first, len(all))
		}
		w.all = w.all[first:]
		w.wantAll(1, 7, 8)
	})
}

// More waits in the store than is read at once: all of it is posted, in order.
func TestMoreWaitsThanIsReadAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		const events = 2*numberdb.MostWaiting + 700
		w.endpoint(1, "shop")
		for range events / 100 {
			sessions := make([]numberdb.ID, 100)
			for i := range sessions {
				sessions[i] = numberdb.ID(7 + i%3)
			}
			w.tell(nil, "shop", sessions...)
		}
		held, err := w.store.HoldEndpoints(w.Context(), "a", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		all, err := w.store.Events(w.Context(), numberdb.EventQuery{Tenant: "shop", Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		done := numberdb.Settlement{Endpoint: 1, Epoch: held[0].Epoch, Done: all[len(all)-1].Position}
		for i := range all {
			done.Deliveries = append(done.Deliveries, numberdb.Delivery{Endpoint: 1, Event: all[i].ID, Type: all[i].Type, Session: all[i].Session, Position: all[i].Position})
		}
		if _, err := w.store.Settle(w.Context(), []numberdb.Settlement{done}); err != nil {
			t.Fatal(err)
		}
		e, stop := w.run()
		w.tell(e, "shop", 7, 8, 9)
		time.Sleep(time.Minute)
		stop()
		w.wantAll(1, 7, 8, 9)
		if n := len(w.taken(1)); n != events+3 {
			t.Errorf("%d posts for %d events", n, events+3)
		}
	})
}

// deaf is a store that loses what is settled, as the death of an engine does.
type deaf struct{ *sqlite.Store }

func (d deaf) Settle(context.Context, []numberdb.Settlement) ([]numberdb.ID, error) { return nil, nil }

// Endpoints are taken in anew while what waits for one of them is being read; the
// race detector looks on.
func TestEndpointTakenInWhileItIsRead(t *testing.T) {
	inBubble(t, func(w *world) {
		w.endpoint(1, "shop")
		store := late{w.store, make(chan struct{})}
		e, stop := w.runOn(store)
		e.Changed() // no Wait before: it would order the two for the detector
		synctest.Wait()
		close(store.release)
		w.tell(e, "shop", 7)
		time.Sleep(time.Second)
		stop()
		w.wantAll(1, 7)
	})
}

// late is a store that reads what waits only when it is told to.
type late struct {
	*sqlite.Store
	release chan struct{}
}

func (l late) WaitingDeliveries(ctx context.Context, endpoint numberdb.ID) ([]numberdb.Delivery, error) {
	<-l.release
	return l.Store.WaitingDeliveries(ctx, endpoint)
}
