package auth

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"slices"
	"testing"
)

func TestCertificates(t *testing.T) {
	leaf := &x509.Certificate{
		Raw: []byte("shop"), DNSNames: []string{"App.Shop.example", "*.wild.example"}, IPAddresses: []net.IP{net.ParseIP("192.0.2.7")},
		URIs: []*url.URL{{Scheme: "spiffe", Host: "shop", Path: "/app"}}, EmailAddresses: []string{"app@shop.example"},
	}
	shown := &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf}}, PeerCertificates: []*x509.Certificate{leaf}}
	own, other := sha256.Sum256([]byte("shop")), sha256.Sum256([]byte("other"))
	for name, c := range map[string]struct {
		entry Certificate
		state *tls.ConnectionState
		fits  bool
	}{
		"a DNS name":               {Certificate{SAN: "app.shop.example"}, shown, true},
		"an address":               {Certificate{SAN: "192.0.2.7"}, shown, true},
		"a URI":                    {Certificate{SAN: "spiffe://shop/app"}, shown, true},
		"a mail address":           {Certificate{SAN: "app@shop.example"}, shown, true},
		"a fingerprint":            {Certificate{Fingerprint: &own}, shown, true},
		"both":                     {Certificate{Fingerprint: &own, SAN: "app.shop.example"}, shown, true},
		"both, of another":         {Certificate{Fingerprint: &own, SAN: "app.taxi.example"}, shown, false},
		"another fingerprint":      {Certificate{Fingerprint: &other, SAN: "app.shop.example"}, shown, false},
		"a part of a name":         {Certificate{SAN: "shop.example"}, shown, false},
		"below a wildcard":         {Certificate{SAN: "a.wild.example"}, shown, false},
		"nothing":                  {Certificate{}, shown, false},
		"no TLS":                   {Certificate{Fingerprint: &own}, nil, false},
		"shown, and never checked": {Certificate{Fingerprint: &own}, &tls.ConnectionState{PeerCertificates: shown.PeerCertificates}, false},
	} {
		var all Certificates
		if all.Of(c.state) != nil {
			t.Errorf("%s: without entries", name)
		}
		c.entry.Name, c.entry.Tenant, c.entry.Role, c.entry.Scopes = "app", "shop", ReadOnly, []Scope{SessionsRead, Admin}
		all.Set([]Certificate{c.entry})
		who := all.Of(c.state)
		if (who != nil) != c.fits || who != nil && (who.Key != "crt_app" || who.Tenant != "shop" || !slices.Equal(who.Scopes, []Scope{SessionsRead})) {
			t.Errorf("%s: %+v", name, who)
		}
	}
}

// A credential in the request says who asks; the certificate does where there is none.
func TestACredentialCountsBeforeACertificate(t *testing.T) {
	k, _ := keysOver(t, &kept{})
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, key, err := k.Create(t.Context(), Local(), &Wanted{Tenant: "taxi", Role: ReadOnly})
	if err != nil {
		t.Fatal(err)
	}
	all := &Certificates{}
	sum := sha256.Sum256([]byte("shop"))
	all.Set([]Certificate{{Name: "app", Fingerprint: &sum, Tenant: "shop", Role: Integrator}})
	k.cfg.Certificates = all
	leaf := &x509.Certificate{Raw: []byte("shop")}
	r, _ := http.NewRequest(http.MethodGet, "/", http.NoBody)
	r.RemoteAddr, r.TLS = home, &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf}}}
	if who, err := k.Authenticate(r); err != nil || who.Key != "crt_app" || who.May(PIIRead) {
		t.Errorf("%+v %v", who, err)
	}
	r.Header.Set("Authorization", "Bearer "+text)
	if who, err := k.Authenticate(r); err != nil || who.Tenant != "taxi" {
		t.Errorf("%+v %v", who, err)
	}
	if _, err := k.Revoke(t.Context(), Local(), key.ID); err != nil {
		t.Fatal(err)
	}
	if who, err := k.Authenticate(r); err == nil {
		t.Errorf("a revoked key is passed over: %+v", who)
	}
	all.Set(nil)
	r.Header.Del("Authorization")
	if who, err := k.Authenticate(r); err == nil {
		t.Errorf("an entry that is gone: %+v", who)
	}
}
