package sip

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/tlsfile"
)

// authority issues certificates, as files.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last int64
}

// newAuthority has a certificate for us ("edge") and one for all peers ("peer").
func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.make(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, "ca")
	a.issue(t, "edge", "edge.example", time.Hour)
	a.issue(t, "peer", "peer.example", time.Hour)
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

// config is the TLS of a peer that shows a certificate, on either side of a
// connection.
func (a *authority) config(t testing.TB, file string) *tls.Config {
	t.Helper()
	pool, err := tlsfile.Authorities(a.certFile("ca"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := baseTLS()
	cfg.RootCAs, cfg.ClientCAs, cfg.ServerName = pool, pool, "edge.example"
	if file != "" {
		if err := tlsfile.Add(cfg, a.certFile(file), a.keyFile(file)); err != nil {
			t.Fatal(err)
		}
	}
	return cfg
}

// TestCertificateNames has a trunk that anybody's address may be, if only the
// certificate is its own.
func TestCertificateNames(t *testing.T) {
	names := newAuthority(t)
	names.issue(t, "alfa", "sbc.alfa.example", time.Hour)
	names.issue(t, "mallory", "sbc.mallory.example", time.Hour)
	names.issue(t, "eve", "sbc.eve.example", time.Hour)
	names.issue(t, "old", "sbc.alfa.example", -time.Hour)
	other := newAuthority(t)
	other.issue(t, "alfa", "sbc.alfa.example", time.Hour)
	b := newBedOver(t, overTLS, names, func(c *Config) {
		c.Listen = append(c.Listen, Listen{Addr: "udp://127.0.0.1:0"})
		c.Listen[0].TLS.ClientCA = names.certFile("ca")
		known := func(name, peer string) TrunkConfig {
			return TrunkConfig{
				Name: name, Carrier: "alfa", Allow: prefixes("0.0.0.0/0"), MediaFrom: prefixes("127.0.0.0/8"),
				TLS: ClientTLS{Peer: []string{peer}}, Probe: Probe{Every: -1},
			}
		}
		c.Trunks = []TrunkConfig{known("mallory", "sbc.mallory.example"), known("in", "SBC.alfa.example"), c.Trunks[1]}
		c.Trunks[2].Allow = nil // its own address, where the strangers are too
		c.Trunks[2].TLS.Peer = []string{"peer.example"}
	})
	cases := []struct {
		name   string
		cfg    *tls.Config
		fault  string // label of tls_failures_total
		served bool
	}{
		{"its own", names.config(t, "alfa"), "", true},
		{"of another name", names.config(t, "eve"), "", false},
		{"of another authority", func() *tls.Config {
			cfg := other.config(t, "alfa")
			cfg.RootCAs = names.config(t, "").RootCAs
			return cfg
		}(), "unknown_ca", false},
		{"expired", names.config(t, "old"), "expired", false},
		{"none", names.config(t, ""), "no_certificate", false},
		{"TLS 1.1", func() *tls.Config {
			cfg := names.config(t, "alfa")
			cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
			return cfg
		}(), "version", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := newStreamPeer(t, overTLS, names)
			p.edge, p.link.client = b.addr, c.cfg
			p.link.mayFail = true
			p.send(p.other("OPTIONS"))
			if got := p.receive(5 * time.Second); strings.HasPrefix(got, "SIP/2.0 200") != c.served {
				t.Errorf("got %q", got)
			}
			if c.fault != "" {
				eventually(t, "it is counted", func() bool { return b.count("tls_failures_total", "reason", c.fault) == 1 })
			}
			p.close()
		})
	}
	t.Run("another's certificate in its call", func(t *testing.T) {
		alfa, mallory := newStreamPeer(t, overTLS, names), newStreamPeer(t, overTLS, names)
		alfa.edge, alfa.link.client = b.addr, names.config(t, "alfa")
		mallory.edge, mallory.link.client = b.addr, names.config(t, "mallory")
		d := b.connect(alfa, "one")
		mallory.send(mallory.inDialog("BYE", d.answer, 2))
		if got := mallory.receive(5 * time.Second); !strings.HasPrefix(got, "SIP/2.0 481") {
			t.Errorf("got %q", got)
		}
		if b.edge.ActiveCalls() != 1 {
			t.Error("it has ended another's call")
		}
		b.hangUp(alfa, d)
		alfa.close()
		mallory.close()
	})
	t.Run("by a datagram", func(t *testing.T) {
		p := newPeer(t, "127.0.0.1")
		p.edge = b.edge.Addrs()[1]
		p.send(p.other("OPTIONS"))
		p.silence()
	})
	b.checkLog()
}

// TestTrunkCertificate has a trunk show another's certificate: nothing is sent
// there, and the call goes on to the next one.
func TestTrunkCertificate(t *testing.T) {
	names := newAuthority(t)
	b := newBedOver(t, overTLS, names, func(c *Config) {
		c.Trunks[1].TLS.Name = "sbc.bravo.example"
		c.Trunks[1].FirstResponse = time.Minute
	})
	done := make(chan string)
	b.callees[0].link.mayFail = true
	go func() { done <- b.callees[0].receive(5 * time.Second) }()
	b.caller.send(b.caller.invite("one"))
	b.callees[1].expect("INVITE ")
	if got := <-done; got != "" {
		t.Errorf("it was sent\n%s", got)
	}
	for name, want := range map[string]float64{"tls_failures_total": 1, "connect_failures_total": 1, "failovers_total": 1} {
		if got := b.count(name, "trunk", "out0"); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestOwnCertificate shows a certificate of ours to a trunk that wants one.
func TestOwnCertificate(t *testing.T) {
	names := newAuthority(t)
	b := newBedOver(t, overTLS, names, func(c *Config) {
		c.Trunks[1].TLS.Cert, c.Trunks[1].TLS.Key = names.certFile("edge"), names.keyFile("edge")
	})
	b.callees[0].link.server.ClientAuth = tls.RequireAndVerifyClientCert
	d := b.connect(b.caller, "one")
	b.hangUp(b.caller, d)
	state := b.callees[0].link.wire.(*tls.Conn).ConnectionState()
	if names := namesOf(&state); len(names) != 1 || names[0] != "edge.example" {
		t.Errorf("it saw %v", names)
	}
}

// TestPlainOnTLS speaks SIP to where TLS is spoken.
func TestPlainOnTLS(t *testing.T) {
	b := newBedOver(t, overTLS, newAuthority(t), nil)
	conn, err := net.Dial("tcp", b.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(b.caller.other("OPTIONS"))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is counted", func() bool { return b.count("tls_failures_total", "reason", "not_tls") == 1 })
	b.hangUp(b.caller, b.connect(b.caller, "one"))
}

// TestReloadRenamesATrunk has a trunk that is known by its certificate change its
// name under a call, and later have another certificate: the one that has the old one
// is whose address it has.
func TestReloadRenamesATrunk(t *testing.T) {
	names := newAuthority(t)
	names.issue(t, "alfa", "sbc.alfa.example", time.Hour)
	b := newBedOver(t, overTLS, names, func(c *Config) {
		c.Listen[0].TLS.ClientCA = names.certFile("ca")
		c.Trunks[0].Addr, c.Trunks[0].Allow, c.Trunks[0].TLS = "", prefixes("0.0.0.0/0"), ClientTLS{Peer: []string{"sbc.alfa.example"}}
	})
	alfa := newStreamPeer(t, overTLS, names)
	alfa.edge, alfa.link.client = b.addr, names.config(t, "alfa")
	d := b.connect(alfa, "one")
	b.reload(func(c *Config) { c.Trunks[0].Name = "renamed" })
	b.hangUp(alfa, d)

	b.hangUp(alfa, b.connect(alfa, "two"))
	b.reload(func(c *Config) { c.Trunks[0].TLS.Peer = []string{"sbc.bravo.example"} })
	b.hangUp(alfa, b.connect(alfa, "three"))
	for trunk, calls := range map[string]float64{"in": 1, "renamed": 1, "out0": 1} {
		if got := b.count("calls_total", "trunk", trunk); got != calls {
			t.Errorf("%v calls from %s, want %v", got, trunk, calls)
		}
	}
}

// TestCertificatesAreReadAgain renews ours on a listener and towards a trunk. Calls
// stand, and the next connections have the new ones.
func TestCertificatesAreReadAgain(t *testing.T) {
	names := newAuthority(t)
	names.issue(t, "ours", "ours.example", time.Hour)
	b := newBedOver(t, overTLS, names, func(c *Config) {
		c.Trunks[1].TLS.Cert, c.Trunks[1].TLS.Key = names.certFile("ours"), names.keyFile("ours")
	})
	shown := func() string {
		conn, err := tls.Dial("tcp", b.addr.String(), names.config(t, "peer"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	apply := func() []string {
		cfg := b.edge.cfg
		cfg.Trunks = b.trunks
		f, err := b.edge.Prepare(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return f()
	}
	first := shown()
	d := b.connect(b.caller, "one")
	if files := apply(); files != nil {
		t.Errorf("changed: %v", files)
	}
	names.issue(t, "edge", "edge.example", time.Hour)
	names.issue(t, "ours", "ours.example", time.Hour)
	if files := apply(); len(files) != 2 || files[1] != "certificates of trunk out0" {
		t.Errorf("changed: %v", files)
	}
	if shown() == first {
		t.Error("the old one is shown")
	}
	b.hangUp(b.caller, d)
	if err := os.Remove(names.keyFile("edge")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.edge.Prepare(b.edge.cfg); err == nil {
		t.Error("a file that is away is taken")
	}
}
