package events

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/api/rest"
	"maskline/api/webhook"
	"maskline/numberdb"
)

// Store reads events. numberdb's stores do.
type Store interface {
	Events(ctx context.Context, query numberdb.EventQuery) ([]numberdb.Event, error)
	EventPosition(ctx context.Context, tenant string, id numberdb.ID) (numberdb.EventPosition, error)
	EndOfEvents(ctx context.Context) (numberdb.EventPosition, error)
}

// Config of an Events.
type Config struct {
	// Streams that are open at a time, of all keys, of those of one tenant, and of one.
	// Default 256, 64 and 8; 0 is the default.
	Streams, StreamsTenant, StreamsEach int
	// Traffic is told of streams that begin and end. Nil: nobody is.
	Traffic *Traffic
	// Lives tells whether a key still opens what it did when its stream began. Nil: it
	// always does.
	Lives func(key string) bool
	// Heartbeat is how often a stream without events says that it lives. Default
	// 15s; 0 is the default.
	Heartbeat time.Duration
	// Poll is how often a stream asks for events of other edges. Default 1s; 0 is
	// the default.
	Poll time.Duration
	// Write is how long a reader may take for one part of a stream. Default 10s; 0
	// is the default.
	Write time.Duration
	// Mode is where the events are from. Default webhook.Live.
	Mode webhook.Mode
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		of    *time.Duration
		usual time.Duration
	}{{&c.Heartbeat, 15 * time.Second}, {&c.Poll, time.Second}, {&c.Write, 10 * time.Second}} {
		if *d.of == 0 {
			*d.of = d.usual
		}
	}
	if c.Streams == 0 {
		c.Streams = 256
	}
	if c.StreamsTenant == 0 {
		c.StreamsTenant = 64
	}
	if c.StreamsEach == 0 {
		c.StreamsEach = 8
	}
	return c
}

// Events is the resource /v1/events.
type Events struct {
	cfg   Config
	store Store
	hub   *Hub

	mu       sync.Mutex
	open     int
	byKey    map[string]int
	byTenant map[string]int // the operator's aside
	streams  prometheus.Gauge
	cut      prometheus.Counter
}

// NewEvents makes it and registers its metrics.
func NewEvents(cfg Config, store Store, hub *Hub, reg prometheus.Registerer) (*Events, error) {
	v := &Events{
		cfg: cfg.withDefaults(), store: store, hub: hub, byKey: map[string]int{}, byTenant: map[string]int{},
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Name: "maskline_api_event_streams", Help: "Streams of events that are open."}),
		cut: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "maskline_api_event_streams_cut_total", Help: "Streams of events that ended since their reader was too slow or gone.",
		}),
	}
	return v, errors.Join(reg.Register(v.streams), reg.Register(v.cut))
}

// Query asks for events.
type Query struct {
	After  string `query:"after" maxLength:"64" doc:"The id of the last event that you have; none: the oldest that is kept, of a stream what comes from now on."`
	Last   string `header:"Last-Event-ID" maxLength:"64" doc:"As after, by which a stream is resumed."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most events of the answer; not of a stream."`
	Tenant string `query:"tenant" maxLength:"64" doc:"Whose events, for keys of the operator; none: the operator's own."`
	Accept string `header:"Accept" doc:"text/event-stream: a stream that goes on."`
}

// EventList is a part of the events.
type EventList struct {
	Data []webhook.Payload `json:"data" nullable:"false" doc:"The events, in their order."`
	More bool              `json:"more" doc:"There are more after the last one."`
}

const (
	eventStream = "text/event-stream"
	listTime    = 10 * time.Second
)

// Register adds the operation.
func (v *Events) Register(api huma.API) {
	rest.Register(api, rest.Operation{
		ID: "listEvents", Method: http.MethodGet, Path: "/v1/events", Summary: "Read events, or follow them", Tag: "events", Scope: auth.EventsRead, Stream: true,
		Text: "The same events as those of webhooks, in the same order. Go on with `after` and the id of the last one. With " +
			"`Accept: text/event-stream` they come as server-sent events.",
		Problems: []problem.Code{problem.NotFound, problem.RateLimited},
	}, v.get)
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[EventList](), true, "EventList")
	if item := api.OpenAPI().Paths["/v1/events"]; item != nil && item.Get != nil {
		item.Get.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
			"application/json": {Schema: schema}, eventStream: {Schema: &huma.Schema{Type: huma.TypeString}},
		}}
	}
}

