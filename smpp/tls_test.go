package smpp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
	"maskline/tlsfile"
)

// authority issues certificates, as files.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last int64
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.make(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, "ca")
	return a
}

// issue makes a certificate for a name that ends after the given time.
func (a *authority) issue(t testing.TB, file, name string, life time.Duration) {
	t.Helper()
	a.make(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(life),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, file)
}

func (a *authority) make(t testing.TB, template *x509.Certificate, file string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.last++
	template.SerialNumber, template.NotBefore = big.NewInt(a.last), time.Now().Add(-48*time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		a.certFile(file): {Type: "CERTIFICATE", Bytes: der}, a.keyFile(file): {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func (a *authority) certFile(file string) string { return filepath.Join(a.dir, file+".pem") }
func (a *authority) keyFile(file string) string  { return filepath.Join(a.dir, file+".key") }

func (a *authority) server(file string) ServerTLS {
	return ServerTLS{Cert: a.certFile(file), Key: a.keyFile(file)}
}

// dialTLS connects a peer to the edge.
func dialTLS(t testing.TB, addr string, cfg *tls.Config) (*wire, error) {
	t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", addr, cfg)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close() })
	return newWire(conn), nil
}

// secureEdge listens with TLS alone.
func secureEdge(t testing.TB, listen ServerTLS, change func(*Config)) *bench {
	t.Helper()
	cfg := baseConfig()
	cfg.Listen[0].TLS = listen
	if change != nil {
		change(&cfg)
	}
	return startEdge(t, cfg)
}

func TestABindOverTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			ca := newAuthority(t)
			ca.issue(t, "edge", "edge.example", time.Hour)
			b := secureEdge(t, ca.server("edge"), nil)
			roots, err := tlsfile.Authorities(ca.certFile("ca"))
			if err != nil {
				t.Fatal(err)
			}
			shop, err := dialTLS(t, b.addr, &tls.Config{RootCAs: roots, ServerName: "edge.example", MaxVersion: version})
			if err != nil {
				t.Fatal(err)
			}
			if f := shop.bindAs(t, pdu.BindTransceiver, "shop", "sesame", pdu.Version34); f.Status != pdu.ROK {
				t.Fatalf("the bind is answered with 0x%02X", uint32(f.Status))
			}
			shop.write(t, pdu.AppendHeader(nil, pdu.Unbind, pdu.ROK, 9))
			shop.expect(t, pdu.UnbindResp, pdu.ROK)
			shop.expectEnd(t)
		})
	}
}

// Everything that a peer can get wrong has its reason in the metrics, and the
// listener goes on.
func TestPeersThatFailTLS(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	ca.issue(t, "edge", "edge.example", time.Hour)
	ca.issue(t, "peer", "peer.example", time.Hour)
	ca.issue(t, "old", "peer.example", -time.Hour)
	stranger.issue(t, "peer", "peer.example", time.Hour)
	roots, err := tlsfile.Authorities(ca.certFile("ca"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(a *authority, file string) func(*tls.Config) {
		return func(c *tls.Config) {
			pair, err := tls.LoadX509KeyPair(a.certFile(file), a.keyFile(file))
			if err != nil {
				t.Fatal(err)
			}
			c.Certificates = []tls.Certificate{pair}
		}
	}
	cases := []struct {
		name   string
		change func(*tls.Config)
		want   tlsFault
	}{
		{"no certificate", nil, tlsNoCertificate},
		{"expired", with(ca, "old"), tlsExpired},
		{"unknown authority", with(stranger, "peer"), tlsUnknownCA},
		{"old version", func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, tlsVersion},
		{"does not trust us", func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }, tlsRefusedByPeer},
		{"good", with(ca, "peer"), tlsFaults},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			listen := ca.server("edge")
			listen.ClientCA = ca.certFile("ca")
			b := secureEdge(t, listen, nil)
			cfg := &tls.Config{RootCAs: roots, ServerName: "edge.example"}
			if c.change != nil {
				c.change(cfg)
			}
			shop, err := dialTLS(t, b.addr, cfg)
			if c.want == tlsFaults {
				if err != nil {
					t.Fatal(err)
				}
				if f := shop.bindAs(t, pdu.BindTransceiver, "shop", "sesame", pdu.Version34); f.Status != pdu.ROK {
					t.Fatalf("the bind is answered with 0x%02X", uint32(f.Status))
				}
				return
			}
			eventually(t, c.want.String()+" is counted", func() bool {
				return b.metric(t, "tls_failures_total", "reason", c.want.String()) == 1
			})
		})
	}
}

