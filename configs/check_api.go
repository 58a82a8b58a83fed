package configs

import (
	"net/netip"
	"net/url"
	"slices"
)

// api checks what the API trusts.
func (c *checker) api() {
	issuers := newDirectory("api.oidc")
	for i := range c.API.OIDC {
		if o := &c.API.OIDC[i]; *o != (OIDC{}) {
			path := entry("api.oidc", i)
			c.oidc(o, path)
			c.unique(issuers, o.Issuer, under(path, "issuer"))
		}
	}
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
