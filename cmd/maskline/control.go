package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"maskline/api"
)

const socketName = "control.sock"

// listenControl opens the control socket in the data directory. What an edge
// that ended without tidying up has left there is replaced; one that still
// answers is not.
func listenControl(ctx context.Context, dir string) (net.Listener, error) {
	path := filepath.Join(dir, socketName)
	if c, err := dialControl(ctx, dir); err == nil {
		_ = c.Close()
		return nil, errors.New("opening the control socket: another edge answers on it")
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	old := syscall.Umask(0o177) // nobody else may open it, not even for a moment
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	return l, nil
}

func dialControl(ctx context.Context, dir string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	return dialer.DialContext(ctx, "unix", filepath.Join(dir, socketName))
}

// controlClient talks to the edge that runs on a data directory.
type controlClient struct{ http http.Client }

// findEdge returns a client, or nil where no edge runs on dir.
func findEdge(ctx context.Context, dir string) *controlClient {
	c, err := dialControl(ctx, dir)
	if err != nil {
		return nil
	}
	_ = c.Close()
	return &controlClient{http.Client{Timeout: api.FileTimeout, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dialControl(ctx, dir) },
	}}}
}

var errSilent = errors.New("it does not answer in time; see what its log says, and whether its process is stopped")

// call sends a request and copies the body of a 200 into out.
func (c *controlClient) call(ctx context.Context, method, path string, body io.Reader, out io.Writer) error {
	_, err := c.exchange(ctx, api.AnswerTimeout, method, path, body, out)
	return err
}

// exchange is call with an answer that begins in time, and gives what follows the
// body.
func (c *controlClient) exchange(ctx context.Context, patience time.Duration, method, path string, body io.Reader, out io.Writer) (http.Header, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(patience, func() { cancel(errSilent) })
	defer late.Stop()
	req, err := http.NewRequestWithContext(ctx, method, "http://edge"+path, body)
	if err != nil {
		return nil, fmt.Errorf("asking the edge: %w", err)
	}
	resp, err := c.http.Do(req)
	late.Stop()
	if errors.Is(context.Cause(ctx), errSilent) {
		err = errSilent
	}
	if err != nil {
		return nil, fmt.Errorf("asking the edge: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, api.ReadProblem(resp.Body)
	}
	if _, err := io.Copy(out, resp.Body); err != nil {
		return nil, fmt.Errorf("reading the edge's answer: %w", err)
	}
	return resp.Trailer, nil
}

// upload sends a file and returns the count of rows that were applied.
func (c *controlClient) upload(ctx context.Context, path string, csv io.Reader) (int, error) {
	var answer bytes.Buffer
	if _, err := c.exchange(ctx, api.FileTimeout, http.MethodPost, path, csv, &answer); err != nil {
		return 0, err
	}
	var result struct{ Rows int }
	if err := json.Unmarshal(answer.Bytes(), &result); err != nil {
		return 0, fmt.Errorf("reading the edge's answer: %w", err)
	}
	return result.Rows, nil
}

// post sends a question as JSON and reads the answer.
func (c *controlClient) post(ctx context.Context, path string, question, answer any) error {
	text, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("asking the edge: %w", err)
	}
	var body bytes.Buffer
	if err := c.call(ctx, http.MethodPost, path, bytes.NewReader(text), &body); err != nil {
		return err
	}
	if err := json.Unmarshal(body.Bytes(), answer); err != nil {
		return fmt.Errorf("reading the edge's answer: %w", err)
	}
	return nil
}

// readJSON gets a list from the edge.
func (c *controlClient) readJSON(ctx context.Context, path string, answer any) error {
	var body bytes.Buffer
	if err := c.call(ctx, http.MethodGet, path, nil, &body); err != nil {
		return err
	}
	if err := json.Unmarshal(body.Bytes(), answer); err != nil {
		return fmt.Errorf("reading the edge's answer: %w", err)
	}
	return nil
}
