package storetest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"maskline/numberdb"
)

// Webhooks is what each store offers of webhook endpoints.
type Webhooks interface {
	Events
	numberdb.EndpointStore
	numberdb.DeliveryStore
	numberdb.DeliveryLog
}

func webhookCases() []contractCase {
	return []contractCase{
		{"webhook endpoints keep every field, over a restart too", endpointsKept},
		{"an endpoint that was changed since is not overwritten", endpointsUnchanged},
		{"an endpoint begins with what comes from then on", endpointsBegin},
		{"what is settled is kept", deliveriesSettled},
		{"who has lost an endpoint settles nothing", deliveriesLost},
		{"an endpoint that is gone is switched off and told of", endpointsGone},
		{"replay makes events wait again", deliveriesReplayed},
		{"a log is bounded", logBounded},
	}
}

func openWebhooks(t *testing.T, db Database) Webhooks {
	t.Helper()
	w, ok := open(t, db).(Webhooks)
	if !ok {
		t.Fatal("the store keeps no webhook endpoints")
	}
	return w
}

func endpoint(id int) numberdb.WebhookEndpoint {
	return numberdb.WebhookEndpoint{
		ID: numberdb.ID(id), Tenant: "shop", URL: "https://example.com/hook?token=s3cr3t", Types: []string{"session.created", "call.ended"},
		Created: moment(1), Label: "shop №1", Secrets: []numberdb.WebhookSecret{
			{Key: bytes.Repeat([]byte{7}, 32), Until: moment(9)}, {Key: bytes.Repeat([]byte{9}, 32), Ed: true},
		},
	}
}

// putEndpoint writes one and returns it as it is then.
func putEndpoint(t *testing.T, s Webhooks, e numberdb.WebhookEndpoint) numberdb.WebhookEndpoint {
	t.Helper()
	version, err := s.PutEndpoint(t.Context(), &e)
	if err != nil {
		t.Fatal(err)
	}
	e.Version = version
	return e
}

func wantEndpoints(t *testing.T, s Webhooks, tenant string, id numberdb.ID, want ...numberdb.WebhookEndpoint) {
	t.Helper()
	found, err := s.Endpoints(t.Context(), tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, found, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("endpoints %d of %q: %s", id, tenant, diff)
	}
}

