package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"maskline/e164"
)

// user is a tenant's program that uses the API: it makes sessions and leases, sends
// messages and codes, and types the codes in. It asks again with the same key what was
// not answered.
type user struct {
	w        *world
	key      string
	workflow string
	client   http.Client
	hooks    *hooks
	tally    *apiTally

	mu    sync.Mutex
	turn  int
	codes map[string]string // that have arrived, by number
}

const (
	apiPeople  = 400
	apiMasks   = 40                     // for sessions, and as many for leases
	apiAgain   = 250 * time.Millisecond // to the next try
	apiTries   = 40 * time.Second       // for all tries of a request: within grace
	longLife   = 3600                   // seconds
	codeWithin = 20 * time.Second
	codeText   = "soak code "
)

// newUser stocks the edge, makes a key and an endpoint.
func newUser(ctx context.Context, w *world) (*user, error) {
	u := &user{w: w, tally: newAPITally(), codes: map[string]string{}}
	u.client = http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: answerWithin}
	var err error
	if u.hooks, err = listenHooks(ctx, w, u.tally); err != nil {
		return nil, err
	}
	masks := "number,country,pool\n"
	for i := range 2 * apiMasks {
		masks += fmt.Sprintf("+4420794609%02d,GB,%s\n", i, []string{"api", "leases"}[i/apiMasks])
	}
	file := filepath.Join(w.dir, "masks.csv")
	if err := os.WriteFile(file, []byte(masks), 0o600); err != nil {
		return nil, err
	}
	for _, command := range [][]string{
		{"pools", "create", "api", "--quarantine", "20s"}, {"pools", "create", "leases", "--quarantine", "10s"}, {"numbers", "import", file}, {"keys", "create", "--tenant", "shop", "--role", "integrator"},
	} {
		out, code, err := w.current().Run(ctx, command...)
		if err == nil && code != 0 {
			err = fmt.Errorf("code %d: %s", code, out)
		}
		if err != nil {
			return nil, fmt.Errorf("%v: %w", command[:2], err)
		}
		u.key = strings.TrimSpace(string(out))
	}
	var made struct{ ID string }
	if err := u.must(ctx, "/v1/webhook-endpoints", map[string]any{"url": u.hooks.url}, &made); err != nil {
		return nil, err
	}
	if err := u.must(ctx, "/v1/workflows", map[string]any{"name": "soak", "template": codeText + "{code}", "pool": "api"}, &made); err != nil {
		return nil, err
	}
	u.workflow = made.ID
	return u, nil
}

func (u *user) close() { u.hooks.close() }

// must asks until it is done, at the start.
func (u *user) must(ctx context.Context, path string, body, into any) error {
	for began := time.Now(); ; pause(ctx, apiAgain) {
		status, text, err := u.ask(ctx, http.MethodPost, path, body, path)
		if err == nil && status == http.StatusCreated {
			return json.Unmarshal(text, into)
		}
		if err == nil {
			err = fmt.Errorf("status %d: %s", status, text)
		}
		if time.Since(began) > answerWithin {
			return fmt.Errorf("POST %s: %w", path, err)
		}
	}
}

// ask sends one request. What comes back is searched for numbers.
func (u *user) ask(ctx context.Context, method, path string, body any, once string) (status int, text []byte, err error) {
	var sent []byte
	if body != nil {
		if sent, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+u.w.current().Listeners().API.String()+path, bytes.NewReader(sent))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+u.key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", once)
	resp, err := u.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if text, err = io.ReadAll(resp.Body); err != nil {
		return 0, nil, err
	}
	u.w.leaks.note("an answer of the API", u.w.leaks.watch.Text(text))
	return resp.StatusCode, text, nil
}

// insist asks again until the request is done or refused for good; false: neither.
func (u *user) insist(ctx context.Context, path string, body any, once string) (status int, text []byte, answered bool) {
	for began := time.Now(); time.Since(began) < apiTries; pause(ctx, apiAgain) {
		var err error
		status, text, err = u.ask(ctx, http.MethodPost, path, body, once)
		switch {
		case err != nil, status == http.StatusServiceUnavailable, bytes.Contains(text, []byte(`"idempotency-conflict"`)), bytes.Contains(text, []byte(`"pool-exhausted"`)): // which it is while leases rest
		default:
			return status, text, true
		}
		u.tally.again()
	}
	return status, text, false
}

// person is one of those whom the API connects.
func (w *world) person() e164.Number { return w.people.users[w.chance(apiPeople)] }

