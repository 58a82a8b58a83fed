package tlsfile

import (
	"crypto/tls"
	"os"
	"strings"
	"testing"

	"maskline/testbench/authority"
)

func TestServe(t *testing.T) {
	a := authority.New(t)
	a.Issue(t, "edge", "edge.example")
	cert, key, ca := a.File("edge.pem"), a.File("edge.key"), a.File("ca.pem")
	load := func(cert, key, ca string) (*tls.Config, error) {
		cfg := &tls.Config{MinVersion: tls.VersionTLS12}
		return cfg, Serve(cfg, cert, key, ca)
	}
	plain, err := load(cert, key, "")
	if err != nil || plain.ClientAuth != tls.NoClientCert || len(plain.Certificates) != 1 {
		t.Fatalf("%v", err)
	}
	asking, err := load(cert, key, ca)
	if err != nil || asking.ClientAuth != tls.RequireAndVerifyClientCert || asking.ClientCAs == nil {
		t.Fatalf("%v", err)
	}
	again, err := load(cert, key, ca)
	if err != nil || !Same(asking, again) || Same(plain, asking) || Same(plain, nil) || !Same(nil, nil) {
		t.Errorf("what holds the same is told from what does not: %v", err)
	}
	a.Issue(t, "edge", "edge.example")
	if renewed, err := load(cert, key, ca); err != nil || Same(asking, renewed) {
		t.Errorf("another certificate is not noticed: %v", err)
	}
	garbage := a.File("garbage.pem")
	if err := os.WriteFile(garbage, []byte("planted-secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.Issue(t, "other", "other.example")
	for name, files := range map[string][3]string{
		"no certificate": {a.File("none"), key, ""}, "no key": {cert, a.File("none"), ""}, "another's key": {cert, a.File("other.key"), ""},
		"no authorities": {cert, key, a.File("none")}, "garbage": {garbage, garbage, ""}, "garbage for authorities": {cert, key, garbage},
	} {
		if _, err := load(files[0], files[1], files[2]); err == nil || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
