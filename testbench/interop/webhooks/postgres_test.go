//go:build peers

package webhooks

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api/webhook"
	"maskline/numberdb"
	"maskline/numberdb/postgres"
	"maskline/numberdb/storetest"
	"maskline/testbench/await"
	"maskline/testbench/pgtest"
)

var server *pgtest.Server

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m, &server)) }

func open(t testing.TB, name string) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(postgres.Config{URL: server.URL(name), Keys: storetest.Keys()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := store.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// register makes an endpoint for a receiver.
func register(t testing.TB, store *postgres.Store, id numberdb.ID, url string) {
	t.Helper()
	e := numberdb.WebhookEndpoint{
		ID: id, Tenant: "shop", URL: url, Created: time.Now().UTC().Truncate(time.Microsecond), Secrets: []numberdb.WebhookSecret{webhook.NewSecret(false)},
	}
	if _, err := store.PutEndpoint(t.Context(), &e); err != nil {
		t.Fatal(err)
	}
}

// engine runs one until stop.
func engine(t testing.TB, store webhook.Store, cfg webhook.Config) (e *webhook.Engine, stop func()) {
	t.Helper()
	sender := webhook.NewSender(webhook.SenderConfig{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Timeout: cfg.Timeout}, time.Now)
	e, err := webhook.NewEngine(cfg, store, sender, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	return e, sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		sender.Close()
	})
}

var ids numberdb.IDs

func tell(t testing.TB, store *postgres.Store, sessions ...numberdb.ID) {
	t.Helper()
	var w numberdb.Writes
	for _, s := range sessions {
		now := time.Now().Truncate(time.Microsecond)
		w.Outbox = append(w.Outbox, numberdb.Event{ID: ids.Next(now), Tenant: "shop", Type: "session.created", Session: s, At: now})
	}
	if _, err := store.Commit(t.Context(), &w); err != nil {
		t.Fatal(err)
	}
}

// hung is a store whose edge has died: nothing that it does comes through.
type hung struct {
	*postgres.Store
	dead    atomic.Bool
	settled atomic.Int32
}

func (h *hung) NextEvents(ctx context.Context, wanted []numberdb.Wanted) ([][]numberdb.Event, error) {
	if h.dead.Load() {
		return nil, numberdb.ErrClosed
	}
	return h.Store.NextEvents(ctx, wanted)
}

func (h *hung) HoldEndpoints(ctx context.Context, holder string, lease time.Duration) ([]numberdb.HeldEndpoint, error) {
	if h.dead.Load() {
		return nil, numberdb.ErrClosed
	}
	return h.Store.HoldEndpoints(ctx, holder, lease)
}

func (h *hung) Settle(ctx context.Context, done []numberdb.Settlement) ([]numberdb.ID, error) {
	if h.dead.Load() {
		return nil, numberdb.ErrClosed
	}
	h.settled.Add(1)
	return h.Store.Settle(ctx, done)
}

// Two edges on one Postgres: one posts, and when it dies the other goes on; each
// event arrives, the first arrivals of a session in order.
func TestTwoEdges(t *testing.T) {
	const name = "two_edges"
	if err := server.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	receiver := &receiver{seen: map[string]bool{}, last: map[string]int64{}}
	posts := httptest.NewServer(receiver)
	defer posts.Close()
	one, two := &hung{Store: open(t, name)}, &hung{Store: open(t, name)}
	register(t, one.Store, 1, posts.URL)
	cfg := webhook.Config{Timeout: 500 * time.Millisecond, Poll: 50 * time.Millisecond, Renew: 500 * time.Millisecond}
	cfg.Holder = "one"
	_, stopOne := engine(t, one, cfg)
	defer stopOne()
	tell(t, one.Store, 7, 8, 7)
	storetest.Eventually(t, "the first events", func() bool { return receiver.count() == 3 })
	cfg.Holder = "two"
	_, stopTwo := engine(t, two, cfg)
	defer stopTwo()
	for range 20 {
		tell(t, two.Store, 7, 8, 9)
	}
	storetest.Eventually(t, "events that another edge has written", func() bool { return receiver.count() == 63 })
	one.dead.Store(true)
	for range 20 {
		tell(t, two.Store, 7, 8, 9)
	}
	storetest.Eventually(t, "all events, by the other edge", func() bool { return receiver.count() == 123 })
	storetest.Eventually(t, "the other edge to note what it has posted", func() bool { return two.settled.Load() > 0 })
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
	for _, fault := range receiver.wrong {
		t.Error(fault)
	}
}

// BenchmarkDeliver tells and delivers on a Postgres that waits for its disk.
func BenchmarkDeliver(b *testing.B) {
	durable, err := pgtest.Start(context.Background(), "fsync=on", "shared_buffers='256MB'")
	if err != nil {
		b.Fatal(err)
	}
	defer durable.Stop()
	if err := durable.CreateDatabase(b.Context(), "bench"); err != nil {
		b.Fatal(err)
	}
	store, err := postgres.Open(postgres.Config{URL: durable.URL("bench"), Keys: storetest.Keys()})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	var got atomic.Int64
	posts := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got.Add(1)
	}))
	defer posts.Close()
	register(b, store, 1, posts.URL)
	e, stop := engine(b, store, webhook.Config{Holder: "bench"})
	defer stop()
	b.ResetTimer()
	for told := 0; told < b.N; {
		var sessions []numberdb.ID
		for range min(100, b.N-told) {
			told++
			sessions = append(sessions, numberdb.ID(told))
		}
		tell(b, store, sessions...)
		e.Wake("shop")
	}
	await.That(b, 5*time.Minute, "all deliveries", func() bool { return got.Load() >= int64(b.N) })
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}
