package usage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/numberdb/sqlite"
)

// world is a store and the meters that use it, with the time of a bubble.
type world struct {
	*testing.T
	store numberdb.UsageStore
	every time.Duration

	mu   sync.Mutex
	told []string
}

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
		test(&world{T: t, store: store})
	})
}

// run starts a meter with a limit of 100 for the shop; stop ends it.
func (w *world) run(holder string) (m *Meter, stop func()) {
	w.Helper()
	tell := func(tenant string, day numberdb.Day, percent int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told = append(w.told, fmt.Sprint(tenant, " ", day, " ", percent))
	}
	m, err := NewMeter(Config{Holder: holder, Every: w.every, Tell: tell}, w.store, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		w.Fatal(err)
	}
	m.SetLimits(map[string]int64{"shop": 100})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	return m, func() { cancel(); running.Wait() }
}

func (w *world) want(rows ...numberdb.Usage) {
	w.Helper()
	got, err := w.store.Usage(w.Context(), numberdb.UsageQuery{Tenant: numberdb.AnyTenant, To: 1 << 20})
	if err != nil {
		w.Fatal(err)
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		w.Error(diff)
	}
}

func TestALimitIsReached(t *testing.T) {
	inBubble(t, func(w *world) {
		m, stop := w.run("a")
		for range 3 {
			m.Sent("shop", 30, time.Now())
			m.Sent("other", 1000, time.Now())
		}
		m.Talked("shop", 0, 90*time.Second, time.Now())
		if m.Exhausted("shop", time.Now()) {
			t.Error("nothing is left of 100 after 90")
		}
		time.Sleep(2 * time.Second)
		m.Talked("shop", 3, 3*time.Minute+time.Millisecond, time.Now()) // four begun
		if !m.Exhausted("shop", time.Now()) || m.Exhausted("other", time.Now()) || m.Exhausted("nobody", time.Now()) {
			t.Error("a limit is not where it is")
		}
		stop()
		today := numberdb.DayOf(time.Now())
		w.want(numberdb.Usage{Tenant: "other", Day: today, Messages: 3, Cost: 3000},
			numberdb.Usage{Tenant: "shop", Day: today, Messages: 3, Calls: 2, Seconds: 270, Cost: 102})
		m.SetLimits(map[string]int64{"shop": 103, "other": 3000})
		if m.Exhausted("shop", time.Now()) || !m.Exhausted("other", time.Now()) {
			t.Error("new limits do not hold")
		}
	})
}

// Each step is told once in a day, the one after it too.
func TestStepsAreTold(t *testing.T) {
	inBubble(t, func(w *world) {
		w.every = 5 * time.Minute
		m, stop := w.run("a")
		days := make([]string, 2)
		for i := range days {
			days[i] = numberdb.DayOf(time.Now()).String()
			for range 5 {
				m.Sent("shop", 25, time.Now())
				time.Sleep(10 * time.Minute)
			}
			time.Sleep(24 * time.Hour)
		}
		stop()
		var want []string
		for _, day := range days {
			for _, percent := range []int{50, 100} { // 75 is no 80
				want = append(want, fmt.Sprint("shop ", day, " ", percent))
			}
		}
		if diff := cmp.Diff(want, w.told); diff != "" {
			t.Error(diff)
		}
	})
}

// Two edges have one limit, and so have an edge and the one that was before it.
func TestEdgesShareALimit(t *testing.T) {
	inBubble(t, func(w *world) {
		a, stopA := w.run("a")
		a.Sent("shop", 60, time.Now())
		time.Sleep(3 * time.Second)
		stopA()
		b, stopB := w.run("b")
		c, stopC := w.run("c")
		b.Sent("shop", 30, time.Now())
		time.Sleep(3 * time.Second)
		if b.Exhausted("shop", time.Now()) || c.Exhausted("shop", time.Now()) {
			t.Error("90 of 100 are too much")
		}
		c.Sent("shop", 10, time.Now())
		time.Sleep(3 * time.Second)
		if !b.Exhausted("shop", time.Now()) || !c.Exhausted("shop", time.Now()) {
			t.Error("100 of 100 are not enough")
		}
		stopB()
		stopC()
		w.want(numberdb.Usage{Tenant: "shop", Day: numberdb.DayOf(time.Now()), Messages: 3, Cost: 100})
	})
}

