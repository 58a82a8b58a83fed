package events

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"maskline/api/auth"
	"maskline/api/auth/authtest"
	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/api/webhook"
	"maskline/numberdb"
	"maskline/numberdb/sqlite"
	"maskline/testbench/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is the resources over a real store and real sockets.
type world struct {
	*testing.T
	url     string
	store   *sqlite.Store
	hub     *Hub
	changed atomic.Int32
	ids     numberdb.IDs
}

func newWorld(t *testing.T, cfg Config) *world {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, store: store, hub: &Hub{}}
	scopes := []auth.Scope{auth.EventsRead, auth.WebhooksRead, auth.WebhooksWrite}
	keys := authtest.Texts{
		"Bearer shop": {Key: "key_1", Tenant: "shop", Scopes: scopes}, "Bearer other": {Key: "key_2", Tenant: "other", Scopes: scopes},
		"Bearer operator": {Key: "key_3", Scopes: scopes}, "Bearer blind": {Key: "key_4", Tenant: "shop"},
		"Bearer shop, too": {Key: "key_5", Tenant: "shop", Scopes: scopes},
	}
	reg := prometheus.NewRegistry()
	api, err := rest.New(rest.Config{}, keys, time.Now, zap.NewNop(), reg)
	if err != nil {
		t.Fatal(err)
	}
	events, err := NewEvents(cfg, store, w.hub, reg)
	if err != nil {
		t.Fatal(err)
	}
	sender := webhook.NewSender(webhook.SenderConfig{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Timeout: 2 * time.Second}, time.Now)
	events.Register(api)
	(&webhook.Endpoints{
		Store: store, Sender: sender, Tenant: func(name string) bool { return name == "shop" }, Changed: func() { w.changed.Add(1) }, Now: time.Now,
	}).Register(api)
	server := httptest.NewUnstartedServer(api.Handler())
	server.Config.ReadTimeout, server.Config.WriteTimeout = time.Second, time.Second // a stream outlives them
	server.Start()
	w.url = server.URL
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		sender.Close()
		server.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (w *world) ask(method, path, key, body string, header ...string) answer {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.body)
	return a
}

func (a answer) want(t *testing.T, status int, code problem.Code) {
	t.Helper()
	if a.status != status || code != "" && a.body["code"] != string(code) {
		t.Errorf("%d %s, want %d %s", a.status, a.text, status, code)
	}
}

func (w *world) tell(tenant string, types ...string) (ids []string) {
	w.Helper()
	var writes numberdb.Writes
	for _, kind := range types {
		now := time.Now().Truncate(time.Microsecond)
		e := numberdb.Event{ID: w.ids.Next(now), Tenant: tenant, Type: kind, Session: 77, At: now, Data: []byte(`{"pool":"uk"}`)}
		writes.Outbox, ids = append(writes.Outbox, e), append(ids, e.ID.Text(numberdb.EventPrefix))
	}
	if _, err := w.store.Commit(w.Context(), &writes); err != nil {
		w.Fatal(err)
	}
	w.hub.Told(tenant)
	return ids
}

func types(a answer) (list []string) {
	data, _ := a.body["data"].([]any)
	for _, x := range data {
		e, _ := x.(map[string]any)
		kind, _ := e["type"].(string)
		list = append(list, kind)
	}
	return list
}

func TestEventsAreListed(t *testing.T) {
	w := newWorld(t, Config{})
	ids := w.tell("shop", "a.a", "a.b", "a.c")
	w.tell("other", "b.a")
	w.tell("", "c.a")
	for path, want := range map[string]string{
		"/v1/events": "a.a a.b a.c", "/v1/events?limit=2": "a.a a.b", "/v1/events?after=" + ids[0]: "a.b a.c", "/v1/events?after=" + ids[2]: "",
	} {
		if got := w.ask(http.MethodGet, path, "shop", ""); strings.Join(types(got), " ") != want || got.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, got.status, got.text)
		}
	}
	a := w.ask(http.MethodGet, "/v1/events?limit=1", "shop", "")
	if want := `{"data":[{"id":"` + ids[0] + `","type":"a.a","timestamp":"`; !strings.HasPrefix(a.text, want) || a.body["more"] != true ||
		!strings.Contains(a.text, `"sequence":1,"livemode":true,"data":{"session_id":"ses_000000000002d","pool":"uk"}}`) {
		t.Errorf("%s", a.text)
	}
	if got := types(w.ask(http.MethodGet, "/v1/events", "operator", "")); strings.Join(got, " ") != "c.a" {
		t.Errorf("the operator's own: %v", got)
	}
	if got := types(w.ask(http.MethodGet, "/v1/events?tenant=other", "operator", "")); strings.Join(got, " ") != "b.a" {
		t.Errorf("another's for the operator: %v", got)
	}
	w.ask(http.MethodGet, "/v1/events?tenant=other", "shop", "").want(t, 404, problem.NotFound)
	w.ask(http.MethodGet, "/v1/events?after="+ids[0], "other", "").want(t, 404, problem.NotFound)
	w.ask(http.MethodGet, "/v1/events?after=nonsense", "shop", "").want(t, 404, problem.NotFound)
	w.ask(http.MethodGet, "/v1/events", "blind", "").want(t, 403, problem.InsufficientScope)
	w.ask(http.MethodGet, "/v1/events", "nobody", "").want(t, 401, problem.Unauthorized)
}

