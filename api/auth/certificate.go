package auth

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
	"sync/atomic"
)

// Certificate is a client's certificate that stands for somebody. That it comes from an
// authority that is trusted, the server has checked.
type Certificate struct {
	Name        string             // of the entry, for limits and the audit
	SAN         string             // a DNS name, an address, a URI or a mail address that it must have; empty: any
	Fingerprint *[sha256.Size]byte // of it in DER; nil: any
	Tenant      string             // empty: the operator
	Role        Role
	Scopes      []Scope // empty: the usual ones of the role
}

// Certificates tell who shows one. They may be replaced at any time.
type Certificates struct{ list atomic.Pointer[[]certificate] }

type certificate struct {
	Certificate
	identity Identity
}

// certificatePrefix begins what limits and the audit know such a client by.
const certificatePrefix = "crt_"

// Set replaces them. An entry that asks for nothing of a certificate is nobody's.
func (c *Certificates) Set(list []Certificate) {
	next := make([]certificate, 0, len(list))
	for _, one := range list {
		if one.SAN == "" && one.Fingerprint == nil {
			continue
		}
		scopes := one.Scopes
		if len(scopes) == 0 {
			scopes = one.Role.Usual()
		}
		most := one.Role.Scopes()
		scopes = slices.DeleteFunc(slices.Clone(scopes), func(s Scope) bool { return !slices.Contains(most, s) })
		next = append(next, certificate{one, Identity{Key: certificatePrefix + one.Name, Tenant: one.Tenant, Role: one.Role, Scopes: scopes}})
	}
	c.list.Store(&next)
}

// Of is who shows a certificate on a connection; nil: nobody that is known. The first
// entry that fits counts.
func (c *Certificates) Of(state *tls.ConnectionState) *Identity {
	list := c.list.Load()
	if list == nil || state == nil || len(state.VerifiedChains) == 0 {
		return nil
	}
	leaf := state.VerifiedChains[0][0]
	for i := range *list {
		if one := &(*list)[i]; one.fits(leaf) {
			return &one.identity
		}
	}
	return nil
}

func (c *certificate) fits(leaf *x509.Certificate) bool {
	if c.Fingerprint != nil && *c.Fingerprint != sha256.Sum256(leaf.Raw) {
		return false
	}
	return c.SAN == "" || hasName(leaf, c.SAN)
}

// hasName compares names as a whole: a wildcard in a client's certificate is no name.
func hasName(leaf *x509.Certificate, name string) bool {
	for _, dns := range leaf.DNSNames {
		if strings.EqualFold(dns, name) {
			return true
		}
	}
	for _, ip := range leaf.IPAddresses {
		if ip.String() == name {
			return true
		}
	}
	for _, uri := range leaf.URIs {
		if uri.String() == name {
			return true
		}
	}
	return slices.Contains(leaf.EmailAddresses, name)
}