func TestPlainTextToATLSPort(t *testing.T) {
	ca := newAuthority(t)
	ca.issue(t, "edge", "edge.example", time.Hour)
	b := secureEdge(t, ca.server("edge"), nil)
	w := dialWire(t, b.addr)
	bind := pdu.Bind{SystemID: []byte("shop"), Password: []byte("sesame"), InterfaceVersion: pdu.Version34}
	out, err := bind.Append(nil, pdu.BindTransceiver, 1)
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, out)
	eventually(t, "it is counted", func() bool { return b.metric(t, "tls_failures_total", "reason", "not_tls") == 1 })
}

// A peer that begins a handshake and stops there costs no more than one that
// does not bind.
func TestAHandshakeMeetsTheBindTimeout(t *testing.T) {
	ca := newAuthority(t)
	ca.issue(t, "edge", "edge.example", time.Hour)
	b := secureEdge(t, ca.server("edge"), func(c *Config) { c.BindTimeout = 200 * time.Millisecond })
	w := dialWire(t, b.addr)
	w.write(t, []byte{0x16, 0x03, 0x01})
	w.expectEnd(t)
	eventually(t, "it is counted", func() bool { return b.metric(t, "tls_failures_total", "reason", "timeout") == 1 })
	eventually(t, "nothing is left of it", func() bool { return len(b.snapshot(nil)) == 0 })
}

// secureSMSC accepts TLS and binds. It returns its address.
func secureSMSC(t testing.TB, cfg *tls.Config) string {
	t.Helper()
	inner := newSMSC(t)
	inner.listener.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &smsc{t: t, listener: l, binds: make(chan *wire, 64)}
	ended := make(chan struct{})
	go func() { defer close(ended); s.serve() }()
	t.Cleanup(func() { s.stop(); <-ended })
	return s.addr()
}

// A carrier whose TLS is wrong is not bound to; why stands in the state and in
// the metrics.
func TestOurBindsOverTLS(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	ca.issue(t, "smsc", "smsc.example", time.Hour)
	ca.issue(t, "old", "smsc.example", -time.Hour)
	ca.issue(t, "us", "edge.example", time.Hour)
	cases := []struct {
		name   string
		server string
		mutual bool
		plain  bool
		client func(*ClientTLS)
		want   tlsFault
	}{
		{name: "good", server: "smsc", want: tlsFaults},
		{name: "mutual", server: "smsc", mutual: true, client: func(c *ClientTLS) { c.Cert, c.Key = ca.certFile("us"), ca.keyFile("us") }, want: tlsFaults},
		{name: "mutual without ours", server: "smsc", mutual: true, want: tlsRefusedByPeer},
		{name: "expired", server: "old", want: tlsExpired},
		{name: "wrong name", server: "smsc", client: func(c *ClientTLS) { c.Name = "other.example" }, want: tlsWrongName},
		{name: "host of the address", server: "smsc", client: func(c *ClientTLS) { c.Name = "" }, want: tlsWrongName},
		{name: "unknown authority", server: "smsc", client: func(c *ClientTLS) { c.CA = stranger.certFile("ca") }, want: tlsUnknownCA},
		{name: "plain SMSC", plain: true, want: tlsNotTLS},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var addr string
			if c.plain {
				addr = greeter(t)
			} else {
				listen := ca.server(c.server)
				if c.mutual {
					listen.ClientCA = ca.certFile("ca")
				}
				server, err := listen.load()
				if err != nil {
					t.Fatal(err)
				}
				addr = secureSMSC(t, server)
			}
			cfg := baseConfig()
			carrier := carrierAt("alfa", addr)
			carrier.Binds[0].TLS = ClientTLS{Enabled: true, CA: ca.certFile("ca"), Name: "smsc.example"}
			if c.client != nil {
				c.client(&carrier.Binds[0].TLS)
			}
			cfg.Carriers = []CarrierConfig{carrier}
			b := startEdge(t, cfg)
			if c.want == tlsFaults {
				b.waitUp(t, "alfa")
				return
			}
			eventually(t, c.want.String()+" is counted", func() bool {
				return b.metric(t, "tls_failures_total", "reason", c.want.String()) > 0
			})
			eventually(t, "the state tells why", func() bool { return b.Binds()[0].Reason == c.want.text() })
		})
	}
}