// follow opens a stream.
func (w *world) follow(ctx context.Context, key string, header ...string) (*http.Response, *bufio.Scanner) {
	w.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/events", http.NoBody)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	return resp, bufio.NewScanner(resp.Body)
}

// line is the next line of a stream with a prefix.
func line(t *testing.T, s *bufio.Scanner, prefix string) string {
	t.Helper()
	for s.Scan() {
		if text, is := strings.CutPrefix(s.Text(), prefix); is {
			return text
		}
	}
	t.Fatalf("the stream ended: %v", s.Err())
	return ""
}

func TestEventsAreFollowed(t *testing.T) {
	w := newWorld(t, Config{Heartbeat: 300 * time.Millisecond, Poll: 50 * time.Millisecond, StreamsEach: 2})
	w.tell("shop", "a.before")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	resp, stream := w.follow(ctx, "shop")
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(resp.Status)
	}
	line(t, stream, "retry: ")
	ids := w.tell("shop", "a.first", "a.second")
	w.tell("other", "b.secret")
	if id, kind := line(t, stream, "id: "), line(t, stream, "event: "); id != ids[0] || kind != "a.first" {
		t.Errorf("%s %s", id, kind)
	}
	if data := line(t, stream, "data: "); !strings.Contains(data, ids[0]) || line(t, stream, "id: ") != ids[1] {
		t.Errorf("%s", data)
	}
	for range 5 { // it lives on when the server's times for a request are over
		line(t, stream, ": still here")
	}
	ids = append(ids, w.tell("shop", "a.third")...)
	if id := line(t, stream, "id: "); id != ids[2] {
		t.Errorf("%s", id)
	}

	again, resumed := w.follow(ctx, "shop", "Last-Event-ID", ids[0])
	defer func() { _ = again.Body.Close() }()
	if id := line(t, resumed, "id: "); id != ids[1] {
		t.Errorf("resumed with %s", id)
	}
	third, _ := w.follow(ctx, "shop")
	_ = third.Body.Close()
	if third.StatusCode != http.StatusTooManyRequests || third.Header.Get("Retry-After") == "" {
		t.Errorf("a third stream: %s", third.Status)
	}
	foreign, _ := w.follow(ctx, "other", "Last-Event-ID", ids[0])
	_ = foreign.Body.Close()
	if foreign.StatusCode != http.StatusNotFound {
		t.Errorf("another tenant's event: %s", foreign.Status)
	}
}

// The stream of a key that was revoked ends, and a tenant with many keys leaves room
// for others.
func TestStreamsOfKeysAndTenants(t *testing.T) {
	var revoked atomic.Bool
	lives := func(key string) bool { return key != "key_1" || !revoked.Load() }
	w := newWorld(t, Config{Poll: 20 * time.Millisecond, StreamsTenant: 2, Lives: lives})
	first, stream := w.follow(t.Context(), "shop")
	defer func() { _ = first.Body.Close() }()
	second, _ := w.follow(t.Context(), "shop, too")
	defer func() { _ = second.Body.Close() }()
	third, _ := w.follow(t.Context(), "shop, too")
	_ = third.Body.Close()
	other, _ := w.follow(t.Context(), "other")
	_ = other.Body.Close()
	if second.StatusCode != http.StatusOK || third.StatusCode != http.StatusTooManyRequests || other.StatusCode != http.StatusOK {
		t.Errorf("a tenant's second stream: %s, its third: %s, another's: %s", second.Status, third.Status, other.Status)
	}
	revoked.Store(true)
	for stream.Scan() {
	}
	if err := stream.Err(); err != nil {
		t.Errorf("the stream of a revoked key: %v", err)
	}
	fourth, _ := w.follow(t.Context(), "shop, too")
	_ = fourth.Body.Close()
	if fourth.StatusCode != http.StatusOK {
		t.Errorf("after one has ended: %s", fourth.Status)
	}
}

