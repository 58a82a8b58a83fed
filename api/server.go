package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// ServerConfig bounds an HTTP server.
type ServerConfig struct {
	HeaderTimeout time.Duration // from connection to the end of the headers
	ReadTimeout   time.Duration // to the end of the body; 0: none
	WriteTimeout  time.Duration // to the end of the response; 0: none
	TLS           *TLS          // nil: none
}

const (
	maxHeaderBytes = 16 << 10
	idleTimeout    = time.Minute
	closeTimeout   = 5 * time.Second
)

// Serve answers requests on l with handler until ctx ends, then lets requests
// under way finish for a few seconds.
func Serve(ctx context.Context, l net.Listener, handler http.Handler, cfg ServerConfig, log *zap.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: cfg.HeaderTimeout,
		ReadTimeout:       cfg.ReadTimeout,
		WriteTimeout:      cfg.WriteTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          serverLog{log, cfg.TLS}.standard(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	if cfg.TLS != nil {
		l = cfg.TLS.listen(l)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(l) }()
	select {
	case err := <-stopped:
		return fmt.Errorf("serving HTTP: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := server.Shutdown(closing); err != nil {
		_ = server.Close()
	}
	if err := <-stopped; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP: %w", err)
	}
	return nil
}
