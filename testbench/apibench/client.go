package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// client is one connection. It has no goroutine of its own, so that it takes as
// little of the processors as may be.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
	key    string
}

func (r *rig) dial(ctx context.Context, key string) (*client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.edge.Listeners().API.String())
	if err != nil {
		return nil, fmt.Errorf("connecting to the edge: %w", err)
	}
	return &client{conn, bufio.NewReader(conn), key}, nil
}

func (c *client) close() { _ = c.conn.Close() }

// errLimited is a request that was refused since there were too many.
var errLimited = errors.New("too many requests")

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
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode == http.StatusTooManyRequests:
		return nil, errLimited
	case resp.StatusCode >= http.StatusMultipleChoices:
		return nil, fmt.Errorf("%s %s: %s %s", method, path, resp.Status, text)
	}
	return text, nil
}