func (v *Events) get(ctx context.Context, in *Query) (*huma.StreamResponse, error) {
	who := auth.From(ctx)
	tenant := who.Tenant
	if who.Operator() {
		tenant = in.Tenant
	} else if in.Tenant != "" && in.Tenant != tenant {
		return nil, problem.New(problem.NotFound)
	}
	streams := strings.Contains(in.Accept, eventStream)
	after, err := v.position(ctx, tenant, in, streams)
	if err != nil {
		return nil, err
	}
	if streams {
		if !v.enter(&who) {
			return nil, &problem.Error{Code: problem.RateLimited, Detail: "There are too many streams.", RetryAfter: v.cfg.Heartbeat}
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			defer v.leave(&who)
			if t := v.cfg.Traffic; t != nil {
				t.Follow(tenant)
				defer t.Unfollow(tenant)
			}
			v.stream(ctx, who.Key, tenant, after)
		}}, nil
	}
	limited, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	found, err := v.store.Events(limited, numberdb.EventQuery{Tenant: tenant, After: after, Limit: in.Limit})
	if err != nil {
		return nil, problem.Unavailable()
	}
	list := EventList{Data: make([]webhook.Payload, len(found)), More: len(found) == in.Limit}
	for i := range found {
		list.Data[i] = webhook.PayloadOf(&found[i], v.cfg.Mode)
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", "application/json")
		_ = json.NewEncoder(ctx.BodyWriter()).Encode(list) // the client has gone: nobody is left to tell
	}}, nil
}

// position is where to begin.
func (v *Events) position(ctx context.Context, tenant string, in *Query, streams bool) (p numberdb.EventPosition, err error) {
	limited, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	text := in.After
	if text == "" {
		text = in.Last
	}
	switch id, parse := numberdb.ParseID(numberdb.EventPrefix, text); {
	case text == "" && !streams:
		return p, nil
	case text == "":
		p, err = v.store.EndOfEvents(limited)
	case parse != nil:
		return p, problem.New(problem.NotFound)
	default:
		p, err = v.store.EventPosition(limited, tenant, id)
	}
	switch {
	case errors.Is(err, numberdb.ErrNoEvent):
		return p, &problem.Error{Code: problem.NotFound, Detail: "There is no such event, or it was deleted by its age: begin without one."}
	case err != nil:
		return p, problem.Unavailable()
	}
	return p, nil
}

func (v *Events) enter(who *auth.Identity) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.open >= v.cfg.Streams || v.byKey[who.Key] >= v.cfg.StreamsEach || v.byTenant[who.Tenant] >= v.cfg.StreamsTenant {
		return false
	}
	v.open++
	v.byKey[who.Key]++
	if !who.Operator() {
		v.byTenant[who.Tenant]++
	}
	v.streams.Inc()
	return true
}

func (v *Events) leave(who *auth.Identity) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open--
	if v.byKey[who.Key]--; v.byKey[who.Key] == 0 {
		delete(v.byKey, who.Key)
	}
	if !who.Operator() {
		if v.byTenant[who.Tenant]--; v.byTenant[who.Tenant] == 0 {
			delete(v.byTenant, who.Tenant)
		}
	}
	v.streams.Dec()
}

const streamPage = 100

// stream writes events until the reader goes, is too slow, or its key has ended.
func (v *Events) stream(ctx huma.Context, key, tenant string, after numberdb.EventPosition) {
	r, w := humago.Unwrap(ctx)
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // that of the request is over
	w.Header().Set("Content-Type", eventStream)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	write := func(text []byte) bool {
		if out.SetWriteDeadline(time.Now().Add(v.cfg.Write)) != nil {
			return false
		}
		_, err := w.Write(text)
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			v.cut.Inc()
		}
		return err == nil
	}
	if !write([]byte("retry: " + strconv.FormatInt(time.Second.Milliseconds(), 10) + "\n\n")) {
		return
	}
	poll := time.NewTicker(v.cfg.Poll)
	defer poll.Stop()
	heard := time.Now()
	for r.Context().Err() == nil && (v.cfg.Lives == nil || v.cfg.Lives(key)) {
		news := v.hub.news(tenant)
		limited, cancel := context.WithTimeout(r.Context(), listTime)
		found, err := v.store.Events(limited, numberdb.EventQuery{Tenant: tenant, After: after, Limit: streamPage})
		cancel()
		if err == nil && len(found) > 0 {
			text := make([]byte, 0, 512*len(found))
			for i := range found {
				text = appendEvent(text, &found[i], v.cfg.Mode)
			}
			if !write(text) {
				return
			}
			after, heard = found[len(found)-1].Position, time.Now()
			if len(found) == streamPage {
				continue
			}
		}
		if time.Since(heard) >= v.cfg.Heartbeat {
			if !write([]byte(": still here\n\n")) {
				return
			}
			heard = time.Now()
		}
		select {
		case <-r.Context().Done():
		case <-news:
		case <-poll.C:
		}
	}
}

// appendEvent writes one as HTML's server-sent events have it: no line of it holds
// a line break.
func appendEvent(dst []byte, e *numberdb.Event, from webhook.Mode) []byte {
	dst = append(append(dst, "id: "...), e.ID.Text(numberdb.EventPrefix)...)
	dst = append(append(dst, "\nevent: "...), e.Type...)
	dst = append(append(dst, "\ndata: "...), webhook.Body(e, from)...)
	return append(dst, "\n\n"...)
}
