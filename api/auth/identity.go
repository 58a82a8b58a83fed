package auth

import (
	"context"
	"slices"

	"maskline/numberdb"
)

// Identity is who asks.
type Identity struct {
	Key    string // the key's id, for logs and limits; it is no secret
	Tenant string // whose key; empty: the operator's own, which sees every tenant
	Role   Role
	Scopes []Scope
	Test   bool // of the sandbox
}

// May reports whether the identity has a scope. The empty scope is everybody's.
func (i *Identity) May(scope Scope) bool {
	return scope == "" || slices.Contains(i.Scopes, scope)
}

// Operator reports whether the key is the operator's own.
func (i *Identity) Operator() bool { return i.Tenant == "" }

// Scoped is the tenant whose resources a query is bound to: for the operator's
// keys the one that is asked for, numberdb.AnyTenant being all; for a tenant's always
// its own.
func (i *Identity) Scoped(asked string) string {
	switch {
	case i.Tenant != "":
		return i.Tenant
	case asked == "":
		return numberdb.AnyTenant
	default:
		return asked
	}
}

type identityKey struct{}

// With is a context of requests by this identity.
func With(ctx context.Context, i *Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, i)
}

// From is who asks; an identity without scopes where nobody was recognised.
func From(ctx context.Context) Identity {
	if i, is := ctx.Value(identityKey{}).(*Identity); is {
		return *i
	}
	return Identity{Tenant: nobody}
}

// nobody is a name that no tenant can have: what is asked without an identity
// sees nothing of anybody.
const nobody = "\x00"
