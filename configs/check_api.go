package configs

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// api checks what the API trusts.
func (c *checker) api() {
	c.clients()
	issuers := newDirectory("api.oidc")
	for i := range c.API.OIDC {
		if o := &c.API.OIDC[i]; *o != (OIDC{}) {
			path := entry("api.oidc", i)
			c.oidc(o, path)
			c.unique(issuers, o.Issuer, under(path, "issuer"))
		}
	}
}

// clients checks who is let in by a certificate.
func (c *checker) clients() {
	c.serverTLS(&c.API.TLS, "api.tls")
	names := newDirectory("api.clients")
	for i := range c.API.Clients {
		client, path := &c.API.Clients[i], entry("api.clients", i)
		c.unique(names, string(client.Name), under(path, "name"))
		if client.SAN == "" && client.Fingerprint == "" {
			c.fault(path, "asks for nothing of a certificate; expected san, fingerprint or both")
		}
		if _, ok := client.Sum(); client.Fingerprint != "" && !ok {
			c.fault(under(path, "fingerprint"), "expected 64 hexadecimal digits, with or without colons")
		}
		if client.Tenant != "" && !slices.ContainsFunc(c.Tenants, func(t Tenant) bool { return t.Name == client.Tenant }) {
			c.fault(under(path, "tenant"), "is not one of tenants", "tenants")
		}
		if c.API.TLS.ClientCA == "" {
			c.fault(path, "is given, but nobody is asked for a certificate; expected api.tls.client_ca too", "api.tls.client_ca")
		}
	}
}

// Sum is the fingerprint as octets; ok is false where it is none.
func (a *APIClient) Sum() (sum [sha256.Size]byte, ok bool) {
	octets, err := hex.DecodeString(strings.ReplaceAll(a.Fingerprint, ":", ""))
	if err != nil || len(octets) != len(sum) {
		return sum, false
	}
	copy(sum[:], octets)
	return sum, true
}

func (c *checker) oidc(o *OIDC, path string) {
	if !isIssuer(o.Issuer) {
		c.fault(under(path, "issuer"), "expected https://HOST[/PATH]; http only on a loopback address")
	}
	for _, required := range []struct{ key, text string }{{"audience", o.Audience}, {"tenant_claim", o.TenantClaim}, {"role_claim", o.RoleClaim}} {
		if required.text == "" {
			c.fault(under(path, required.key), "is missing; a token without it would be anybody's")
		}
	}
	if o.Operator != "" && slices.ContainsFunc(c.Tenants, func(t Tenant) bool { return string(t.Name) == o.Operator }) {
		c.fault(under(path, "operator"), "is the name of a tenant too; expected a text that is none's")
	}
}

// isIssuer: an issuer has no query and no fragment (OpenID Connect Discovery 1.0 §3).
func isIssuer(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && err == nil && ip.IsLoopback()
}
