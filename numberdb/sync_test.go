package numberdb

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// script is a store that does what a test tells it.
type script struct {
	mu       sync.Mutex
	rows     []Binding
	position Position
	loadErr  error
	loads    []time.Time
	refused  int
	feed     chan any // Batch or error
	info     FeedInfo
	held     []Position // given to Feed
}

func (s *script) Load(_ context.Context, put func(Binding)) (Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads = append(s.loads, time.Now())
	if s.loadErr != nil {
		return Snapshot{}, s.loadErr
	}
	for _, b := range s.rows {
		put(b)
	}
	return Snapshot{Position: s.position, Refused: s.refused}, nil
}

func (s *script) Feed(_ context.Context, held Position) (Feed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, held)
	info := s.info
	info.Resumes = info.Durable && held != 0
	return scriptFeed{s, info}, nil
}

type scriptFeed struct {
	*script
	info FeedInfo
}

func (f scriptFeed) About() FeedInfo { return f.info }

func (f scriptFeed) Follow(ctx context.Context, apply func(Batch)) error {
	return f.follow(ctx, apply)
}

func (s *script) follow(ctx context.Context, apply func(Batch)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case next := <-s.feed:
			if err, ok := next.(error); ok {
				return err
			}
			apply(next.(Batch))
		}
	}
}

func (s *script) Apply(_ context.Context, changes []Change) (Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loadErr != nil {
		return 0, s.loadErr
	}
	s.position++
	return s.position, nil
}

func (s *script) Close() error { return nil }

func (s *script) set(change func(*script)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

var errGone = errors.New("the store is gone")

func one(mask string) Binding {
	return Binding{Mask: num(mask), Present: num(mask), Services: SMS, To: Endpoint{Kind: Account, Name: "shop"}}
}

type syncTest struct {
	*Syncer
	store *script
	logs  *observer.ObservedLogs
	reg   *prometheus.Registry
	ended chan error
	stop  context.CancelFunc
}

// runSync runs the test in a bubble with a syncer over a store of one row at
// position 10.
func runSync(t *testing.T, test func(t *testing.T, s *syncTest)) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.DebugLevel)
		s := &syncTest{
			store: &script{rows: []Binding{one("+441110000001")}, position: 10, feed: make(chan any)},
			logs:  logs, reg: prometheus.NewRegistry(), ended: make(chan error, 1),
		}
		var err error
		s.Syncer, err = NewSyncer(s.store, NewTable(), SyncConfig{}, zap.New(core), s.reg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		s.stop = cancel
		defer func() {
			cancel()
			synctest.Wait()
		}()
		go func() { s.ended <- s.Run(ctx) }()
		test(t, s)
	})
}

func TestSyncLoadsAndFollows(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		synctest.Wait()
		if f := s.Fresh(); f != (Freshness{Loaded: true, Up: true, Position: 10}) {
			t.Fatalf("%+v", f)
		}
		s.store.feed <- Batch{Position: 12, Changes: []Change{
			{Binding: one("+441110000002")}, {Binding: one("+441110000001"), Deleted: true},
		}}
		synctest.Wait()
		if s.table.IsMask(num("+441110000001")) || !s.table.IsMask(num("+441110000002")) || s.Fresh().Position != 12 {
			t.Fatal("the batch was not applied")
		}
		s.stop()
		if err := <-s.ended; err != nil {
			t.Fatalf("the end of the context is no fault: %v", err)
		}
	})
}

func TestSyncServesTheOldTableUntilItHasLoadedAgain(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		synctest.Wait()
		s.store.set(func(s *script) { s.loadErr, s.rows, s.position = errGone, []Binding{one("+441110000007")}, 20 })
		s.store.feed <- errGone
		time.Sleep(time.Minute)
		if f := s.Fresh(); !f.Loaded || f.Up || !f.Stale || f.Position != 10 {
			t.Fatalf("%+v", f)
		}
		if !s.table.IsMask(num("+441110000001")) {
			t.Fatal("the old table does not serve")
		}
		s.store.set(func(s *script) { s.loadErr = nil })
		time.Sleep(10 * time.Second)
		if f := s.Fresh(); !f.Up || f.Stale || f.Position != 20 {
			t.Fatalf("%+v", f)
		}
		if s.table.IsMask(num("+441110000001")) || !s.table.IsMask(num("+441110000007")) {
			t.Fatal("the table is not the new one")
		}
		if s.logs.FilterLevelExact(zapcore.WarnLevel).Len() != 1 {
			t.Errorf("an outage was warned of %d times", s.logs.FilterLevelExact(zapcore.WarnLevel).Len())
		}
	})
}

