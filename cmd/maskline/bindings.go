package main

import (
	"context"
	"io"
	"sync/atomic"
	"time"

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
	emergency := emergencyStrings(cfg)
	has := func(set map[string]bool) func(string) bool { return func(name string) bool { return set[name] } }
	b.known.Store(&numberdb.Known{
		Carrier: has(carriers), Tenant: has(tenants), Mask: b.table.IsMask, Held: b.held,
		Emergency: func(code e164.Number) bool { return emergency[string(code.AppendDigits(nil))] },
		Account: func(name string) (tenant string, known bool) {
			tenant, known = accounts[name]
			return tenant, known
		},
	})
}

// emergencyStrings are those of every country.
func emergencyStrings(cfg *configs.Config) map[string]bool {
	all := map[string]bool{}
	for _, numbers := range cfg.Routing.Emergency.Numbers {
		for _, n := range numbers {
			all[string(n)] = true
		}
	}
	return all
}

// hasTenant reports whether the configuration has the tenant.
func (b *bindings) hasTenant(name string) bool { return b.known.Load().Tenant(name) }

// Import applies a whole CSV or nothing of it.
func (b *bindings) Import(ctx context.Context, csv io.Reader) (int, error) {
	return numberdb.Import(ctx, csv, *b.known.Load(), b.apply)
}

// held reports whether a session has the mask for the party, or had it and the
// row stands.
func (b *bindings) held(mask, party e164.Number) bool {
	// A time before all expiries finds bindings that have passed too.
	of, status := b.table.Lookup(mask, party, time.Unix(0, 0))
	return status.Found() && of.Party == party && of.Session != 0
}

// Export writes the bindings by hand as CSV. Those of sessions belong to them;
// it tells how many they are.
func (b *bindings) Export(_ context.Context, w io.Writer) (ofSessions int, err error) {
	return numberdb.Export(w, b.table, func(of *numberdb.Binding) bool { return of.Session == 0 })
}