func TestEndpointsAreManaged(t *testing.T) {
	w := newWorld(t, Config{})
	got := make(chan *http.Request, 1)
	var body []byte
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		got <- r
	}))
	defer receiver.Close()
	a := w.ask(http.MethodPost, "/v1/webhook-endpoints", "shop", `{"url":"`+receiver.URL+`","types":["session.created"],"label":"mine"}`)
	a.want(t, 201, "")
	path := "/v1/webhook-endpoints/" + a.body["id"].(string)
	secrets, _ := a.body["secrets"].([]any)
	secret, _ := secrets[0].(map[string]any)["secret"].(string)
	if !strings.HasPrefix(secret, "whsec_") || w.changed.Load() != 1 {
		t.Fatalf("%s", a.text)
	}
	read := w.ask(http.MethodGet, path, "shop", "")
	read.want(t, 200, "")
	if strings.Contains(read.text, "whsec_") || read.header.Get("ETag") != `"1"` {
		t.Errorf("%v %s", read.header, read.text)
	}

	test := w.ask(http.MethodPost, path+"/test", "shop", "")
	test.want(t, 200, "")
	posted := <-got
	if id, err := webhook.Verify(secret, posted.Header, body, time.Now()); err != nil || id != test.body["event_id"] || !strings.Contains(string(body), `"webhook.test"`) {
		t.Errorf("%v: %s", err, body)
	}

	rotated := w.ask(http.MethodPost, path+"/rotate-secret", "shop", `{"overlap":3600,"scheme":"v1a"}`)
	rotated.want(t, 200, "")
	if !strings.Contains(rotated.text, "whpk_") || !strings.Contains(rotated.text, "expires_at") {
		t.Errorf("%s", rotated.text)
	}
	w.ask(http.MethodPost, path+"/test", "shop", "").want(t, 200, "")
	posted = <-got
	all, _ := rotated.body["secrets"].([]any)
	public, _ := all[0].(map[string]any)["public_key"].(string)
	for _, known := range []string{secret, public} { // both sign meanwhile
		if _, err := webhook.Verify(known, posted.Header, body, time.Now()); err != nil {
			t.Errorf("%v", err)
		}
	}

	w.ask(http.MethodPatch, path, "shop", `{"enabled":false}`, "If-Match", `"1"`).want(t, 412, problem.PreconditionFailed)
	off := w.ask(http.MethodPatch, path, "shop", `{"enabled":false,"types":[]}`, "If-Match", `"2"`)
	if off.want(t, 200, ""); off.body["state"] != "disabled" {
		t.Errorf("%s", off.text)
	}
	for _, path := range []string{path, path + "/deliveries"} {
		w.ask(http.MethodGet, path, "other", "").want(t, 404, problem.NotFound)
	}
	for _, what := range []string{"/test", "/rotate-secret", "/replay"} {
		w.ask(http.MethodPost, path+what, "other", `{}`).want(t, 404, problem.NotFound)
	}
	w.ask(http.MethodPatch, path, "other", `{"enabled":true}`).want(t, 404, problem.NotFound)
	w.ask(http.MethodDelete, path, "other", "").want(t, 404, problem.NotFound)
	w.ask(http.MethodGet, path+"?tenant=shop", "other", "").want(t, 404, problem.NotFound)
	w.ask(http.MethodGet, path+"?tenant=shop", "operator", "").want(t, 200, "")
	w.ask(http.MethodGet, path, "operator", "").want(t, 404, problem.NotFound)
	w.ask(http.MethodPost, path+"/test", "blind", "").want(t, 403, problem.InsufficientScope)
	w.ask(http.MethodDelete, path, "shop", "").want(t, 204, "")
	w.ask(http.MethodGet, path, "shop", "").want(t, 404, problem.NotFound)
}

