package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskline/api/problem"
	"maskline/testbench/await"
)

// hastyConfig gives up a request after a second, and its masks take any number of
// parties.
var hastyConfig = strings.Replace(twoTenants, `api: {listen: "127.0.0.1:0"`, `lifecycle: {parties_per_mask: 0}
api: {listen: "127.0.0.1:0", limits: {read: 1s}, abuse: {sequential: 0}`, 1)

// Somebody else holds the file of the store: writes wait in vain, and nothing of them
// is half-done.
func TestTheEmbeddedStoreIsHeldDuringWrites(t *testing.T) {
	w := servedWith(t, hastyConfig)
	db, err := sql.Open("sqlite", w.c.path("data/maskline.db"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	run := func(text string) func() error {
		return func() error { _, err := db.ExecContext(t.Context(), text); return err }
	}
	w.storeGoesAway(run(`PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE`), run(`ROLLBACK`))
}

// storeGoesAway takes the store away while several clients write, and brings it back.
// What stands goes on, writes hear when to come back, and every request that is sent
// until it is done is done once.
func (w *web) storeGoesAway(away, back func() error) {
	w.t.Helper()
	const clients = 6
	shop := w.as("shop", "integrator")
	stood := shop.ask(http.MethodPost, "/v1/sessions", onePair, idempotency, "before").want(http.StatusCreated)
	all := making{shop: shop, made: map[string]string{stood.id(): "before"}}
	var over atomic.Bool
	var working sync.WaitGroup
	for range clients {
		working.Go(func() {
			for !over.Load() {
				all.one()
			}
		})
	}
	for _, step := range []struct {
		what string
		of   *atomic.Int64
		then func() error
	}{
		{"writes are under way", &all.done, away},
		{"writes are refused", &all.refused, back},
		{"writes are done again", &all.done, func() error { over.Store(true); return nil }},
	} {
		from := step.of.Load()
		if !await.Within(30*time.Second, func() bool { return step.of.Load() >= from+clients }) {
			w.t.Errorf("not in time: %s", step.what)
		}
		if dial := stood.dial(); !w.routes(dial[0], "+447700900101") || !w.routes(dial[1], "+447700900202") {
			w.t.Error("what was routed is not any more")
		}
		if err := step.then(); err != nil {
			w.t.Error(err)
		}
	}
	working.Wait()
	list := shop.listed("?live=true&limit=1000")
	if len(list) != len(all.made) {
		w.t.Errorf("%d sessions live, %d were answered", len(list), len(all.made))
	}
	for _, id := range list {
		if all.made[id] == "" {
			w.t.Errorf("%s was answered to nobody", id)
		}
	}
	if strings.Contains(string(w.log.bytes()), "77009") {
		w.t.Error("a number is in the log")
	}
}

// making is sessions that are made beside one another.
type making struct {
	shop                 *web
	begun, done, refused atomic.Int64
	mu                   sync.Mutex
	made                 map[string]string // idempotency keys by session
}

// one sends a request until it is done.
func (all *making) one() {
	n, t := all.begun.Add(1), all.shop.t
	once := fmt.Sprint("write-", n)
	body := fmt.Sprintf(`{"pool":"uk","participants":[{"number":"+4477009%06d"},{"number":"+4477008%06[1]d"}]}`, n)
	if await.Within(time.Minute, func() bool {
		g := all.shop.ask(http.MethodPost, "/v1/sessions", body, idempotency, once)
		if g.status != http.StatusCreated {
			all.refused.Add(1)
			if g.wantProblem(problem.StorageUnavailable).header.Get("Retry-After") == "" {
				t.Error("it does not say when to come back")
			}
			return false
		}
		all.done.Add(1)
		all.mu.Lock()
		defer all.mu.Unlock()
		if other := all.made[g.id()]; other != "" {
			t.Errorf("%s and %s are one session", once, other)
		}
		all.made[g.id()] = once
		return true
	}) {
		return
	}
	t.Errorf("%s is never done", once)
}
