package sip

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"

	"maskline/tlsfile"
)

// ServerTLS is TLS towards peers that connect to us. The files are PEM.
type ServerTLS struct {
	Cert     string // file of our certificate chain
	Key      string // file of its private key
	ClientCA string // file of the authorities that peers' certificates must come from; empty: none is asked for
}

// ClientTLS is TLS towards a trunk. The files are PEM.
type ClientTLS struct {
	CA   string // file of the authorities of its certificate; empty: those of the system
	Cert string // file of our own certificate chain; empty: none
	Key  string // file of its private key
	Name string // that its certificate must have; empty: the host of Addr
	// Peer are the names of certificates by which the trunk is known when it
	// connects to us: one of them must be among the certificate's. Nothing else
	// then belongs to the trunk. Empty: it is known by its source.
	Peer []string
}

// baseTLS is what both sides share.
func baseTLS() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true, // connections last; a ticket would outlive a change of the authorities
	}
}

func (c ServerTLS) load() (*tls.Config, error) {
	if c.Cert == "" {
		return nil, errors.New("a tls:// listener needs a certificate")
	}
	cfg := baseTLS()
	if err := tlsfile.Serve(cfg, c.Cert, c.Key, c.ClientCA); err != nil {
		return nil, err
	}
	return cfg, nil
}

// is reports whether connections by both are alike.
func (c *ClientTLS) is(o *ClientTLS) bool {
	return c == o || c.CA == o.CA && c.Cert == o.Cert && c.Key == o.Key && c.Name == o.Name && slices.Equal(c.Peer, o.Peer)
}

// load reads the files; host is that of the trunk's address.
func (c ClientTLS) load(host string) (*tls.Config, error) {
	cfg := baseTLS()
	if cfg.ServerName = c.Name; cfg.ServerName == "" {
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

// renewal is a certificate, or an authority, that a file holds another one of now.
type renewal struct {
	name   string
	socket *socket // nil: of a trunk, which is made anew
	tls    *tls.Config
}

// renewals reads the listeners' files again, and lists those that have changed.
func (e *Edge) renewals() (list []renewal, err error) {
	for _, s := range e.sockets {
		if s.over != overTLS {
			continue
		}
		cfg := &e.cfg.Listen[s.index]
		secured, err := cfg.TLS.load()
		if err != nil {
			return nil, fmt.Errorf("listen %s: %w", cfg.Addr, err)
		}
		if !tlsfile.Same(s.tls.Load(), secured) {
			list = append(list, renewal{"certificates of listener " + cfg.Addr, s, secured})
		}
	}
	return list, nil
}

// namesOf lists the names of a peer's certificate that was verified, in small
// letters: DNS names, addresses, and hosts of SIP URIs. The subject's common name
// is none. RFC 5922 §7.1.
func namesOf(state *tls.ConnectionState) []string {
	if len(state.VerifiedChains) == 0 {
		return nil
	}
	leaf := state.VerifiedChains[0][0]
	var names []string
	for _, name := range leaf.DNSNames {
		names = append(names, strings.ToLower(name))
	}
	for _, ip := range leaf.IPAddresses {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			names = append(names, addr.Unmap().String())
		}
	}
	for _, uri := range leaf.URIs {
		if uri.Scheme == "sip" && uri.Opaque != "" && !strings.Contains(uri.Opaque, "@") {
			names = append(names, strings.ToLower(uri.Opaque))
		}
	}
	return names
}

// tlsFault is why a handshake failed, as metrics and logs name it. Nothing that
// the peer sent is in it.
func tlsFault(err error) string {
	var record tls.RecordHeaderError
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &record):
		return "not_tls"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "expired"
	case errors.As(err, &authority):
		return "unknown_ca"
	case errors.As(err, &name):
		return "wrong_name"
	case errors.As(err, &op) && op.Op == "remote error": // an alert
		return "refused_by_peer"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return "closed"
	}
	// crypto/tls has no types for these two.
	switch text := err.Error(); {
	case strings.Contains(text, "didn't provide a certificate"):
		return "no_certificate"
	case strings.Contains(text, "unsupported versions"), strings.Contains(text, "unsupported protocol version"):
		return "version"
	default:
		return "other"
	}
}
