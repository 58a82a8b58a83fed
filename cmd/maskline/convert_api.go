package main

import (
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
