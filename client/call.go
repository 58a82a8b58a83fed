package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// call is one call of an operation.
type call struct {
	method, path string
	inPath       []string // in the order of the path
	body, query  any
	idempotent   bool // it carries an Idempotency-Key
	options      []Option
}

// Bounds of a call.
const (
	mostAnswer   = 64 << 20 // octets
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// answer is a call with an answer.
func answer[T any](ctx context.Context, c *Client, of *call) (*T, error) {
	out := new(T)
	if err := c.do(ctx, of, out); err != nil {
		return nil, err
	}
	return out, nil
}

// do calls until there is an answer, or nothing more can be done.
func (c *Client) do(ctx context.Context, of *call, into any) error {
	s := settings{timeout: c.timeout}
	for _, option := range of.options {
		option(&s)
	}
	if of.idempotent && s.key == "" {
		s.key = rand.Text()
	}
	address, body, err := of.encode(c.base)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := c.once(ctx, of, &s, address, body, into)
		if err == nil {
			return nil
		}
		wait, again := of.again(err)
		if !again {
			return err
		}
		if wait == 0 {
			wait = pause/2 + mathrand.N(pause/2) //nolint:gosec // it spreads load, and guards nothing
		}
		if !sleep(ctx, wait) {
			return err
		}
	}
}

// sleep waits, unless that is too long for the deadline.
func sleep(ctx context.Context, d time.Duration) bool {
	if end, has := ctx.Deadline(); has && time.Until(end) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// again says whether a call may be sent once more, and when; 0: the caller knows.
func (of *call) again(err error) (time.Duration, bool) {
	harmless := of.idempotent || of.method == http.MethodGet || of.method == http.MethodPut || of.method == http.MethodDelete
	var p *Problem
	switch {
	case !errors.As(err, &p):
		var lost *lostError
		return 0, errors.As(err, &lost) && (harmless || lost.unsent)
	case p.Status == http.StatusTooManyRequests: // a quota or a code is not mended by waiting, and names no time
		return p.wait(), p.RetryAfter > 0
	case p.Code == "maintenance", p.Code == "idempotency-conflict": // nothing was done
		return p.wait(), true
	default:
		return p.wait(), harmless && p.Is(ErrUnavailable)
	}
}

func (p *Problem) wait() time.Duration { return time.Duration(p.RetryAfter) * time.Second }

// once is one attempt.
func (c *Client) once(ctx context.Context, of *call, s *settings, address string, body []byte, into any) error {
	limited, cancel := context.WithTimeout(ctx, c.attempt)
	defer cancel()
	r, err := http.NewRequestWithContext(limited, of.method, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("client: the request cannot be made")
	}
	c.sign(r)
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if of.idempotent {
		r.Header.Set("Idempotency-Key", s.key)
	}
	if s.match != "" {
		r.Header.Set("If-Match", s.match)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return lost(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return lost(ctx, err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return problemOf(resp, text)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			return fmt.Errorf("client: the answer is not of this API: %w", err)
		}
	}
	if s.answer != nil {
		h := resp.Header
		s.answer(Answer{resp.StatusCode, h.Get("ETag"), h.Get("Idempotent-Replayed") == "true", h.Get("X-Request-Id")})
	}
	return nil
}

func (c *Client) sign(r *http.Request) {
	r.Header.Set("Authorization", "Bearer "+c.key)
	r.Header.Set("User-Agent", "maskline-go")
}

// lost is the error of an attempt without an answer. The address of the request
// stays out of it.
func lost(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	var network *net.OpError
	return &lostError{err, errors.As(err, &network) && network.Op == "dial"}
}

// lostError is an attempt without an answer.
type lostError struct {
	err    error
	unsent bool // there was no connection
}

// Error tells what happened.
func (e *lostError) Error() string { return "client: no answer: " + e.err.Error() }

// Unwrap is the fault of the network.
func (e *lostError) Unwrap() []error { return []error{ErrUnavailable, e.err} }

// encode makes the address and the body.
func (of *call) encode(base string) (address string, body []byte, err error) {
	path := of.path
	for _, value := range of.inPath {
		begin, rest, _ := strings.Cut(path, "{")
		_, rest, _ = strings.Cut(rest, "}")
		if value == "" || strings.Contains(begin, "{") {
			return "", nil, errors.New("client: an id is empty")
		}
		path = begin + url.PathEscape(value) + rest
	}
	if of.query != nil {
		if path, err = withQuery(path, of.query); err != nil {
			return "", nil, err
		}
	}
	if of.body != nil {
		if body, err = json.Marshal(of.body); err != nil {
			return "", nil, fmt.Errorf("client: the body cannot be written: %w", err)
		}
		if string(body) == "null" {
			body = []byte("{}")
		}
	}
	return base + path, body, nil
}

// withQuery adds the fields of a query that are set.
func withQuery(path string, query any) (string, error) {
	text, err := json.Marshal(query)
	if err != nil {
		return "", fmt.Errorf("client: the query cannot be written: %w", err)
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return "", fmt.Errorf("client: the query cannot be written: %w", err)
	}
	values := url.Values{}
	for name, value := range fields {
		switch v := value.(type) {
		case string:
			values.Set(name, v)
		case json.Number:
			values.Set(name, v.String())
		case bool:
			values.Set(name, strconv.FormatBool(v))
		}
	}
	if len(values) == 0 {
		return path, nil
	}
	return path + "?" + values.Encode(), nil
}
