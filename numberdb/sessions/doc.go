// Package sessions owns the masked numbers: it gives the people of a session
// their masks, ends sessions, and keeps pools and masks.
//
// What it answers is durable and routed: masks are decided in memory
// (numberdb/allocator), written to the store in groups that share no row, and the
// table has them when the call returns. The store's unique key is the last
// guard: where another edge was faster, it decides anew. A call that fails has
// changed nothing, or says that it does not know (numberdb.ErrOutcomeUnknown);
// what it began is then found out and taken back.
//
// A session stops at its time by itself: the time stands in the table's records.
// Its masks stay away from its people until their quarantine is over.
//
// It never logs a number. Start reading at owner.go, then create.go and change.go.
package sessions
