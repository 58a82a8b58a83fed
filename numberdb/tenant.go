package numberdb

import (
	"context"
	"time"
)

// Tenant is a customer of the operator: it owns pools, sessions and bindings
// by its name.
type Tenant struct {
	Name    string
	State   TenantState
	Created time.Time
}

// AnyTenant stands for all tenants and the operator where one may be named. No tenant
// has this name.
const AnyTenant = "*"

// TenantState says what a tenant may do.
type TenantState uint8

// The states of a tenant. What it has stands in every state until it ends.
const (
	Active    TenantState = iota
	Suspended             // allocates nothing new
	Closed                // gone; the name is not given again
)

// TenantStore reads tenants; Writes change them.
type TenantStore interface {
	// Tenants returns all, in the order of names.
	Tenants(ctx context.Context) ([]Tenant, error)
}
