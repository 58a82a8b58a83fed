package client

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config of a Client.
type Config struct {
	// URL of the edge, such as https://edge.example: what stands before /v1.
	URL string
	// Key is an API key, sk_live_….
	Key string
	// Timeout of a call with all its attempts, where its context has no earlier
	// deadline. 0: 30s.
	Timeout time.Duration
	// Attempt is the time of one attempt. 0: 10s. Sending a message may take as long
	// as smpp.answer_within of the edge.
	Attempt time.Duration
	// HTTP makes the requests. Nil: one of its own. It must have no Timeout, which
	// would end streams of events, and follow no redirects.
	HTTP *http.Client
}

// Client calls an edge. Its methods may be called by many goroutines at once.
type Client struct {
	base    string
	key     string
	timeout time.Duration
	attempt time.Duration
	http    *http.Client
}

const (
	usualTimeout = 30 * time.Second
	usualAttempt = 10 * time.Second
)

// New makes a client. It connects to nothing yet.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, errors.New("client: URL: expected one such as https://edge.example")
	}
	if cfg.Key == "" || strings.ContainsAny(cfg.Key, " \r\n") {
		return nil, errors.New("client: Key: expected the text of an API key")
	}
	c := &Client{base: strings.TrimSuffix(cfg.URL, "/"), key: cfg.Key, timeout: cfg.Timeout, attempt: cfg.Attempt, http: cfg.HTTP}
	if c.timeout <= 0 {
		c.timeout = usualTimeout
	}
	if c.attempt <= 0 {
		c.attempt = usualAttempt
	}
	if c.http == nil {
		c.http = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return c, nil
}

// Option changes one call.
type Option func(*settings)

type settings struct {
	key     string
	match   string
	timeout time.Duration
	answer  func(Answer)
}

// IdempotencyKey names the request: sent again within a day, by whichever process,
// it does nothing twice. Without it the client makes a key for the attempts of one
// call.
func IdempotencyKey(key string) Option { return func(s *settings) { s.key = key } }

// IfMatch lets a change be done only where the resource still has this ETag.
func IfMatch(etag string) Option { return func(s *settings) { s.match = etag } }

// Timeout is that of this call with all its attempts.
func Timeout(d time.Duration) Option { return func(s *settings) { s.timeout = d } }

// OnAnswer is told of the answer beside its body.
func OnAnswer(fn func(Answer)) Option { return func(s *settings) { s.answer = fn } }

// Answer is what an answer says beside its body.
type Answer struct {
	Status    int
	ETag      string // for IfMatch
	Replayed  bool   // the request was done before
	RequestID string // to be named to the operator
}