func hold(t *testing.T, s Webhooks) []numberdb.HeldEndpoint {
	t.Helper()
	held, err := s.HoldEndpoints(t.Context(), "edge", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func settle(t *testing.T, s Webhooks, done ...numberdb.Settlement) (lost []numberdb.ID) {
	t.Helper()
	lost, err := s.Settle(t.Context(), done)
	if err != nil {
		t.Fatal(err)
	}
	return lost
}

func endpointsKept(t *testing.T, db Database) {
	s := openWebhooks(t, db)
	first, second, foreign := endpoint(1), endpoint(2), endpoint(3)
	second.Types, second.State, foreign.Tenant = nil, numberdb.EndpointOff, ""
	first, second, foreign = putEndpoint(t, s, first), putEndpoint(t, s, second), putEndpoint(t, s, foreign)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openWebhooks(t, db)
	wantEndpoints(t, s, "shop", 0, first, second)
	wantEndpoints(t, s, "shop", 2, second)
	wantEndpoints(t, s, "shop", 3)
	wantEndpoints(t, s, "", 3, foreign)
	another := endpoint(4)
	putEndpoint(t, s, another)
	wanted, err := s.WantedEvents(t.Context())
	if diff := cmp.Diff([]numberdb.WantedEvents{{Types: first.Types}, {Tenant: "shop", Types: first.Types}}, wanted); diff != "" || err != nil {
		t.Errorf("wanted: %s %v", diff, err)
	}
	if err := s.RemoveEndpoint(t.Context(), "shop", 4); err != nil {
		t.Error(err)
	}
	if err := s.RemoveEndpoint(t.Context(), "shop", 3); !errors.Is(err, numberdb.ErrWebhook) {
		t.Errorf("another tenant's endpoint was removed: %v", err)
	}
	if err := s.RemoveEndpoint(t.Context(), "shop", 1); err != nil {
		t.Fatal(err)
	}
	wantEndpoints(t, s, "shop", 0, second)
}

func endpointsUnchanged(t *testing.T, db Database) {
	s := openWebhooks(t, db)
	e := putEndpoint(t, s, endpoint(1))
	changed := e
	changed.Label = "changed"
	stale, foreign, twice := changed, changed, endpoint(1)
	changed = putEndpoint(t, s, changed)
	foreign.Tenant, foreign.Version = "other", changed.Version
	bad := changed
	bad.URL = "ftp://example.com"
	for name, c := range map[string]struct {
		e    numberdb.WebhookEndpoint
		want error
	}{
		"stale": {stale, numberdb.ErrWebhook}, "another tenant's": {foreign, numberdb.ErrWebhook}, "new twice": {twice, numberdb.ErrWebhook},
		"no URL": {bad, numberdb.ErrEndpointURL},
	} {
		if _, err := s.PutEndpoint(t.Context(), &c.e); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantEndpoints(t, s, "shop", 0, changed)
}

func endpointsBegin(t *testing.T, db Database) {
	s := openWebhooks(t, db)
	next := func() (types []string) {
		held := hold(t, s)
		pages, err := s.NextEvents(t.Context(), []numberdb.Wanted{{Tenant: "shop", After: held[0].Done, Limit: 10}, {Tenant: "nobody", Limit: 10}})
		if err != nil || len(pages[1]) != 0 {
			t.Fatal(pages, err)
		}
		for _, e := range pages[0] {
			types = append(types, e.Type)
		}
		return types
	}
	Commit(t, s, numberdb.Writes{Outbox: []numberdb.Event{event(1, 0, "a.before")}})
	e := putEndpoint(t, s, endpoint(1))
	Commit(t, s, numberdb.Writes{Outbox: []numberdb.Event{event(2, 0, "a.first"), event(3, 0, "a.second")}})
	if diff := cmp.Diff([]string{"a.first", "a.second"}, next()); diff != "" {
		t.Error(diff)
	}
	e.State = numberdb.EndpointOff
	e = putEndpoint(t, s, e)
	if held := hold(t, s); len(held) != 0 {
		t.Errorf("%d are held though none is on", len(held))
	}
	Commit(t, s, numberdb.Writes{Outbox: []numberdb.Event{event(4, 0, "a.meanwhile")}})
	e.State = numberdb.EndpointOn
	putEndpoint(t, s, e)
	Commit(t, s, numberdb.Writes{Outbox: []numberdb.Event{event(5, 0, "a.after")}})
	if diff := cmp.Diff([]string{"a.after"}, next()); diff != "" {
		t.Error(diff)
	}
}

func delivery(id int, state numberdb.DeliveryState) numberdb.Delivery {
	return numberdb.Delivery{
		Endpoint: 1, Event: numberdb.ID(id), Type: "a.b", Session: 77, Position: numberdb.EventPosition{Line: int64(id)}, State: state, Attempts: id,
		At: moment(id), Took: 1234 * time.Microsecond, Status: 500 + id, Outcome: "server fault",
	}
}

func log(t *testing.T, s Webhooks, q numberdb.DeliveryQuery) []numberdb.Delivery {
	t.Helper()
	found, err := s.Deliveries(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func deliveriesSettled(t *testing.T, db Database) {
	s := openWebhooks(t, db)
	putEndpoint(t, s, endpoint(1))
	held := hold(t, s)[0]
	done, waits, over := delivery(1, numberdb.Delivered), delivery(2, numberdb.Waiting), delivery(3, numberdb.GivenUp)
	waits.Next = moment(5)
	at := numberdb.EventPosition{Transaction: held.Done.Transaction, Line: held.Done.Line + 3}
	beyond := delivery(4, numberdb.Delivered)
	beyond.Position = numberdb.EventPosition{Transaction: at.Transaction, Line: at.Line + 1}
	if lost := settle(t, s, numberdb.Settlement{Endpoint: 1, Epoch: held.Epoch, Done: at, Deliveries: []numberdb.Delivery{done, waits, over, beyond}}); len(lost) != 0 {
		t.Fatalf("lost %v", lost)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openWebhooks(t, db)
	if held := hold(t, s); held[0].Done != at {
		t.Errorf("done up to %v, want %v", held[0].Done, at)
	}
	waiting, err := s.WaitingDeliveries(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]numberdb.Delivery{waits, beyond}, waiting); diff != "" {
		t.Errorf("waiting: %s", diff)
	}
	if diff := cmp.Diff([]numberdb.Delivery{beyond, over, waits, done}, log(t, s, numberdb.DeliveryQuery{Endpoint: 1})); diff != "" {
		t.Errorf("the log: %s", diff)
	}
	if diff := cmp.Diff([]numberdb.Delivery{waits}, log(t, s, numberdb.DeliveryQuery{Endpoint: 1, Before: 3, Limit: 1})); diff != "" {
		t.Errorf("a page of the log: %s", diff)
	}
	waits.State, waits.Attempts = numberdb.Delivered, 9
	settle(t, s, numberdb.Settlement{Endpoint: 1, Epoch: held.Epoch, Done: at, Deliveries: []numberdb.Delivery{waits}})
	if waiting, err := s.WaitingDeliveries(t.Context(), 1); err != nil || len(waiting) != 1 {
		t.Errorf("%d wait, %v", len(waiting), err)
	}
}

func deliveriesLost(t *testing.T, db Database) {
	s := openWebhooks(t, db)
	e := putEndpoint(t, s, endpoint(1))
	held := hold(t, s)[0]
	e.State = numberdb.EndpointOff
	e = putEndpoint(t, s, e)
	e.State = numberdb.EndpointOn
	putEndpoint(t, s, e)
	done := numberdb.Settlement{Endpoint: 1, Epoch: held.Epoch, Done: numberdb.EventPosition{Line: 99}, Deliveries: []numberdb.Delivery{delivery(1, numberdb.Delivered)}}
	other := done
	other.Endpoint = 42
	if lost := settle(t, s, done, other); len(lost) != 2 {
		t.Errorf("lost %v", lost)
	}
	if lines := log(t, s, numberdb.DeliveryQuery{Endpoint: 1}); len(lines) != 0 {
		t.Errorf("%d lines were written", len(lines))
	}
}

func endpointsGone(t *testing.T, db Database) {
	s := openWebhooks(t, db)
	e := putEndpoint(t, s, endpoint(1))
	held := hold(t, s)[0]
	told := event(9, 0, numberdb.WebhookDisabled)
	told.Data = []byte(`{"webhook_endpoint_id":"whk_1"}`)
	settle(t, s, numberdb.Settlement{
		Endpoint: 1, Epoch: held.Epoch, Done: held.Done, Deliveries: []numberdb.Delivery{delivery(1, numberdb.Waiting), delivery(2, numberdb.GivenUp)}, Gone: &told,
	})
	e.State, e.Version = numberdb.EndpointGone, e.Version+1
	wantEndpoints(t, s, "shop", 0, e)
	wantEvents(t, "told", readEvents(t, s, numberdb.EventQuery{Tenant: "shop"}), told)
	for _, d := range log(t, s, numberdb.DeliveryQuery{Endpoint: 1}) {
		if d.State != numberdb.GivenUp {
			t.Errorf("%d is %s", d.Event, d.State)
		}
	}
}

func deliveriesReplayed(t *testing.T, db Database) {
	s := openWebhooks(t, db)
	putEndpoint(t, s, endpoint(1))
	held := hold(t, s)[0]
	Commit(t, s, numberdb.Writes{Outbox: []numberdb.Event{event(1, 0, "a.b"), event(2, 0, "a.b"), event(3, 0, "a.b"), event(4, 0, "a.b")}})
	far := numberdb.EventPosition{Transaction: held.Done.Transaction + 1000, Line: 1000}
	settle(t, s, numberdb.Settlement{Endpoint: 1, Epoch: held.Epoch, Done: far, Deliveries: []numberdb.Delivery{
		delivery(1, numberdb.GivenUp), delivery(2, numberdb.Delivered), delivery(3, numberdb.GivenUp),
	}})
	replay := func(r numberdb.Replay) (int, error) {
		r.Endpoint, r.Now, r.Most = 1, moment(50), 100
		if r.Tenant == "" {
			r.Tenant = "shop"
		}
		return s.Replay(t.Context(), &r)
	}
	for name, c := range map[string]struct {
		r    numberdb.Replay
		want error
	}{
		"no event":         {numberdb.Replay{Event: 99}, numberdb.ErrNoEvent},
		"another tenant's": {numberdb.Replay{Tenant: "other", Event: 1}, numberdb.ErrWebhook},
	} {
		if _, err := replay(c.r); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		r    numberdb.Replay
		want int
	}{
		"one that was delivered": {numberdb.Replay{Event: 2}, 1},
		"one that was never":     {numberdb.Replay{Event: 4}, 1},
		"all since the first":    {numberdb.Replay{Since: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}, -1},
	} {
		if n, err := replay(c.r); err != nil || c.want >= 0 && n != c.want {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	waiting, err := s.WaitingDeliveries(t.Context(), 1)
	if err != nil || len(waiting) != 4 {
		t.Fatalf("%d wait, %v", len(waiting), err)
	}
	for _, d := range waiting {
		if d.Attempts != 0 || !d.Next.Equal(moment(50)) {
			t.Errorf("event %d: %d attempts, next %v", d.Event, d.Attempts, d.Next)
		}
	}
	if again := hold(t, s); again[0].Replay == held.Replay {
		t.Error("nobody is told of the replay")
	}
}

func logBounded(t *testing.T, db Database) {
	s := openWebhooks(t, db)
	putEndpoint(t, s, endpoint(1))
	held := hold(t, s)[0]
	now := clock()
	first := numberdb.IDAt(now) + 1
	const more = 500
	done := numberdb.Settlement{Endpoint: 1, Epoch: held.Epoch, Done: held.Done}
	for i := range numberdb.KeptDeliveries + more {
		d := delivery(1, numberdb.Delivered)
		if d.Event = first + numberdb.ID(i); i == 3 {
			d.State = numberdb.Waiting
		}
		done.Deliveries = append(done.Deliveries, d)
	}
	old := delivery(1, numberdb.Delivered)
	done.Deliveries = append(done.Deliveries, old)
	settle(t, s, done)
	deleted := 0
	for round := false; !round; {
		n, end, err := s.PurgeEvents(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		deleted, round = deleted+n, end
	}
	if deleted != more { // the one that waits stays, the old one goes
		t.Errorf("%d lines were deleted", deleted)
	}
	if lines := log(t, s, numberdb.DeliveryQuery{Endpoint: 1, Limit: 10_000}); lines[0].Event != first+numberdb.KeptDeliveries+more-1 {
		t.Error("the newest line is gone")
	}
}
