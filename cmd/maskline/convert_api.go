package main

import (
	"crypto/tls"
	"fmt"

	"maskline/api"
	"maskline/api/auth"
	"maskline/api/issuer"
	"maskline/configs"
)

// issuersConfig are the identity providers; an entry without anything is none.
func issuersConfig(cfg *configs.Config) (list []issuer.Config) {
	for i := range cfg.API.OIDC {
		if o := &cfg.API.OIDC[i]; *o != (configs.OIDC{}) {
			list = append(list, issuer.Config{
				URL: o.Issuer, Audience: o.Audience, Tenant: o.TenantClaim, Role: o.RoleClaim, Operator: o.Operator, CA: string(o.CA),
			})
		}
	}
	return list
}

// clientsConfig are the certificates that let somebody in.
func clientsConfig(cfg *configs.Config) (list []auth.Certificate) {
	for i := range cfg.API.Clients {
		c := &cfg.API.Clients[i]
		one := auth.Certificate{Name: string(c.Name), SAN: c.SAN, Tenant: string(c.Tenant), Role: auth.Role(c.Role)}
		if sum, ok := c.Sum(); ok {
			one.Fingerprint = &sum
		}
		for _, scope := range c.Scopes {
			one.Scopes = append(one.Scopes, auth.Scope(scope))
		}
		list = append(list, one)
	}
	return list
}

// apiTLS reads the certificate of api.listen; nil: there is none.
func apiTLS(cfg *configs.Config) (*tls.Config, error) {
	files := &cfg.API.TLS
	if files.Cert == "" {
		return nil, nil
	}
	secured, err := api.LoadTLS(string(files.Cert), string(files.Key), string(files.ClientCA))
	if err != nil {
		return nil, fmt.Errorf("api.tls: %w", err)
	}
	return secured, nil
}
