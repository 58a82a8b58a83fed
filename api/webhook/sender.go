package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"maskline/numberdb"
)

// SenderConfig of a Sender.
type SenderConfig struct {
	// AllowPrivate are networks that may be posted to though they are private or
	// special; those alone may be posted to without TLS. Default empty.
	AllowPrivate []netip.Prefix
	// Timeout of one post, from the look-up of the name to the end of the answer.
	// Default 15s; 0 is the default.
	Timeout time.Duration
	// Idle is how many connections to one endpoint are kept. Default 16; 0 is the
	// default.
	Idle int
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
	// TLS is what connections begin with, such as other authorities; nil: the system's
	// authorities.
	TLS *tls.Config
}

const (
	mostAnswer  = 16 << 10 // octets of an answer that are read
	mostHeaders = 16 << 10
	idleTime    = 90 * time.Second
)

// Sender posts. It may be used by many goroutines.
type Sender struct {
	timeout       time.Duration
	known         *addresses
	secure, plain *http.Client
	now           func() time.Time
}

// NewSender makes one; now is the clock of signatures.
func NewSender(cfg SenderConfig, now func() time.Time) *Sender {
	if cfg.Timeout == 0 {
		cfg.Timeout = 15 * time.Second
	}
	if cfg.Idle == 0 {
		cfg.Idle = 16
	}
	known := newAddresses(cfg.AllowPrivate)
	return &Sender{
		timeout: cfg.Timeout, known: known, now: now,
		secure: client(&cfg, known.check),
		plain: client(&cfg, func(addr netip.Addr) error {
			if !known.isAllowed(addr) {
				return errPlain
			}
			return nil
		}),
	}
}

// errPlain is of http to an address that is not named.
var errPlain = errors.New("http is for addresses among api.webhooks.allow_private; use https")

// client checks each address on the socket that is about to connect to it.
func client(cfg *SenderConfig, check func(netip.Addr) error) *http.Client {
	dialer := &net.Dialer{
		Timeout: cfg.Timeout, Resolver: cfg.Resolver,
		Control: func(network, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || network != "tcp4" && network != "tcp6" {
				return errAddress
			}
			return check(to.Addr())
		},
	}
	roots := cfg.TLS
	if roots == nil {
		roots = &tls.Config{}
	}
	roots = roots.Clone()
	roots.MinVersion = tls.VersionTLS12
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: roots, TLSHandshakeTimeout: cfg.Timeout, DisableCompression: true,
			MaxIdleConnsPerHost: cfg.Idle, MaxIdleConns: 1024, IdleConnTimeout: idleTime, MaxResponseHeaderBytes: mostHeaders,
			TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1: one answer for one request
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close ends idle connections.
func (s *Sender) Close() {
	s.secure.CloseIdleConnections()
	s.plain.CloseIdleConnections()
}

// Result is how a post went.
type Result struct {
	Status     int    // of HTTP; 0: no answer
	Outcome    string // a word, one of the Outcome constants
	RetryAfter time.Duration
	At         time.Time
	Took       time.Duration
}

// OK reports whether the endpoint has taken the event.
func (r *Result) OK() bool { return r.Status >= 200 && r.Status <= 299 }

// Outcomes of posts, for the log and for metrics.
const (
	OutcomeOK         = "ok"
	OutcomeStatus     = "status"   // an answer that is not 2xx
	OutcomeRedirect   = "redirect" // is not followed
	OutcomeGone       = "gone"     // 410: the endpoint is switched off
	OutcomeThrottled  = "throttled"
	OutcomeTimeout    = "timeout"
	OutcomeName       = "name"    // it cannot be looked up
	OutcomeAddress    = "address" // it may not be posted to
	OutcomeTLS        = "tls"
	OutcomeConnection = "connection"
	OutcomeCancelled  = "cancelled" // the edge ends
)

func outcomes() []string {
	return []string{
		OutcomeOK, OutcomeStatus, OutcomeRedirect, OutcomeGone, OutcomeThrottled, OutcomeTimeout, OutcomeName, OutcomeAddress, OutcomeTLS,
		OutcomeConnection, OutcomeCancelled,
	}
}

// Post posts one body to an endpoint.
func (s *Sender) Post(ctx context.Context, to *numberdb.WebhookEndpoint, id string, body []byte) (r Result) {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	r.At = s.now()
	began := time.Now()
	resp, err := s.post(limited, to, id, r.At, body)
	if err == nil {
		r.Status = resp.StatusCode
		r.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), r.At)
		// The status has decided. What is read of the body lets the connection be used again.
		_, _ = io.CopyN(io.Discard, resp.Body, mostAnswer)
		_ = resp.Body.Close()
	}
	r.Took = time.Since(began)
	r.Outcome = outcomeOf(ctx, r.Status, err)
	return r
}

func (s *Sender) post(ctx context.Context, to *numberdb.WebhookEndpoint, id string, at time.Time, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"Maskline-Webhooks/1"},
		http.CanonicalHeaderKey(HeaderID):        {id},
		http.CanonicalHeaderKey(HeaderTimestamp): {strconv.FormatInt(at.Unix(), 10)},
		http.CanonicalHeaderKey(HeaderSignature): {Sign(to.Secrets, id, at, body)},
	}
	client := s.plain
	if req.URL.Scheme == "https" {
		client = s.secure
	}
	return client.Do(req)
}

func outcomeOf(ctx context.Context, status int, err error) string {
	var name *net.DNSError
	var record tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil && status != 0:
		return outcomeOfStatus(status)
	case errors.Is(ctx.Err(), context.Canceled):
		return OutcomeCancelled
	case errors.Is(err, errAddress), errors.Is(err, errPlain):
		return OutcomeAddress
	case errors.As(err, &record), errors.As(err, &certificate), errors.As(err, &alert):
		return OutcomeTLS
	case errors.As(err, &name) && !name.IsTimeout:
		return OutcomeName
	case errors.As(err, &timeout) && timeout.Timeout():
		return OutcomeTimeout
	default:
		return OutcomeConnection
	}
}

func outcomeOfStatus(status int) string {
	switch {
	case status >= 200 && status <= 299:
		return OutcomeOK
	case status == http.StatusGone:
		return OutcomeGone
	case throttles(status):
		return OutcomeThrottled
	case status >= 300 && status <= 399:
		return OutcomeRedirect
	default:
		return OutcomeStatus
	}
}

// throttles: the endpoint asks for less. Standard Webhooks 1.0.0, Deliverability.
func throttles(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 24*60*60)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// CheckURL refuses at once what could never be posted to: an address in the URL
// itself, http where no network is named.
func (s *Sender) CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return numberdb.ErrEndpointURL
	}
	if u.Scheme == "http" && len(s.known.allowed) == 0 {
		return errPlain
	}
	addr, err := netip.ParseAddr(u.Hostname())
	switch {
	case err != nil:
		return nil //nolint:nilerr // a name, which is looked up with each post
	case u.Scheme == "http" && !s.known.isAllowed(addr):
		return errPlain
	default:
		return s.known.check(addr)
	}
}
