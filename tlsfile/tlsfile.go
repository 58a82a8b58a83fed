package tlsfile

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
)

// Add gives cfg the certificate chain of a file and its private key.
func Add(cfg *tls.Config, cert, key string) error {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("reading a certificate and its key: %w", err)
	}
	cfg.Certificates = []tls.Certificate{pair}
	return nil
}

// Authorities are those of a file.
func Authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("reading the authorities: no certificate in the file")
	}
	return pool, nil
}

// Serve gives cfg the certificate of a server and, where clientCA is not empty, asks
// for clients' certificates by its authorities.
func Serve(cfg *tls.Config, cert, key, clientCA string) error {
	if err := Add(cfg, cert, key); err != nil {
		return err
	}
	if clientCA == "" {
		return nil
	}
	pool, err := Authorities(clientCA)
	if err != nil {
		return err
	}
	cfg.ClientCAs, cfg.ClientAuth = pool, tls.RequireAndVerifyClientCert
	return nil
}

// Same reports whether the files of both held the same; nil is no TLS.
func Same(a, b *tls.Config) bool {
	if a == nil || b == nil {
		return a == b
	}
	chains := func(a, b tls.Certificate) bool { return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal) }
	return slices.EqualFunc(a.Certificates, b.Certificates, chains) && a.RootCAs.Equal(b.RootCAs) && a.ClientCAs.Equal(b.ClientCAs)
}
