package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load is requests with one key.
type load struct {
	*rig
	key         string
	connections int
	rate        int                        // requests a second, all connections together; 0: one after another
	one         func(*client, int64) error // sends one; they are numbered from 1
	sent        atomic.Int64
}

// times are how long requests took that succeeded, in order.
type times struct {
	took    []time.Duration
	limited int // requests that were refused since there were too many
	over    time.Duration
	cpu     time.Duration // of the edge, whatever it did
}

// run sends until ctx ends or the time is over.
func (l *load) run(ctx context.Context, lasts time.Duration) (*times, error) {
	before, err := l.cpu()
	if err != nil {
		return nil, err
	}
	t := &times{}
	var mu sync.Mutex
	var failed []error
	var running sync.WaitGroup
	began := time.Now()
	for place := range l.connections {
		running.Go(func() {
			own, err := l.loop(ctx, began, lasts, place)
			mu.Lock()
			defer mu.Unlock()
			t.took, t.limited = append(t.took, own.took...), t.limited+own.limited
			failed = append(failed, err)
		})
	}
	running.Wait()
	t.over = time.Since(began)
	slices.Sort(t.took)
	if after, err := l.cpu(); err == nil {
		t.cpu = after - before
	}
	return t, errors.Join(failed...)
}

// loop is one connection. With a rate, a request that goes out late is measured from
// when it was due.
func (l *load) loop(ctx context.Context, began time.Time, lasts time.Duration, place int) (t times, err error) {
	c, err := l.dial(ctx, l.key)
	if err != nil {
		return t, err
	}
	defer c.close()
	for n := 0; ctx.Err() == nil && time.Since(began) < lasts; n++ {
		due := time.Now()
		if l.rate > 0 {
			due = began.Add(time.Duration(n*l.connections+place) * time.Second / time.Duration(l.rate))
			pause(ctx, time.Until(due))
		}
		switch err := l.one(c, l.sent.Add(1)); {
		case errors.Is(err, errLimited):
			t.limited++
		case err != nil:
			return t, err
		default:
			t.took = append(t.took, time.Since(due))
		}
	}
	return t, nil
}

func (t *times) rate() float64 { return float64(len(t.took)) / t.over.Seconds() }

// at is the time, in milliseconds, that a share of the requests took at most.
func (t *times) at(share float64) float64 {
	if len(t.took) == 0 {
		return 0
	}
	return float64(t.took[min(len(t.took)-1, int(share*float64(len(t.took))))].Microseconds()) / 1000
}

func (t *times) p50() float64 { return t.at(.5) }
func (t *times) p99() float64 { return t.at(.99) }

// each is the edge's time for one request, in microseconds.
func (t *times) each() float64 { return float64(t.cpu.Microseconds()) / float64(max(1, len(t.took))) }

// maker makes sessions of people who have none yet; the ids of all are kept.
type maker struct {
	series string // of its people and its requests: two digits
	mu     sync.Mutex
	ids    []string
}

func (m *maker) create(c *client, n int64) error {
	text, err := c.ask(http.MethodPost, "/v1/sessions", fmt.Sprintf(
		`{"pool":"bench","ttl":3600,"participants":[{"number":"+4477%s%07d"},{"number":"+4478%[1]s%07[2]d"}]}`, m.series, n), m.series+fmt.Sprint("-", n))
	if err != nil {
		return err
	}
	var made struct{ ID string }
	if err := json.Unmarshal(text, &made); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ids = append(m.ids, made.ID)
	return nil
}

// read reads one of the sessions that were made.
func (m *maker) read(c *client, n int64) error {
	const apart = 7919 // so that neighbours are not read one after another
	_, err := c.ask(http.MethodGet, "/v1/sessions/"+m.ids[int(n*apart)%len(m.ids)], "", "")
	return err
}

// keyOf makes a key of a tenant.
func (r *rig) keyOf(ctx context.Context, tenant string) (string, error) {
	c, err := r.dial(ctx, r.admin)
	if err != nil {
		return "", err
	}
	defer c.close()
	text, err := c.ask(http.MethodPost, "/v1/keys", `{"tenant":"`+tenant+`","role":"integrator"}`, "")
	if err != nil {
		return "", err
	}
	var made struct{ Key string }
	err = json.Unmarshal(text, &made)
	return made.Key, err
}
