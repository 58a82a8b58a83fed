package webhook

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/numberdb/sqlite"
	"maskline/numberdb/storetest"
	"maskline/testbench/await"
)

// BenchmarkDeliver tells events and waits until a fast receiver over a socket has
// all of them: signed, posted and written to the log.
func BenchmarkDeliver(b *testing.B) {
	var got atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got.Add(1)
	}))
	defer server.Close()
	store, err := sqlite.Open(b.Context(), sqlite.Config{Dir: b.TempDir(), Keys: storetest.Keys()})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	to := endpointAt(server.URL)
	to.Created = time.Now().Truncate(time.Microsecond)
	if _, err := store.PutEndpoint(b.Context(), to); err != nil {
		b.Fatal(err)
	}
	sender := NewSender(SenderConfig{AllowPrivate: loopback}, time.Now)
	defer sender.Close()
	e, err := NewEngine(Config{Holder: "a"}, store, sender, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	var ids numberdb.IDs
	b.ReportAllocs()
	b.ResetTimer()
	for told := 0; told < b.N; {
		var w numberdb.Writes
		for range min(100, b.N-told) {
			now := time.Now().Truncate(time.Microsecond)
			w.Outbox = append(w.Outbox, numberdb.Event{ID: ids.Next(now), Tenant: "shop", Type: "session.created", Session: numberdb.ID(1 + told), At: now})
			told++
		}
		if _, err := store.Commit(b.Context(), &w); err != nil {
			b.Fatal(err)
		}
		e.Wake("shop")
	}
	await.That(b, 5*time.Minute, "all deliveries", func() bool { return got.Load() >= int64(b.N) })
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}
