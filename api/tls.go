package api

import (
	"bytes"
	"crypto/tls"
	"log"
	"net"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/tlsfile"
)

// TLS is what a server shows its clients. It may be replaced while the server runs:
// connections that stand go on.
type TLS struct {
	current atomic.Pointer[tls.Config]
	faults  prometheus.Counter
}

// NewTLS registers its metric. Set comes before a server has it.
func NewTLS(reg prometheus.Registerer) (*TLS, error) {
	t := &TLS{faults: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "maskline_api_tls_faults_total", Help: "Connections to api.listen whose TLS handshake failed.",
	})}
	return t, reg.Register(t.faults)
}

// LoadTLS reads the files of a server; of clientCA the authorities that a client's
// certificate must come from, and none is asked for where it is empty.
func LoadTLS(cert, key, clientCA string) (*tls.Config, error) {
	cfg := &tls.Config{
		MinVersion:             tls.VersionTLS12,
		NextProtos:             []string{"http/1.1"},
		SessionTicketsDisabled: true, // a ticket would outlive a change of the authorities
	}
	if err := tlsfile.Serve(cfg, cert, key, clientCA); err != nil {
		return nil, err
	}
	return cfg, nil
}

// Set shows this from the next connection on, and reports whether it is another one.
func (t *TLS) Set(next *tls.Config) (changed bool) {
	return !tlsfile.Same(t.current.Swap(next), next)
}

func (t *TLS) listen(l net.Listener) net.Listener {
	return tls.NewListener(l, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return t.current.Load(), nil },
	})
}

// serverLog takes what net/http logs. Whoever knocks without TLS must not fill the log.
type serverLog struct {
	log *zap.Logger
	tls *TLS // nil: there is none
}

// Write takes a line.
func (s serverLog) Write(line []byte) (int, error) {
	if s.tls != nil && bytes.Contains(line, []byte("TLS handshake error")) {
		s.tls.faults.Inc()
		return len(line), nil
	}
	s.log.Info(strings.TrimSpace(string(line)))
	return len(line), nil
}

func (s serverLog) standard() *log.Logger { return log.New(s, "", 0) }