// With the day begins a new count, and what comes late belongs to its own day.
func TestDaysAreApart(t *testing.T) {
	inBubble(t, func(w *world) {
		w.every = 10 * time.Minute
		m, stop := w.run("a")
		late := time.Now()
		first := numberdb.DayOf(late)
		m.Sent("shop", 100, late)
		m.Sent("shop", 1, (first + 1).Start().Add(-time.Nanosecond))
		if !m.Exhausted("shop", late) || m.Exhausted("shop", (first+1).Start()) {
			t.Error("the limit is not that of a day")
		}
		m.Sent("shop", 7, (first + 1).Start())
		time.Sleep(50 * time.Hour)
		m.Sent("shop", 9, time.Now())
		stop()
		last := numberdb.DayOf(time.Now())
		w.want(numberdb.Usage{Tenant: "shop", Day: first, Messages: 2, Cost: 101},
			numberdb.Usage{Tenant: "shop", Day: first + 1, Messages: 1, Cost: 7}, numberdb.Usage{Tenant: "shop", Day: last, Messages: 1, Cost: 9})
		if p := m.purse("shop"); len(p.days("shop", time.Now())) != 1 {
			t.Error("days that are over are kept")
		}
	})
}

// away is a store that does not answer.
type away struct {
	numberdb.UsageStore
	gone atomic.Bool
}

var errAway = errors.New("away")

func (a *away) PutUsage(ctx context.Context, holder string, rows []numberdb.Usage) error {
	if a.gone.Load() {
		return errAway
	}
	return a.UsageStore.PutUsage(ctx, holder, rows)
}

func (a *away) Usage(ctx context.Context, q numberdb.UsageQuery) ([]numberdb.Usage, error) {
	if a.gone.Load() {
		return nil, errAway
	}
	return a.UsageStore.Usage(ctx, q)
}

// What was counted while the store was away is written when it is back, over the end of
// a day too; limits hold meanwhile.
func TestTheStoreIsAway(t *testing.T) {
	inBubble(t, func(w *world) {
		store := &away{UsageStore: w.store}
		w.store, w.every = store, 10*time.Minute
		m, stop := w.run("a")
		synctest.Wait()
		store.gone.Store(true)
		first := numberdb.DayOf(time.Now())
		m.Sent("shop", 100, time.Now())
		time.Sleep(26 * time.Hour)
		m.Sent("shop", 100, time.Now())
		time.Sleep(time.Hour)
		synctest.Wait()
		if !m.Exhausted("shop", time.Now()) {
			t.Error("without a store there is no limit")
		}
		store.gone.Store(false)
		time.Sleep(time.Hour)
		stop()
		w.want(numberdb.Usage{Tenant: "shop", Day: first, Messages: 1, Cost: 100}, numberdb.Usage{Tenant: "shop", Day: first + 1, Messages: 1, Cost: 100})
	})
}

// Counts of many goroutines are all there.
func TestManyCount(t *testing.T) {
	inBubble(t, func(w *world) {
		m, stop := w.run("a")
		now := time.Now()
		day := numberdb.DayOf(now)
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				for i := range 2000 {
					m.Sent(fmt.Sprint("tenant ", i%7), 1, (day + numberdb.Day(i*g/4000)).Start().Add(time.Hour))
				}
			})
		}
		all.Wait()
		stop()
		rows, err := w.store.Usage(w.Context(), numberdb.UsageQuery{Tenant: numberdb.AnyTenant, To: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		var messages, cost int64
		for i := range rows {
			messages, cost = messages+rows[i].Messages, cost+rows[i].Cost
		}
		if messages != 16000 || cost != 16000 {
			t.Errorf("%d messages for %d", messages, cost)
		}
	})
}

func TestCostsAreBounded(t *testing.T) {
	inBubble(t, func(w *world) {
		m, stop := w.run("a")
		for range 100 {
			m.Talked("shop", 1<<63, 1<<62, time.Now())
		}
		if !m.Exhausted("shop", time.Now()) {
			t.Error("the cost went round")
		}
		stop()
	})
}

func BenchmarkSent(b *testing.B) {
	m, err := NewMeter(Config{}, nil, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	m.SetLimits(map[string]int64{"shop": 100})
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		m.Sent("shop", 5000, now)
		m.Exhausted("shop", now)
	}
}
