//go:build peers

package calls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const kamailioConfig = `#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=1
enable_tls=yes
auto_aliases=no
listen=udp:127.0.0.1:%[2]d
listen=tls:127.0.0.1:%[1]d
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"
loadmodule "tls.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "sanity.so"
loadmodule "xlog.so"
modparam("tls", "config", "%[5]s/tls.cfg")
request_route {
	if (!sanity_check("17895", "7")) {
		xlog("L_ERR", "INSANE $rm\n");
		exit;
	}
	if (!has_totag()) {
		record_route();
	}
	if (proto == TLS) {
		if (!has_totag()) {
			$du = "sip:127.0.0.1:%[3]d";
		}
	} else {
		$du = "sip:127.0.0.1:%[4]d;transport=tls";
	}
	t_relay();
}
`

const kamailioTLS = `[server:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
private_key = %[1]s/sbc.key
certificate = %[1]s/sbc.pem
ca_list = %[1]s/ca.pem

[client:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
private_key = %[1]s/sbc.key
certificate = %[1]s/sbc.pem
ca_list = %[1]s/ca.pem
`

// startKamailio runs a proxy: what comes by TLS goes on to the callee by UDP, all
// else to the edge by TLS.
func startKamailio(t *testing.T, names *authority, secure, plain, callee, edge int) {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "kamailio.cfg")
	for file, text := range map[string]string{
		config:                        fmt.Sprintf(kamailioConfig, secure, plain, callee, edge, dir),
		filepath.Join(dir, "tls.cfg"): fmt.Sprintf(kamailioTLS, names.dir),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var output bytes.Buffer
	cmd := exec.Command("kamailio", "-f", config, "-DD", "-E", "-m", "64", "-M", "8", "-Y", dir, "-P", filepath.Join(dir, "pid"))
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("kamailio is needed (Debian: apt-get install kamailio kamailio-tls-modules): %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
		if t.Failed() || bytes.Contains(output.Bytes(), []byte("INSANE")) {
			t.Errorf("kamailio said\n%s", tail(output.Bytes()))
		}
	})
	eventually(t, "kamailio listens", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", secure))
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
}

// authority issues certificates, as files.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	last int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.make(t, "ca", &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

func (a *authority) issue(t *testing.T, file, name string) {
	t.Helper()
	a.make(t, file, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) make(t *testing.T, file string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.last++
	template.SerialNumber = big.NewInt(a.last)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
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
		a.file(file + ".pem"): {Type: "CERTIFICATE", Bytes: der}, a.file(file + ".key"): {Type: "PRIVATE KEY", Bytes: secret},
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
