package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// silence is how long a stream may say nothing, not even that it lives: the edge
// does so every 15 seconds.
const silence = 45 * time.Second

const mostLine = 1 << 20 // octets of a line of a stream

// Follow gives events as they come, from after the event that q.After names; without
// it, from now on. A stream that breaks is resumed after the last event, so that
// none is lost and none comes twice. It ends with the context, or with a *Problem
// that waiting does not mend, such as an event that is no longer kept.
func (c *Client) Follow(ctx context.Context, q ListEventsQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for pause := firstPause; ; pause = min(2*pause, longestPause) {
			came, err := c.stream(ctx, &q, yield)
			switch {
			case errors.Is(err, errStopped):
				return
			case ctx.Err() != nil:
				yield(Event{}, ctx.Err())
				return
			case err != nil && !errors.Is(err, ErrUnavailable):
				yield(Event{}, err)
				return
			case came:
				pause = firstPause
			}
			wait := pause
			var p *Problem
			if errors.As(err, &p) && p.RetryAfter > 0 {
				wait = p.wait()
			}
			if !sleep(ctx, wait) {
				yield(Event{}, ctx.Err())
				return
			}
		}
	}
}

var errStopped = errors.New("client: the reader has stopped")

// stream reads one stream; q.After follows what was read. came tells whether
// something was.
func (c *Client) stream(ctx context.Context, q *ListEventsQuery, yield func(Event, error) bool) (came bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	alive := time.AfterFunc(silence, cancel)
	defer alive.Stop()
	address := url.Values{}
	for name, value := range map[string]string{"after": q.After, "tenant": q.Tenant} {
		if value != "" {
			address.Set(name, value)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/v1/events?"+address.Encode(), http.NoBody)
	if err != nil {
		return false, errors.New("client: the request cannot be made")
	}
	c.sign(r)
	r.Header.Set("Accept", "text/event-stream")
	resp, err := c.http.Do(r)
	if err != nil {
		return false, &lostError{err: ErrUnavailable}
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, mostLine)) // a part of a problem is none
		return false, problemOf(resp, text)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, mostLine)
	for lines.Scan() {
		alive.Reset(silence)
		data, is := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !is {
			continue
		}
		var e Event
		if json.Unmarshal(data, &e) != nil || e.ID == "" {
			continue
		}
		came, q.After = true, e.ID
		if !yield(e, nil) {
			return came, errStopped
		}
	}
	return came, &lostError{err: ErrUnavailable}
}