func TestEndpointsThatAreRefused(t *testing.T) {
	w := newWorld(t, Config{})
	for body, code := range map[string]problem.Code{
		`{"url":"https://10.0.0.1/c4n4ry"}`:                                     problem.ValidationFailed,
		`{"url":"https://[::ffff:169.254.169.254]/c4n4ry"}`:                     problem.ValidationFailed,
		`{"url":"http://192.168.1.1/c4n4ry"}`:                                   problem.ValidationFailed,
		`{"url":"ftp://example.com/c4n4ry"}`:                                    problem.ValidationFailed,
		`{"url":"https://user:c4n4ry@example.com/"}`:                            problem.ValidationFailed,
		`{"url":"https://example.com/","types":["c4n4ry"]}`:                     problem.ValidationFailed,
		`{"url":"https://example.com/","types":["call.ended","call.ended"]}`:    problem.ValidationFailed,
		`{"url":"https://example.com/","types":["session.creatd"]}`:             problem.ValidationFailed,
		`{"url":"https://example.com/","label":"c4n4ry\u0001"}`:                 problem.ValidationFailed,
		`{"url":"https://example.com/","scheme":"c4n4ry"}`:                      problem.ValidationFailed,
		`{"url":"https://example.com/","c4n4ry":1}`:                             problem.ValidationFailed,
		`{"url":"https://example.com/","tenant":"c4n4ry"}`:                      problem.NotFound,
		`{"url":"https://example.com/` + strings.Repeat("c4n4ry", 400) + `"}`:   problem.ValidationFailed,
		`{"url":"https://c4n4ry.example/","types":"` + "session.created" + `"}`: problem.ValidationFailed,
	} {
		a := w.ask(http.MethodPost, "/v1/webhook-endpoints", "shop", body)
		if a.body["code"] != string(code) || strings.Contains(a.text, "c4n4ry") {
			t.Errorf("%s: %d %s", body, a.status, a.text)
		}
	}
	w.ask(http.MethodPost, "/v1/webhook-endpoints", "operator", `{"url":"https://example.com/","tenant":"nobody"}`).want(t, 422, problem.ValidationFailed)
	for range 50 {
		w.ask(http.MethodPost, "/v1/webhook-endpoints", "shop", `{"url":"https://example.com/"}`).want(t, 201, "")
	}
	w.ask(http.MethodPost, "/v1/webhook-endpoints", "shop", `{"url":"https://example.com/"}`).want(t, 429, problem.QuotaExceeded)
	if got := w.ask(http.MethodGet, "/v1/webhook-endpoints", "shop", ""); strings.Contains(got.text, "whsec_") || strings.Count(got.text, `"id"`) != 50 {
		t.Errorf("%s", got.text)
	}
}