// greeter is a server that speaks at once, and no TLS.
func greeter(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write(pdu.AppendHeader(nil, pdu.GenericNack, pdu.RInvCmdLen, 1))
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return l.Addr().String()
}

func TestTLSFilesThatCannotBeUsed(t *testing.T) {
	ca := newAuthority(t)
	ca.issue(t, "edge", "edge.example", time.Hour)
	for name, c := range map[string]struct {
		tls  ServerTLS
		want string
	}{
		"no certificate":     {ServerTLS{Cert: ca.certFile("none"), Key: ca.keyFile("edge")}, "reading a certificate and its key: open "},
		"key of another":     {ServerTLS{Cert: ca.certFile("edge"), Key: ca.keyFile("ca")}, "private key does not match"},
		"authorities no PEM": {ServerTLS{Cert: ca.certFile("edge"), Key: ca.keyFile("edge"), ClientCA: ca.keyFile("edge")}, "no certificate in the file"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.tls.load(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// writes counts the records of a connection, one a write.
type writes struct {
	net.Conn
	n int
}

func (w *writes) Write(b []byte) (int, error) { w.n++; return w.Conn.Write(b) }

// One flush leaves as one record, however young the connection.
func TestAFlushIsOneRecord(t *testing.T) {
	ca := newAuthority(t)
	ca.issue(t, "edge", "edge.example", time.Hour)
	cfg, err := ca.server("edge").load()
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	counted := &writes{Conn: near}
	server := tls.Server(counted, cfg)
	client := tls.Client(far, &tls.Config{InsecureSkipVerify: true})
	read := make(chan error, 1)
	go func() {
		buf := make([]byte, 32<<10)
		for n := 0; n < 16<<10; {
			m, err := client.Read(buf)
			if err != nil {
				read <- err
				return
			}
			n += m
		}
		read <- nil
	}()
	if err := server.Handshake(); err != nil {
		t.Fatal(err)
	}
	before := counted.n
	if _, err := server.Write(make([]byte, 16<<10)); err != nil {
		t.Fatal(err)
	}
	if got := counted.n - before; got != 1 {
		t.Errorf("16 KiB left in %d records", got)
	}
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	near.Close()
	far.Close()
}

// A TLS peer that stops reading is cut off like any other, and nobody waits for
// it to take a farewell.
func TestATLSPeerThatStopsReading(t *testing.T) {
	ca := newAuthority(t)
	ca.issue(t, "edge", "edge.example", time.Hour)
	b := secureEdge(t, ca.server("edge"), func(c *Config) { c.WriteTimeout = 300 * time.Millisecond })
	w, err := dialTLS(t, b.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	w.bindAs(t, pdu.BindTransceiver, "shop", "sesame", pdu.Version34)
	flood := bytes.Repeat(pdu.AppendHeader(nil, pdu.EnquireLink, pdu.ROK, 1), 4096)
	_ = w.conn.SetWriteDeadline(time.Now().Add(patience))
	for {
		if _, err := w.conn.Write(flood); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the peer was not cut off")
			}
			break
		}
	}
	eventually(t, "the bind is gone", func() bool { return len(b.Binds()) == 0 })
}

// An SMSC that takes our connection and says nothing is given up in time.
func TestAnSMSCThatNeverShakesHands(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	cfg := baseConfig()
	cfg.BindTimeout = 100 * time.Millisecond
	cfg.Carriers = []CarrierConfig{carrierAt("alfa", l.Addr().String())}
	cfg.Carriers[0].Binds[0].TLS = ClientTLS{Enabled: true}
	b := startEdge(t, cfg)
	eventually(t, "it is counted", func() bool { return b.metric(t, "tls_failures_total", "reason", "timeout") > 0 })
}
