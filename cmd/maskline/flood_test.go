package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/configs"
)

// floodClient keeps its connections.
func floodClient(connections int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}, Timeout: 30 * time.Second}
}

// consent posts one and returns the status.
func (g *guarded) consent(ctx context.Context, client *http.Client, key, once string) int {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url+"/v1/consents", strings.NewReader(`{"number":"+447700900101","text":"yes","method":"checkbox"}`))
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", once)
	resp, err := client.Do(r)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// flood posts by 64 connections of one tenant until stop is called, which returns how
// many were let in and how many were refused.
func (g *guarded) flood(connections int) (stop func() (let, refused int64), isRefused func() bool) {
	ctx, cancel := context.WithCancel(context.Background())
	client := floodClient(connections)
	var running sync.WaitGroup
	var let, refused atomic.Int64
	for i := range connections {
		running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				switch g.consent(ctx, client, "shop", fmt.Sprint("f", i, "-", n)) {
				case http.StatusCreated:
					let.Add(1)
				case http.StatusTooManyRequests:
					refused.Add(1)
				}
			}
		})
	}
	return func() (int64, int64) {
		cancel()
		running.Wait()
		client.CloseIdleConnections()
		return let.Load(), refused.Load()
	}, func() bool { return refused.Load() > 0 }
}

// A tenant that floods is held to its limits, and the other one is served meanwhile.
func TestAFloodOfOneTenant(t *testing.T) {
	_, g := newGuarded(t, "[{name: shop, rps: 20, inflight: 4}, {name: other}]", "")
	began := time.Now()
	stop, isRefused := g.flood(16)
	client := floodClient(1)
	for i := range 50 {
		if status := g.consent(t.Context(), client, "other", fmt.Sprint("q", i)); status != http.StatusCreated {
			t.Errorf("the other tenant hears %d", status)
		}
	}
	client.CloseIdleConnections()
	g.eventually("a refusal", isRefused)
	let, refused := stop()
	most := int64(20*(1+time.Since(began).Seconds())) + 16
	if let > most || let == 0 || refused == 0 {
		t.Errorf("%d of the flood were let in, at most %d may be; %d were refused", let, most, refused)
	}
}

// floodedEdge is an edge with an API, for a benchmark.
func floodedEdge(b *testing.B, tenants string) *guarded {
	b.Helper()
	file := filepath.Join(b.TempDir(), "edge.yaml")
	text := strings.Replace(testConfig, "[{name: shop}]", tenants, 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	cfg, err := configs.Load(file, func(string) (string, bool) { return "pw", true })
	if err != nil {
		b.Fatal(err)
	}
	e, err := newEdge(b.Context(), cfg, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	if err := e.Listen(b.Context()); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()
	g := &guarded{running: &running{edge: e}}
	server := g.serve(b)
	b.Cleanup(func() {
		server.Close()
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	return g
}

// BenchmarkFlood measures what one tenant hears whose durable requests come at a
// steady pace, alone and while another one floods with 64 connections: once without
// limits and once held to 50 requests a second and 8 under way.
func BenchmarkFlood(b *testing.B) {
	for _, c := range []struct {
		name, tenants string
		flood         bool
	}{
		{"alone", "[{name: shop}, {name: other}]", false},
		{"flooded", "[{name: shop, inflight: 1000000}, {name: other}]", true},
		{"flooded, with limits", "[{name: shop, rps: 50, inflight: 8}, {name: other}]", true},
	} {
		b.Run(c.name, func(b *testing.B) {
			g := floodedEdge(b, c.tenants)
			stop := func() (int64, int64) { return 0, 0 }
			if c.flood {
				stop, _ = g.flood(64)
			}
			client := floodClient(4)
			var took []time.Duration
			tick := time.NewTicker(5 * time.Millisecond)
			began := time.Now()
			for i := 0; b.Loop(); i++ {
				<-tick.C
				from := time.Now()
				if status := g.consent(b.Context(), client, "other", fmt.Sprint("q", i)); status != http.StatusCreated {
					b.Errorf("status %d", status)
				}
				took = append(took, time.Since(from))
			}
			elapsed := time.Since(began).Seconds()
			tick.Stop()
			client.CloseIdleConnections()
			let, refused := stop()
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
			b.ReportMetric(float64(let)/elapsed, "let-in/s")
			b.ReportMetric(float64(refused)/elapsed, "refused/s")
		})
	}
}