func TestDeliveriesAndReplay(t *testing.T) {
	w := newWorld(t, Config{})
	a := w.ask(http.MethodPost, "/v1/webhook-endpoints", "shop", `{"url":"https://example.com/"}`)
	id, err := numberdb.ParseID(numberdb.EndpointPrefix, a.body["id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	path := "/v1/webhook-endpoints/" + a.body["id"].(string)
	events := w.tell("shop", "a.a", "a.b", "a.c")
	held, err := w.store.HoldEndpoints(t.Context(), "x", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	done := numberdb.Settlement{Endpoint: id, Epoch: held[0].Epoch, Done: held[0].Done}
	for i, text := range events {
		event, _ := numberdb.ParseID(numberdb.EventPrefix, text)
		done.Deliveries = append(done.Deliveries, numberdb.Delivery{
			Endpoint: id, Event: event, Type: "a.a", Session: 77, State: numberdb.DeliveryState(i), Attempts: i + 1, Status: 500, Outcome: webhook.OutcomeStatus,
			At: time.Now().Truncate(time.Microsecond), Next: time.Now().Truncate(time.Microsecond),
		})
	}
	if _, err := w.store.Settle(t.Context(), []numberdb.Settlement{done}); err != nil {
		t.Fatal(err)
	}
	first := w.ask(http.MethodGet, path+"/deliveries?limit=2", "shop", "")
	cursor, _ := first.body["next_cursor"].(string)
	second := w.ask(http.MethodGet, path+"/deliveries?limit=2&cursor="+cursor, "shop", "")
	for text, in := range map[string]string{`"state":"given_up"`: first.text, `"state":"delivered"`: first.text, `"next_attempt_at"`: second.text, events[0]: second.text} {
		if !strings.Contains(in, text) {
			t.Errorf("no %s in %s", text, in)
		}
	}
	for body, want := range map[string]int{
		`{"event_id":"` + events[1] + `"}`: 200, `{"since":"2026-01-01T00:00:00Z"}`: 200, `{}`: 422, `{"event_id":"evt_00000000000zz"}`: 422, `{"event_id":"x"}`: 422,
		`{"event_id":"` + events[1] + `","since":"2026-01-01T00:00:00Z"}`: 422,
	} {
		if got := w.ask(http.MethodPost, path+"/replay", "shop", body); got.status != want {
			t.Errorf("%s: %d %s", body, got.status, got.text)
		}
	}
	waiting, err := w.store.WaitingDeliveries(t.Context(), id)
	if err != nil || len(waiting) != 3 {
		t.Errorf("%d wait, %v", len(waiting), err)
	}
}

// flaky refuses commits at first.
type flaky struct {
	*sqlite.Store
	fails atomic.Int32
}

func (f *flaky) Commit(ctx context.Context, w *numberdb.Writes) (numberdb.Position, error) {
	if f.fails.Add(-1) >= 0 {
		return 0, numberdb.ErrClosed
	}
	return f.Store.Commit(ctx, w)
}

// Traffic is told where an endpoint or a stream wants it, costs nothing elsewhere, and
// leaves room for other notes.
func TestTrafficIsToldWhereItIsWanted(t *testing.T) {
	w := newWorld(t, Config{})
	notes, err := NewNotes(w.store, w.hub.Told, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	traffic := NewTraffic(w.store, notes, zap.NewNop())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- traffic.Run(ctx) }()
	if n := testing.AllocsPerRun(100, func() {
		if traffic.Anybody() || traffic.Wants("shop", MessageInbound) {
			t.Error("nobody wants it")
		}
	}); n != 0 {
		t.Errorf("%v allocations where nobody wants it", n)
	}
	w.ask(http.MethodPost, "/v1/webhook-endpoints", "shop", `{"url":"https://example.com/","types":["call.ringing","session.created"]}`).want(t, http.StatusCreated, "")
	traffic.Changed()
	await.That(t, 10*time.Second, "the endpoint is known", func() bool { return traffic.Wants("shop", CallRinging) })
	if traffic.Wants("shop", MessageInbound) || traffic.Wants("other", CallRinging) {
		t.Error("others want it too")
	}
	if n := testing.AllocsPerRun(100, func() { _ = traffic.Wants("other", CallRinging) }); n != 0 {
		t.Errorf("%v allocations for a tenant that does not", n)
	}
	traffic.Follow("other")
	if !traffic.Wants("other", MessageInbound) || !traffic.Wants("shop", CallRinging) {
		t.Error("a stream wants nothing, or an endpoint no more")
	}
	traffic.Unfollow("other")
	if traffic.Wants("other", MessageInbound) {
		t.Error("a stream that has ended wants something")
	}
	for range mostNoted {
		traffic.Tell("shop", CallRinging, 0, struct{}{})
	}
	traffic.Tell("shop", CallAnswered, 0, struct{}{})
	if n := len(notes.queue); n != mostNoted/2 {
		t.Errorf("%d events of traffic wait", n)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestNotesAreWrittenBehind(t *testing.T) {
	w := newWorld(t, Config{})
	store := &flaky{Store: w.store}
	store.fails.Store(2)
	reg := prometheus.NewRegistry()
	notes, err := NewNotes(store, w.hub.Told, time.Now, zap.NewNop(), reg)
	if err != nil {
		t.Fatal(err)
	}
	w.hub.Notes = notes
	for range 3 {
		w.hub.Note(&numberdb.Event{Tenant: "shop", Type: "call.missed"})
	}
	w.hub.Note(&numberdb.Event{Tenant: "shop", Type: "no type"})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	news := w.hub.news("shop")
	go func() { ended <- notes.Run(ctx) }()
	<-news
	w.hub.Note(&numberdb.Event{Tenant: "shop", Type: "call.ended"})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := types(w.ask(http.MethodGet, "/v1/events", "shop", "")); strings.Join(got, " ") != "call.missed call.missed call.missed call.ended" {
		t.Errorf("%v", got)
	}
	for range mostNoted + 5 { // nobody writes: what does not fit is counted
		w.hub.Note(&numberdb.Event{Tenant: "shop", Type: "call.missed"})
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "maskline_api_events_dropped_total" && f.GetMetric()[0].GetCounter().GetValue() != 6 {
			t.Errorf("%v", f)
		}
	}
}
