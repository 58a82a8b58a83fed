//go:build peers

package postgres

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"maskline/numberdb"
	"maskline/numberdb/storetest"
)

// One edge at a time holds an endpoint; what the one that lost it settles is not
// written.
func TestEndpointsAreHeldByOne(t *testing.T) {
	store, name := newStore(t, nil)
	other := openStore(t, name, nil)
	defer other.Close()
	endpoint := numberdb.WebhookEndpoint{
		ID: 1, Tenant: "shop", URL: "https://example.com/", Created: time.Now().Truncate(time.Microsecond).UTC(),
		Secrets: []numberdb.WebhookSecret{{Key: bytes.Repeat([]byte{1}, 32)}},
	}
	if _, err := store.PutEndpoint(t.Context(), &endpoint); err != nil {
		t.Fatal(err)
	}
	hold := func(s *Store, holder string, lease time.Duration) []numberdb.HeldEndpoint {
		t.Helper()
		held, err := s.HoldEndpoints(t.Context(), holder, lease)
		if err != nil {
			t.Fatal(err)
		}
		return held
	}
	first := hold(store, "a", 20*time.Millisecond)
	if len(first) != 1 || len(hold(store, "a", 20*time.Millisecond)) != 1 {
		t.Fatal("the first edge does not hold it")
	}
	var second []numberdb.HeldEndpoint
	storetest.Eventually(t, "the end of a lease", func() bool {
		second = hold(other, "b", time.Minute)
		return len(second) == 1
	})
	if len(hold(store, "a", time.Minute)) != 0 {
		t.Error("both edges hold it")
	}
	lost, err := store.Settle(t.Context(), []numberdb.Settlement{{Endpoint: 1, Epoch: first[0].Epoch, Done: numberdb.EventPosition{Line: 99}}})
	if err != nil || len(lost) != 1 {
		t.Errorf("lost %v, %v", lost, err)
	}
	lost, err = other.Settle(t.Context(), []numberdb.Settlement{{Endpoint: 1, Epoch: second[0].Epoch, Done: numberdb.EventPosition{Line: 7}}})
	if err != nil || len(lost) != 0 {
		t.Errorf("lost %v, %v", lost, err)
	}
	hold(other, "b", 0)
	if again := hold(store, "a", time.Minute); len(again) != 1 || again[0].Done.Line != 7 {
		t.Errorf("an endpoint that was given back: %v", again)
	}
}

// Below a transaction that still runs nothing is told, so that what it commits
// later is not passed over.
func TestEventsWaitForTheOldestTransaction(t *testing.T) {
	store, name := newStore(t, nil)
	event := func(id numberdb.ID) numberdb.Event {
		return numberdb.Event{ID: id, Tenant: "shop", Type: "a.b", At: time.Now().Truncate(time.Microsecond)}
	}
	slow := connect(t, name)
	exec(t, slow, `BEGIN`)
	exec(t, slow, outbox, outboxArrays([]numberdb.Event{event(1)})...)
	storetest.Commit(t, store, numberdb.Writes{Outbox: []numberdb.Event{event(2)}})
	read := func() (ids []numberdb.ID) {
		events, err := store.Events(t.Context(), numberdb.EventQuery{Tenant: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range events {
			ids = append(ids, events[i].ID)
		}
		return ids
	}
	if ids := read(); len(ids) != 0 {
		t.Errorf("told %v before the first", ids)
	}
	exec(t, slow, `COMMIT`)
	if ids := read(); len(ids) != 2 || ids[0] != 1 {
		t.Errorf("told %v", ids)
	}
}

// A dump shows no URL and no secret.
func TestEndpointsAreSealed(t *testing.T) {
	store, name := newStore(t, nil)
	secret := []byte("a secret of thirty-two octets...")
	endpoint := numberdb.WebhookEndpoint{
		ID: 1, Tenant: "shop", URL: "https://example.com/?token=c4n4ry", Created: time.Now().Truncate(time.Microsecond), Label: "c4n4ry",
		Secrets: []numberdb.WebhookSecret{{Key: secret}},
	}
	if _, err := store.PutEndpoint(t.Context(), &endpoint); err != nil {
		t.Fatal(err)
	}
	text := dump(t, name)
	if !bytes.Contains(text, []byte("COPY maskline.webhook_endpoints")) {
		t.Fatal("the dump is not whole")
	}
	for _, canary := range []string{"c4n4ry", "example.com", "thirty-two"} {
		if bytes.Contains(text, []byte(canary)) || bytes.Contains(text, []byte(hex.EncodeToString([]byte(canary)))) {
			t.Errorf("the dump shows %q", canary)
		}
	}
}

// useWebhooks does everything that an edge does with events and endpoints.
func useWebhooks(t *testing.T, edge *Store) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	e := numberdb.WebhookEndpoint{
		ID: 1, Tenant: "shop", URL: "https://example.com/", Created: time.Now().Truncate(time.Microsecond), Secrets: []numberdb.WebhookSecret{{Key: bytes.Repeat([]byte{1}, 32)}},
	}
	_, err := edge.PutEndpoint(t.Context(), &e)
	must(err)
	e.Version = 1
	_, err = edge.PutEndpoint(t.Context(), &e)
	must(err)
	held, err := edge.HoldEndpoints(t.Context(), "a", time.Minute)
	if err != nil || len(held) != 1 {
		t.Fatal(held, err)
	}
	_, err = edge.NextEvents(t.Context(), []numberdb.Wanted{{Tenant: "shop", Limit: 1}})
	must(err)
	gone := numberdb.Event{ID: 3, Tenant: "shop", Type: numberdb.WebhookDisabled, At: time.Now().Truncate(time.Microsecond)}
	_, err = edge.Settle(t.Context(), []numberdb.Settlement{{
		Endpoint: 1, Epoch: held[0].Epoch, Done: held[0].Done, Gone: &gone, Deliveries: []numberdb.Delivery{{Event: 1, Type: "a.b"}},
	}})
	must(err)
	_, err = edge.Replay(t.Context(), &numberdb.Replay{Endpoint: 1, Tenant: "shop", Event: 1, Now: time.Now()})
	must(err)
	_, err = edge.WaitingDeliveries(t.Context(), 1)
	must(err)
	_, err = edge.ExpiredSessions(t.Context(), time.Now(), 0, 1)
	must(err)
	must(edge.ToldExpiries(t.Context(), time.Now()))
	for range 3 {
		_, _, err = edge.PurgeEvents(t.Context(), time.Now())
		must(err)
	}
	must(edge.RemoveEndpoint(t.Context(), "shop", 1))
}
