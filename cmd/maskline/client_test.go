package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maskline/client"
)

// way is the network between a client and an edge, with its faults.
type way struct {
	*httptest.Server
	asked atomic.Int64
	lose  atomic.Int64 // answers that get lost, from now on
	hold  atomic.Bool  // nothing is passed on
}

func newWay(t *testing.T, w *web) *way {
	t.Helper()
	to := &url.URL{Scheme: "http", Host: w.api.Addr().String()}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.FlushInterval = -1
	y := &way{}
	y.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/break" {
			go y.CloseClientConnections()
			return
		}
		y.asked.Add(1)
		if y.hold.Load() {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return
		}
		if y.lose.Add(-1) >= 0 {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(y.Close)
	return y
}

func (w *web) client(t *testing.T, address string) *client.Client {
	t.Helper()
	own := &http.Transport{}
	t.Cleanup(own.CloseIdleConnections)
	c, err := client.New(client.Config{URL: address, Key: w.key, Timeout: 20 * time.Second, HTTP: &http.Client{Transport: own}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pairOf(last string) *client.SessionRequest {
	return &client.SessionRequest{Pool: "uk", Participants: []client.Person{{Number: "+44770090010" + last}, {Number: "+44770090020" + last}}}
}

func TestTheGoClient(t *testing.T) {
	w := served(t)
	c := w.as("shop", "owner").client(t, "http://"+w.api.Addr().String())
	ctx := t.Context()
	var told client.Answer
	first, err := c.CreateSession(ctx, pairOf("1"), client.IdempotencyKey("order-1"), client.OnAnswer(func(a client.Answer) { told = a }))
	if err != nil || first.State != "active" || first.Participants[0].Dial == "" || told.Status != http.StatusCreated || told.ETag == "" || told.RequestID == "" {
		t.Fatalf("%+v %+v %v", first, told, err)
	}
	etag := told.ETag
	again, err := c.CreateSession(ctx, pairOf("1"), client.IdempotencyKey("order-1"), client.OnAnswer(func(a client.Answer) { told = a }))
	if err != nil || again.ID != first.ID || !told.Replayed {
		t.Errorf("%+v %+v %v", again, told, err)
	}
	for _, last := range []string{"2", "3"} {
		if _, err := c.CreateSession(ctx, pairOf(last)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.ExtendSession(ctx, first.ID, &client.ExtendSessionInput{TTL: 600}, client.IfMatch(etag)); err != nil {
		t.Error(err)
	}
	if _, err := c.ExtendSession(ctx, first.ID, &client.ExtendSessionInput{TTL: 600}, client.IfMatch(etag)); client.CodeOf(err) != "precondition-failed" {
		t.Errorf("it has changed: %v", err)
	}
	seen := map[string]bool{}
	for s, err := range c.ListSessionsAll(ctx, client.ListSessionsQuery{Limit: 1, Live: true}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[s.ID] = true
	}
	if len(seen) != 3 || !seen[first.ID] {
		t.Errorf("pages of one: %v", seen)
	}
	found := 0
	for s, err := range c.SearchSessionsAll(ctx, &client.SearchSessionsInput{Number: "+447700900101", Limit: 1}) {
		if err != nil || s.ID != first.ID {
			t.Errorf("%+v %v", s, err)
		}
		found++
	}
	if found != 1 {
		t.Errorf("found %d", found)
	}
	_, err = c.CreateSession(ctx, &client.SessionRequest{Pool: "nowhere", Participants: pairOf("4").Participants})
	var p *client.Problem
	if !errors.As(err, &p) || p.Code != "validation-failed" || len(p.Errors) != 1 || p.Errors[0].Field != "body.pool" || p.RequestID == "" || errors.Is(err, client.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if ended, err := c.CloseSession(ctx, first.ID); err != nil || ended.State != "released" {
		t.Errorf("%+v %v", ended, err)
	}
}

// What gets lost on the way is asked again, and done once.
func TestTheGoClientLosesAnswers(t *testing.T) {
	w := served(t)
	y := newWay(t, w)
	c := w.as("shop", "owner").client(t, y.URL)
	y.lose.Store(2)
	replayed := false
	s, err := c.CreateSession(t.Context(), pairOf("1"), client.OnAnswer(func(a client.Answer) { replayed = a.Replayed }))
	if err != nil || !replayed || y.asked.Load() != 3 {
		t.Fatalf("%+v, replayed %v, asked %d times: %v", s, replayed, y.asked.Load(), err)
	}
	count := 0
	for range c.ListSessionsAll(t.Context(), client.ListSessionsQuery{}) {
		count++
	}
	if count != 1 {
		t.Errorf("%d sessions", count)
	}
	// What has no idempotency key is not sent twice.
	y.lose.Store(1)
	asked := y.asked.Load()
	if _, err := c.CreateKey(t.Context(), &client.KeyRequest{Role: "read-only"}); !errors.Is(err, client.ErrUnavailable) || y.asked.Load() != asked+1 {
		t.Errorf("asked %d times: %v", y.asked.Load()-asked, err)
	}
}

func TestTheGoClientWaitsAsItIsTold(t *testing.T) {
	w := servedWith(t, strings.Replace(twoTenants, `listen: "127.0.0.1:0"`, `listen: "127.0.0.1:0", limits: {rps: 2}`, 1))
	c := w.as("shop", "owner").client(t, "http://"+w.api.Addr().String())
	for range 5 {
		if _, err := c.GetLimits(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	for range 20 { // without the time to wait it is told at once
		if _, err = c.GetLimits(t.Context(), client.Timeout(900*time.Millisecond)); err != nil {
			break
		}
	}
	var p *client.Problem
	if !errors.As(err, &p) || p.Code != "rate-limited" || p.RetryAfter != 1 || !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestTheGoClientFollowsEvents(t *testing.T) {
	w := served(t)
	y := newWay(t, w)
	c := w.as("shop", "owner").client(t, y.URL)
	first, err := c.CreateSession(t.Context(), pairOf("1"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.ListEvents(t.Context(), client.ListEventsQuery{})
	if err != nil || len(list.Data) == 0 {
		t.Fatalf("%+v %v", list, err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	if _, err := c.CloseSession(ctx, first.ID); err != nil {
		t.Fatal(err)
	}
	var types []string
	for e, err := range c.Follow(ctx, client.ListEventsQuery{After: list.Data[0].ID}) {
		if err != nil {
			t.Fatalf("after %v: %v", types, err)
		}
		types = append(types, e.Type)
		if len(types) == 2 {
			break
		}
		y.CloseClientConnections() // it is resumed after what was read
		if _, err := c.CreateSession(ctx, pairOf("2")); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Join(types, " ") != "session.closed session.created" {
		t.Errorf("%v", types)
	}
	for _, err := range c.Follow(ctx, client.ListEventsQuery{After: "evt_0000000000001"}) {
		if client.CodeOf(err) != "not-found" {
			t.Errorf("after what is not kept: %v", err)
		}
	}
}

// The example names the service desk where the edge is slow or stopped, within its
// patience.
func TestTheExampleInGo(t *testing.T) {
	w := served(t)
	y := newWay(t, w)
	shop := w.as("shop", "integrator")
	example := t.TempDir() + "/order"
	if out, err := exec.Command("go", "build", "-o", example, "maskline/client/examples/order").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	order := func() string {
		began := time.Now()
		cmd := exec.Command(example, "-patience", "1s", "order-17", "+447700900101", "+447700900202")
		cmd.Env = append(cmd.Environ(), "MASKLINE_API="+y.URL, "MASKLINE_KEY="+shop.key)
		out, err := cmd.CombinedOutput()
		if err != nil || time.Since(began) > 10*time.Second {
			t.Errorf("after %v: %v\n%s", time.Since(began), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	const desk = "dial +441632960000 (the service desk)"
	y.hold.Store(true)
	if got := order(); got != desk {
		t.Errorf("while the edge is slow: %s", got)
	}
	y.hold.Store(false)
	mask := order()
	if !strings.HasPrefix(mask, "dial +4420794600") || order() != mask {
		t.Errorf("while it works: %s, again %s", mask, order())
	}
	y.Close()
	if got := order(); got != desk {
		t.Errorf("while it is stopped: %s", got)
	}
}