func TestSyncBacksOff(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		synctest.Wait()
		s.store.set(func(s *script) { s.loadErr = errGone })
		s.store.feed <- errGone
		time.Sleep(2 * time.Minute)
		s.store.set(func(s *script) {
			bound := 100 * time.Millisecond
			for i := 1; i < len(s.loads); i++ {
				pause := s.loads[i].Sub(s.loads[i-1])
				if pause < bound/2 || pause > bound+time.Millisecond {
					t.Errorf("pause %d was %v, expected up to %v", i, pause, bound)
				}
				bound = min(2*bound, 5*time.Second)
			}
			if len(s.loads) < 25 {
				t.Errorf("only %d tries", len(s.loads))
			}
		})
	})
}

// A feed that dies at once each time is no reason to load without pause.
func TestSyncBacksOffFromAFeedThatDiesAtOnce(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		dying := make(chan struct{})
		go func() {
			for {
				select {
				case s.store.feed <- ErrFeedLost:
				case <-dying:
					return
				}
			}
		}()
		time.Sleep(time.Minute)
		close(dying)
		s.store.set(func(s *script) {
			if n := len(s.loads); n < 10 || n > 40 {
				t.Errorf("%d loads in a minute", n)
			}
		})
	})
}

func TestSyncEndsWithTheStore(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		synctest.Wait()
		s.store.feed <- ErrClosed
		if err := <-s.ended; !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
	})
}

func TestWaitFor(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		if err := s.WaitFor(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		reached := make(chan error, 2)
		go func() { reached <- s.WaitFor(t.Context(), 12) }()
		go func() { reached <- s.WaitFor(t.Context(), 11) }()
		synctest.Wait()
		s.store.feed <- Batch{Position: 11}
		if err := <-reached; err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(reached) != 0 {
			t.Fatal("a position was reached too early")
		}
		s.store.feed <- Batch{Position: 13}
		if err := <-reached; err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.WaitFor(ctx, 14); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
	})
}

// A commit that is told by itself wakes who waits for it and nobody else, and is
// remembered until all below it was told.
func TestWaitForWhatIsReachedByItself(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		answers := map[Position]chan error{}
		for _, p := range []Position{12, 13, 14, 15, 16} {
			answer := make(chan error, 1)
			answers[p] = answer
			go func() { answer <- s.WaitFor(t.Context(), p) }()
		}
		synctest.Wait()
		s.store.feed <- Batch{Position: 11, Reached: []Position{13, 15, 18}}
		synctest.Wait()
		for p, answer := range answers {
			if told := p == 13 || p == 15; len(answer) > 0 != told {
				t.Errorf("position %d: woken %v", p, !told)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.WaitFor(ctx, 18); err != nil {
			t.Error("what was reached before it was waited for:", err)
		}
		if err := s.WaitFor(ctx, 17); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("below what is reached: %v", err)
		}
		s.store.feed <- Batch{Position: 20}
		for _, answer := range answers {
			if err := <-answer; err != nil {
				t.Error(err)
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.reached) > 0 {
			t.Error("it is remembered for ever")
		}
	})
}

func TestApplyThroughTheSyncer(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- s.Apply(t.Context(), []Change{{Binding: one("+441110000002")}}) }()
		synctest.Wait()
		if len(done) != 0 {
			t.Fatal("answered before the table had it")
		}
		s.store.feed <- Batch{Position: 11, Changes: []Change{{Binding: one("+441110000002")}}}
		if err := <-done; err != nil || !s.table.IsMask(num("+441110000002")) {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Apply(ctx, nil); !errors.Is(err, ErrNotYetRouted) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("committed but not routed: %v", err)
		}
		s.store.set(func(s *script) { s.loadErr = errGone })
		if err := s.Apply(t.Context(), nil); !errors.Is(err, errGone) || errors.Is(err, ErrNotYetRouted) {
			t.Fatalf("not committed: %v", err)
		}
	})
}

