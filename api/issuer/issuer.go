package issuer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/tlsfile"
)

// Config of one issuer.
type Config struct {
	// URL of the issuer, as its tokens name it.
	URL string
	// Audience that a token must be for.
	Audience string
	// Tenant is the claim that holds the tenant.
	Tenant string
	// Role is the claim that holds the role, or a list with it.
	Role string
	// Operator is the tenant's name that stands for the operator. Default empty: none
	// does.
	Operator string
	// CA is the file of the authorities of its certificate in PEM. Default empty: those
	// of the system.
	CA string
}

// World is what issuers need of the edge.
type World struct {
	// HasTenant reports whether there is such a tenant.
	HasTenant func(name string) bool
	// Pseudonym hides who a token speaks of, always alike.
	Pseudonym func(subject []byte) string
	Clock     func() time.Time
}

// Issuers are those of an edge. Their methods may be called beside one another.
type Issuers struct {
	world World
	all   []*issuer
	log   *zap.Logger
}

// issuer is one of them.
type issuer struct {
	Config
	keys     keys
	verifier *oidc.IDTokenVerifier
}

// New makes issuers and registers their metrics. Run reads their keys.
func New(cfgs []Config, world World, log *zap.Logger, reg prometheus.Registerer) (*Issuers, error) {
	s := &Issuers{world: world, log: log}
	fetches := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_api_issuer_fetches_total", Help: "Readings of the keys of identity providers, by issuer and outcome: ok or failed.",
	}, []string{"issuer", "outcome"})
	known := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "maskline_api_issuer_keys", Help: "Keys that are known of an identity provider."}, []string{"issuer"})
	for _, cfg := range cfgs {
		client, err := clientOf(cfg.CA)
		if err != nil {
			return nil, fmt.Errorf("issuer %s: %w", cfg.URL, err)
		}
		i := &issuer{Config: cfg}
		i.keys = keys{
			issuer: cfg.URL, client: client, now: world.Clock,
			ok: fetches.WithLabelValues(cfg.URL, "ok"), failed: fetches.WithLabelValues(cfg.URL, "failed"), count: known.WithLabelValues(cfg.URL),
		}
		i.verifier = oidc.NewVerifier(cfg.URL, &i.keys, &oidc.Config{ClientID: cfg.Audience, SupportedSigningAlgs: algorithmNames(), Now: world.Clock})
		s.all = append(s.all, i)
	}
	return s, errors.Join(reg.Register(fetches), reg.Register(known))
}

const (
	fetchTimeout = 5 * time.Second
	mostAnswer   = 1 << 20 // octets of what an issuer answers
)

// clientOf is an HTTP client for an issuer alone.
func clientOf(file string) (*http.Client, error) {
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if file != "" {
		pool, err := tlsfile.Authorities(file)
		if err != nil {
			return nil, err
		}
		secured.RootCAs = pool
	}
	return &http.Client{
		Timeout:       fetchTimeout,
		Transport:     bounded{&http.Transport{TLSClientConfig: secured, DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// bounded cuts answers off.
type bounded struct{ http.RoundTripper }

// RoundTrip asks.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, mostAnswer)
	}
	return resp, err
}

const (
	keepFor    = 10 * time.Minute // before keys are read again
	firstRetry = time.Second      // after a failure, and twice as long after each
)

// Run keeps the keys until ctx ends.
func (s *Issuers) Run(ctx context.Context) error {
	var running sync.WaitGroup
	for _, i := range s.all {
		running.Go(func() { s.keep(ctx, i) })
	}
	running.Wait()
	return nil
}

func (s *Issuers) keep(ctx context.Context, i *issuer) {
	pause, away := time.Duration(0), false
	for {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		err := i.keys.fetch(ctx)
		switch {
		case err == nil:
			pause, away = keepFor, false
			continue
		case !away && ctx.Err() == nil: // the cause may repeat what the issuer answered
			s.log.Warn("the keys of an identity provider cannot be read; those that are known go on", zap.String("issuer", i.URL))
		}
		if pause = min(2*pause, keepFor); !away {
			pause = firstRetry
		}
		away = true
	}
}
