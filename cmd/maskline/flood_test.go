package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// floodClient keeps its connections.
func floodClient(connections int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}, Timeout: 30 * time.Second}
}

// consent posts one and returns the status.
func (g *guarded) consent(ctx context.Context, client *http.Client, who, once string) int {
	r := g.clients[who].request(http.MethodPost, "/v1/consents", `{"number":"+447700900101","text":"yes","method":"checkbox"}`, idempotency, once)
	resp, err := client.Do(r.WithContext(ctx))
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
