package main

import (
	"context"
	"io"
	"sync/atomic"

	"maskline/configs"
	"maskline/e164"
	"maskline/numberdb"
)

// bindings imports and exports for a table and what keeps it equal to a store.
type bindings struct {
	table *numberdb.Table
	apply func(context.Context, []numberdb.Change) error
	known atomic.Pointer[numberdb.Known]
}

// newBindings makes bindings that follow cfg.
func newBindings(cfg *configs.Config, table *numberdb.Table, apply func(context.Context, []numberdb.Change) error) *bindings {
	b := &bindings{table: table, apply: apply}
	b.follow(cfg)
	return b
}

// follow refuses rows that name carriers, accounts or tenants that the
// configuration does not have, or short codes that it lists as emergency strings,
// from now on.
func (b *bindings) follow(cfg *configs.Config) {
	carriers, tenants := map[string]bool{}, map[string]bool{}
	accounts := map[string]string{} // to their tenants
	for _, c := range cfg.Carriers {
		carriers[string(c.Name)] = true
	}
	for _, a := range cfg.SMPP.Accounts {
		accounts[a.SystemID] = string(a.Tenant)
	}
	for _, t := range cfg.Tenants {
		tenants[string(t.Name)] = true
	}
	emergency := map[string]bool{} // of any country
	for _, numbers := range cfg.Routing.Emergency.Numbers {
		for _, n := range numbers {
			emergency[string(n)] = true
		}
	}
	has := func(set map[string]bool) func(string) bool { return func(name string) bool { return set[name] } }
	b.known.Store(&numberdb.Known{
		Carrier: has(carriers), Tenant: has(tenants), Mask: b.table.IsMask,
		Emergency: func(code e164.Number) bool { return emergency[string(code.AppendDigits(nil))] },
		Account: func(name string) (tenant string, known bool) {
			tenant, known = accounts[name]
			return tenant, known
		},
	})
}

// hasTenant reports whether the configuration has the tenant.
func (b *bindings) hasTenant(name string) bool { return b.known.Load().Tenant(name) }

// Import applies a whole CSV or nothing of it.
func (b *bindings) Import(ctx context.Context, csv io.Reader) (int, error) {
	return numberdb.Import(ctx, csv, *b.known.Load(), b.apply, nil)
}

// Export writes the table as CSV.
func (b *bindings) Export(_ context.Context, w io.Writer) error {
	return numberdb.Export(w, b.table.Each)
}
