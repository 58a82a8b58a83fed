package smpp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"maskline/tlsfile"
)

// ServerTLS is TLS towards peers that bind to us. The files are PEM.
type ServerTLS struct {
	Cert     string // file of our certificate chain; empty: no TLS
	Key      string // file of its private key
	ClientCA string // file of the authorities that peers' certificates must come from; empty: none is asked for
}

// ClientTLS is TLS towards an SMSC that we bind to. The files are PEM.
type ClientTLS struct {
	Enabled bool   // false: plain TCP, and the rest is not read
	CA      string // file of the authorities of its certificate; empty: those of the system
	Cert    string // file of our own certificate chain; empty: none
	Key     string // file of its private key
	Name    string // that its certificate must have; empty: the host of the address
}

// baseTLS is what both sides share. Records are never cut smaller than they
// must be: what one flush gathers leaves as one record of up to 16 KiB.
func baseTLS() *tls.Config {
	return &tls.Config{
		MinVersion:                  tls.VersionTLS12,
		DynamicRecordSizingDisabled: true,
		SessionTicketsDisabled:      true, // binds last; a ticket would outlive a change of the authorities
	}
}

// load reads the files; nil where there is no TLS.
func (c ServerTLS) load() (*tls.Config, error) {
	if c.Cert == "" {
		return nil, nil
	}
	cfg := baseTLS()
	if err := tlsfile.Serve(cfg, c.Cert, c.Key, c.ClientCA); err != nil {
		return nil, err
	}
	return cfg, nil
}

// load reads the files; nil where there is no TLS. addr is "host:port".
func (c ClientTLS) load(addr string) (*tls.Config, error) {
	if !c.Enabled {
		return nil, nil
	}
	cfg := baseTLS()
	if cfg.ServerName = c.Name; cfg.ServerName == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, fmt.Errorf("reading the address: %w", err)
		}
		cfg.ServerName = host
	}
	if c.CA != "" {
		pool, err := tlsfile.Authorities(c.CA)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = pool
	}
	if c.Cert != "" {
		if err := tlsfile.Add(cfg, c.Cert, c.Key); err != nil {
			return nil, err
		}
	}
	return cfg, nil
}

// tlsFault is why a handshake failed, for logs and metrics.
type tlsFault uint8

const (
	tlsOther tlsFault = iota
	tlsNotTLS
	tlsExpired
	tlsUnknownCA
	tlsWrongName
	tlsNoCertificate
	tlsVersion
	tlsRefusedByPeer
	tlsTimeout
	tlsClosed
	tlsFaults
)

// String is the name in metrics.
func (f tlsFault) String() string {
	return [tlsFaults]string{
		"other", "not_tls", "expired", "unknown_ca", "wrong_name", "no_certificate", "version", "refused_by_peer", "timeout", "closed",
	}[f]
}

// text is for people. Nothing that the peer sent is in it.
func (f tlsFault) text() string {
	return [tlsFaults]string{
		"TLS handshake failed",
		"the peer does not speak TLS",
		"the peer's certificate has expired or is not valid yet",
		"the peer's certificate comes from an unknown authority",
		"the peer's certificate has another name",
		"the peer showed no certificate",
		"no version of TLS in common, 1.2 is the least",
		"the peer refused our side of the TLS handshake",
		"the TLS handshake took too long",
		"the peer closed during the TLS handshake",
	}[f]
}

// tlsFaultOf classes the error of a handshake.
func tlsFaultOf(err error) tlsFault {
	var record tls.RecordHeaderError
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &record):
		return tlsNotTLS
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return tlsExpired
	case errors.As(err, &authority):
		return tlsUnknownCA
	case errors.As(err, &name):
		return tlsWrongName
	case errors.As(err, &op) && op.Op == "remote error": // an alert
		return tlsRefusedByPeer
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return tlsTimeout
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return tlsClosed
	}
	// crypto/tls has no types for these two.
	switch text := err.Error(); {
	case strings.Contains(text, "didn't provide a certificate"):
		return tlsNoCertificate
	case strings.Contains(text, "unsupported versions"), strings.Contains(text, "unsupported protocol version"):
		return tlsVersion
	default:
		return tlsOther
	}
}
