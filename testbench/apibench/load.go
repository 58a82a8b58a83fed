package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// bench is the load on one edge.
type bench struct {
	addr, key   string
	connections int
	last        time.Duration
	pairs       atomic.Int64
	mu          sync.Mutex
	ids         []string
}

// client is one connection. It has no goroutine of its own, so that it takes as
// little of the processors as may be.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
	key    string
}

func (b *bench) dial(ctx context.Context) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", b.addr)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReader(conn), b.key}, nil
}

const patience = 10 * time.Second

// ask sends a request and returns the body of a success.
func (c *client) ask(method, path, body, attempt string) ([]byte, error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	var field string
	if attempt != "" {
		field = "Idempotency-Key: " + attempt + "\r\n"
	}
	_, err := fmt.Fprintf(c.conn, "%s %s HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
		method, path, c.key, field, len(body), body)
	if err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // it was read whole
	if err == nil && resp.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %s %s", method, path, resp.Status, text)
	}
	return text, err
}

// stock makes a pool with masks.
func (b *bench) stock(ctx context.Context) error {
	c, err := b.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.conn.Close() }()
	for start := time.Now(); ; { // until the key is known
		if _, err = c.ask(http.MethodPost, "/v1/pools", `{"name":"bench","quarantine":3600}`, ""); err == nil || time.Since(start) > patience {
			break
		}
	}
	if err != nil {
		return err
	}
	list := make([]string, masks)
	for i := range list {
		list[i] = fmt.Sprintf(`{"number":"+4420%08d"}`, i)
	}
	_, err = c.ask(http.MethodPost, "/v1/numbers", `{"pool":"bench","numbers":[`+strings.Join(list, ",")+`]}`, "")
	return err
}

// figures are what one part has measured.
type figures struct {
	count int
	over  time.Duration
	took  []time.Duration // in order
}

func (f *figures) String() string {
	at := func(share float64) time.Duration {
		return f.took[min(len(f.took)-1, int(share*float64(len(f.took))))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("%7.0f/s  p50 %v  p99 %v  most %v  (%d)", float64(f.count)/f.over.Seconds(), at(.5), at(.99), at(1), f.count)
}

// part runs one request after another on each connection for a time.
func (b *bench) part(ctx context.Context, one func(*client, int) error) (*figures, error) {
	f := &figures{}
	var mu sync.Mutex
	var failed error
	var running sync.WaitGroup
	began := time.Now()
	for place := range b.connections {
		running.Go(func() {
			took, err := b.loop(ctx, began, place, one)
			mu.Lock()
			defer mu.Unlock()
			f.took = append(f.took, took...)
			failed = errors.Join(failed, err)
		})
	}
	running.Wait()
	f.over, f.count = time.Since(began), len(f.took)
	slices.Sort(f.took)
	if failed == nil && f.count == 0 {
		failed = errors.New("nothing was answered")
	}
	return f, failed
}

func (b *bench) loop(ctx context.Context, began time.Time, place int, one func(*client, int) error) (took []time.Duration, err error) {
	c, err := b.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.conn.Close() }()
	for i := place; ctx.Err() == nil && time.Since(began) < b.last; i += b.connections {
		start := time.Now()
		if err := one(c, i); err != nil {
			return took, err
		}
		took = append(took, time.Since(start))
	}
	return took, nil
}

// create connects two people who have no session yet.
func (b *bench) create(c *client, _ int) error {
	pair := b.pairs.Add(1)
	text, err := c.ask(http.MethodPost, "/v1/sessions", fmt.Sprintf(
		`{"pool":"bench","ttl":3600,"participants":[{"number":"+4477%08d"},{"number":"+4478%08d"}]}`, pair, pair), fmt.Sprint("pair-", pair))
	if err != nil {
		return err
	}
	var made struct{ ID string }
	if err := json.Unmarshal(text, &made); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ids = append(b.ids, made.ID)
	return nil
}

// read reads one of the sessions that were made.
func (b *bench) read(c *client, i int) error {
	_, err := c.ask(http.MethodGet, "/v1/sessions/"+b.ids[i*7919%len(b.ids)], "", "")
	return err
}
