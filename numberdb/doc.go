// Package numberdb holds the bindings of masked numbers: who is reached when a
// party contacts a mask, and which number that endpoint is shown.
//
// A binding is keyed by (mask, party); the party "none" makes it the public
// binding that answers everybody else. [Table] keeps all of them in memory:
// readers take no lock and allocate nothing, and a binding whose expiry has
// passed is never returned as live, whatever the store says.
//
// A [Store] (numberdb/sqlite, numberdb/postgres) keeps them exactly and
// durably. Only the store's change feed writes the table ([Syncer]), so what
// routes is what was committed. With the store down the table goes on serving;
// nothing on the path of a message or call waits for it.
//
// [Restrictions] are the opt-outs of parties and the operator's blocks, kept by
// the same stores and asked without a lock too.
//
// A [Registry] keeps what bindings come from, in the same stores: tenants, masks,
// pools and sessions, with their bindings in one transaction. A [Sweeper] has a
// store delete what is over.
//
// The package decides nothing about traffic: that is routing. It never logs a
// number. Start reading at binding.go, then table.go, store.go and sync.go;
// csv.go is the import and export format, restriction.go begins the rest.
package numberdb