// step does the next thing of all that there is.
func (u *user) step(ctx context.Context) {
	u.mu.Lock()
	turn := u.turn
	u.turn++
	u.mu.Unlock()
	once := fmt.Sprintf("api-%d-%d", u.w.seed, turn)
	switch turn % 5 {
	case 0:
		u.connect(ctx, once, longLife)
	case 1:
		u.connect(ctx, once, 2+u.w.chance(5))
	case 2:
		u.lease(ctx, once)
	case 3:
		u.write(ctx, once)
	default:
		u.verify(ctx, once)
	}
}

// connect makes a session of two.
func (u *user) connect(ctx context.Context, once string, ttl int) {
	a, b := u.w.person(), u.w.person()
	if a == b {
		return
	}
	u.make(ctx, "/v1/sessions", once, ttl, a, map[string]any{
		"pool": "api", "ttl": ttl, "participants": []map[string]string{{"number": a.Reveal()}, {"number": b.Reveal()}},
	})
}

// lease takes a number for some seconds.
func (u *user) lease(ctx context.Context, once string) {
	ttl := 2 + u.w.chance(4)
	u.make(ctx, "/v1/leases", once, ttl, 0, map[string]any{"pool": "leases", "ttl": ttl, "to": "smpp:shop", "services": "sms"})
}

func (u *user) make(ctx context.Context, path, once string, ttl int, writer e164.Number, body map[string]any) {
	u.tally.asked()
	status, text, answered := u.insist(ctx, path, body, once)
	var made struct{ ID string }
	switch {
	case !answered:
		u.tally.unanswered()
	case status != http.StatusCreated || json.Unmarshal(text, &made) != nil:
		u.w.fault("POST %s: %d %s", path, status, text)
	default:
		u.tally.made(made.ID, once, writer, ttl == longLife)
	}
}

// write sends a message through a session that lives.
func (u *user) write(ctx context.Context, once string) {
	session, from := u.tally.living(u.w.chance)
	if session == "" {
		return
	}
	u.w.tally.sent(once, byAPI, time.Now())
	status, text, answered := u.insist(ctx, "/v1/sessions/"+session+"/messages", map[string]string{"from": from.Reveal(), "text": textOf(once)}, once)
	o := unknown
	switch {
	case !answered: // by nobody
	case status == http.StatusCreated:
		o = accepted
	case status == http.StatusAccepted: // a carrier was silent, or the edge died meanwhile
	default:
		o = refused
		u.w.fault("a message by the API: %d %s", status, text)
	}
	u.w.tally.answered(once, o, "", "", time.Now())
}

// verify has a code sent, and types it in.
func (u *user) verify(ctx context.Context, once string) {
	to := u.w.person().Reveal()
	u.mu.Lock()
	delete(u.codes, to)
	u.mu.Unlock()
	status, text, answered := u.insist(ctx, "/v1/verifications", map[string]string{"workflow_id": u.workflow, "to": to}, once)
	var begun struct{ ID, Status string }
	if !answered || status == http.StatusTooManyRequests { // somebody was asked too often of late
		u.tally.verification(false)
		return
	}
	if status != http.StatusCreated || json.Unmarshal(text, &begun) != nil {
		u.w.fault("a verification: %d %s", status, text)
		return
	}
	for began := time.Now(); time.Since(began) < codeWithin; pause(ctx, collect) {
		u.mu.Lock()
		code := u.codes[to]
		u.mu.Unlock()
		if code == "" {
			continue
		}
		status, _, answered := u.insist(ctx, "/v1/verifications/"+begun.ID+"/check", map[string]string{"code": code}, once+" check")
		u.tally.verification(answered && status == http.StatusOK)
		return
	}
	u.tally.verification(false) // the carrier or the edge was away
}

// code takes in a code that has arrived.
func (u *user) code(to, code string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.codes["+"+to] = code
}

// finish waits for the last events, and compares what was answered with what the edge
// has now.
func (u *user) finish(ctx context.Context) error {
	for began := time.Now(); time.Since(began) < grace && u.tally.waits() > 0; pause(ctx, collect) {
	}
	states := map[string]string{}
	for _, path := range []string{"/v1/sessions", "/v1/leases"} {
		for cursor := ""; ; {
			status, text, err := u.ask(ctx, http.MethodGet, path+"?limit=1000"+cursor, nil, "")
			var page struct {
				Data       []struct{ ID, State string }
				NextCursor string `json:"next_cursor"`
			}
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("status %d: %s", status, text)
			}
			if err == nil {
				err = json.Unmarshal(text, &page)
			}
			if err != nil {
				return fmt.Errorf("GET %s: %w", path, err)
			}
			for _, s := range page.Data {
				states[s.ID] = s.State
			}
			if page.NextCursor == "" {
				break
			}
			cursor = "&cursor=" + page.NextCursor
		}
	}
	u.tally.settle(states)
	return nil
}