func TestFreshness(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		synctest.Wait()
		time.Sleep(10 * time.Second)
		if f := s.Fresh(); f.Lag != 10*time.Second || f.Stale {
			t.Fatalf("%+v", f)
		}
		s.store.feed <- Batch{Position: 10, Delay: 25 * time.Second}
		time.Sleep(time.Second)
		if f := s.Fresh(); f.Lag != 26*time.Second || f.Stale {
			t.Fatalf("what the store holds back does not count: %+v", f)
		}
		time.Sleep(5 * time.Second)
		if f := s.Fresh(); !f.Stale || !f.Up {
			t.Fatalf("%+v", f)
		}
		s.store.feed <- Batch{Position: 10}
		synctest.Wait()
		if f := s.Fresh(); f.Stale || f.Lag != 0 {
			t.Fatalf("%+v", f)
		}
	})
}

func TestSyncMetrics(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		synctest.Wait()
		s.store.set(func(s *script) { s.refused = 2 })
		s.store.feed <- errGone
		time.Sleep(time.Second)
		s.store.feed <- Batch{Position: 11, Refused: 1, Delay: 2 * time.Second, Slots: Slots{true, 2, 4096}}
		synctest.Wait()
		families, err := s.reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, family := range families {
			for _, m := range family.GetMetric() {
				got[family.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		want := map[string]float64{
			"maskline_numberdb_bindings": 1, "maskline_numberdb_reloads_total": 2, "maskline_numberdb_rows_refused_total": 3,
			"maskline_numberdb_stale": 0, "maskline_numberdb_store_up": 1, "maskline_numberdb_sync_lag_seconds": 2,
			"maskline_numberdb_sync_position": 11, "maskline_numberdb_feed": 1, "maskline_numberdb_slots_inactive": 2,
			"maskline_numberdb_slot_retained_bytes": 4096, "maskline_numberdb_comparisons_total": 0, "maskline_numberdb_differences_total": 0,
			"maskline_numberdb_repaired_total": 0, "maskline_numberdb_comparison_seconds": 0,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A feed that can go on is told from where, and loads only when changes are
// missing.
func TestSyncGoesOnWhereAFeedCan(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		s.store.set(func(s *script) { s.info.Durable = true })
		synctest.Wait()
		s.store.feed <- Batch{Position: 15}
		s.store.feed <- errGone
		time.Sleep(time.Second)
		s.store.feed <- Batch{Position: 16}
		s.store.feed <- ErrFeedLost
		time.Sleep(time.Second)
		s.store.set(func(s *script) {
			if diff := cmp.Diff([]Position{0, 15, 0}, s.held); diff != "" || len(s.loads) != 2 {
				t.Errorf("%d loads, %s", len(s.loads), diff)
			}
		})
	})
}

func TestSyncTellsTheFeedOnce(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		s.store.set(func(s *script) { s.info = FeedInfo{Kind: Changelog, Reason: "wal_level is replica"} })
		synctest.Wait()
		for range 3 {
			s.store.feed <- errGone
			time.Sleep(10 * time.Second)
		}
		told := s.logs.FilterField(zap.String("reason", "wal_level is replica")).Len()
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}

// An API write during a copy ends within its bound.
func TestApplyIsBoundedWhileTheStoreIsCopied(t *testing.T) {
	runSync(t, func(t *testing.T, s *syncTest) {
		synctest.Wait()
		started := time.Now()
		err := s.Apply(t.Context(), []Change{{Binding: one("+441110000002")}})
		if waited := time.Since(started); !errors.Is(err, ErrNotYetRouted) || waited != 5*time.Second {
			t.Fatalf("%v after %v", err, waited)
		}
	})
}
