package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// hooks is the receiver of the tenant's webhooks.
type hooks struct {
	url    string
	server *http.Server
	work   sync.WaitGroup
}

const mostHook = 64 << 10

func listenHooks(ctx context.Context, w *world, t *apiTally) (*hooks, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for webhooks: %w", err)
	}
	h := &hooks{url: "http://" + l.Addr().String() + "/hook"}
	h.server = &http.Server{ReadHeaderTimeout: answerWithin, Handler: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(io.LimitReader(r.Body, mostHook))
		var e told
		if err != nil || json.Unmarshal(text, &e) != nil || e.ID == "" {
			out.WriteHeader(http.StatusBadRequest) // the edge died in the midst of it
			return
		}
		w.leaks.note("a webhook", w.leaks.watch.Text(text))
		t.told(&e)
	})}
	h.work.Go(func() { _ = h.server.Serve(l) }) // until it is closed
	return h, nil
}

func (h *hooks) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if h.server.Shutdown(ctx) != nil {
		_ = h.server.Close()
	}
	h.work.Wait()
}

// told is an event of a webhook.
type told struct {
	ID, Type string
	Sequence int
	Data     struct {
		Session string `json:"session_id"`
	}
}
