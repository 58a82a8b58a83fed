package rest

import (
	"context"
	"net/http"
	"path"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/api/auth"
	"maskline/api/problem"
	"maskline/numberdb"
)

// Config of an API.
type Config struct {
	// Version of the edge, for the document.
	Version string
	// Body is the largest request body in octets. Default 1 MiB; 0 is the default.
	Body int64
	// Read bounds the reading of a body. Default 10s; 0 is the default.
	Read time.Duration
	// Answer bounds the work for one request after its header. Default 30s; 0 is the
	// default.
	Answer time.Duration
	// Draining tells whether the edge takes nothing new. Nil: never.
	Draining func() bool
	// Sandbox says that the edge is a sandbox: it serves its keys and no others, as an
	// edge that is none serves all but those. Default false.
	Sandbox bool
}

func (c Config) withDefaults() Config {
	if c.Body == 0 {
		c.Body = 1 << 20
	}
	if c.Read == 0 {
		c.Read = 10 * time.Second
	}
	if c.Answer == 0 {
		c.Answer = 30 * time.Second
	}
	return c
}

// Authenticator tells who sent a request. Its error is a *problem.Error.
type Authenticator interface {
	Authenticate(r *http.Request) (*auth.Identity, error)
}

// API serves /v1. Resources are registered before the first request.
type API struct {
	huma.API
	cfg     Config
	mux     *http.ServeMux
	log     *zap.Logger
	metrics *metrics
	now     func() time.Time
	ids     numberdb.IDs
	pending pending
	known   names // of the document, made by Handler
}

// New makes an API without resources and registers its metrics.
func New(cfg Config, keys Authenticator, now func() time.Time, log *zap.Logger, reg prometheus.Registerer) (*API, error) {
	a := &API{cfg: cfg.withDefaults(), mux: http.NewServeMux(), log: log, now: now}
	var err error
	if a.metrics, err = newMetrics(reg); err != nil {
		return nil, err
	}
	a.API = humago.New(a.mux, huma.Config{
		OpenAPI:       document(cfg.Version),
		Formats:       map[string]huma.Format{"application/json": format(), "json": format()},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{a.transform},
	})
	a.UseMiddleware(a.limit, a.authenticate(keys), printable)
	return a, nil
}

// Handler serves what was registered, the document and its page. Nothing can be
// registered afterwards.
func (a *API) Handler() http.Handler {
	a.registerProblems()
	a.serveDocument()
	standard(a.OpenAPI())
	a.known = namesOf(a.OpenAPI())
	return http.HandlerFunc(a.serve)
}

// serve gives the request an id, and every answer its form.
func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	began := a.now()
	id := a.ids.Next(began).Text(requestPrefix)
	h := w.Header()
	h.Set("X-Request-Id", id)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
	answer := &response{ResponseWriter: w, request: r, id: id}
	defer a.finish(answer, r, began)
	if r.URL.Path != path.Clean(r.URL.Path) { // the mux would redirect, and repeat the path
		problem.New(problem.NotFound).Write(answer, id)
		return
	}
	a.mux.ServeHTTP(answer, r)
}

// finish counts the request, and answers it where its handler broke. A part of an
// answer must not be taken for the whole: its connection breaks.
func (a *API) finish(w *response, r *http.Request, began time.Time) {
	broken := recover()
	if broken != nil {
		a.log.Error("a request broke its handler", zap.String("route", r.Pattern), zap.String("request", w.id), zap.Stack("stack"))
		if !w.wrote {
			problem.New(problem.Internal).Write(w, w.id)
			broken = nil
		}
	}
	a.metrics.answered(r.Pattern, w.status, a.now().Sub(began))
	if broken != nil {
		panic(http.ErrAbortHandler)
	}
}

const requestPrefix = "req_"

type requestKey struct{}

// RequestID is that of the request under way.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// limit gives the work for a request its deadline. Streams take it away again.
func (a *API) limit(ctx huma.Context, next func(huma.Context)) {
	if op := ctx.Operation(); a.cfg.Draining != nil && !isOAuth(op) && op.Method != http.MethodGet && op.Method != http.MethodDelete && a.cfg.Draining() {
		Refuse(ctx, &problem.Error{Code: problem.Maintenance, RetryAfter: drainRetry})
		return
	}
	if Streams(ctx.Operation()) {
		next(ctx)
		return
	}
	limited, cancel := context.WithTimeout(ctx.Context(), a.cfg.Answer)
	defer cancel()
	next(huma.WithContext(ctx, limited))
}

// drainRetry is when a client may ask again: another edge, or this one anew.
const drainRetry = 5 * time.Second

// authenticate lets in whom it recognises.
func (a *API) authenticate(keys Authenticator) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		op := ctx.Operation()
		if isPublic(op) {
			next(ctx)
			return
		}
		r, _ := humago.Unwrap(ctx)
		who, err := keys.Authenticate(r)
		if err != nil {
			Refuse(ctx, err)
			return
		}
		if who.Test != a.cfg.Sandbox {
			Refuse(ctx, &problem.Error{Code: problem.InsufficientScope, Reason: "sandbox", Detail: "Keys of the sandbox are for the sandbox, and others are not."})
			return
		}
		next(huma.WithContext(ctx, auth.With(ctx.Context(), who)))
	}
}

// permit goes on where who was recognised may do this. It stands behind what counts
// requests: who may not do something has to count as well.
func permit(ctx huma.Context, next func(huma.Context)) {
	op, who := ctx.Operation(), auth.From(ctx.Context())
	if !isPublic(op) && !permits(op, &who) {
		Refuse(ctx, problem.New(problem.InsufficientScope))
		return
	}
	next(ctx)
}

// Refuse answers in a middleware.
func Refuse(ctx huma.Context, err error) {
	_, w := humago.Unwrap(ctx)
	asProblem(err).Write(w, RequestID(ctx.Context()))
}
