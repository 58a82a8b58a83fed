package numberdb

import (
	"time"

	"maskline/e164"
)

// Status says how a lookup ended.
type Status uint8

// The ends of a lookup.
const (
	UnknownMask  Status = iota // no binding has this mask
	OutOfSession               // the mask lives, this party has no binding
	Ended                      // this party's binding has expired
	Exact                      // the binding of this very party
	Public                     // the mask's public binding
)

// Found reports whether the lookup returned a live binding.
func (s Status) Found() bool { return s >= Exact }

// Table is the routing table in memory. Lookups take no lock, never wait for a
// writer and allocate nothing; they may run beside one another and beside writes.
// Writers are serialised by a mutex of their own.
//
// A binding takes some 80 octets and its mask some 12, whatever the size, outside
// of the collector's heap; texts are kept once each, for as long as they are used.
// Built with the race detector, which cannot see that memory, the table is a
// sharded map instead.
type Table struct {
	engine *engine
}

// NewTable makes an empty table.
func NewTable() *Table { return &Table{newEngine()} }

// Len is the number of bindings, expired ones included.
func (t *Table) Len() int { return t.engine.len() }

// Lookup finds the binding for a contact of party to mask: the party's own,
// else the mask's public one. A party of none (withheld or alphanumeric) can
// only meet the public one. An expired binding, such as those of a session that
// has ended, is as good as absent, but comes with Ended instead of OutOfSession
// where no public binding answers.
func (t *Table) Lookup(mask, party e164.Number, now time.Time) (Binding, Status) {
	return t.engine.lookup(mask, party, now)
}

// IsMask reports whether any binding, live or ended, has this mask.
func (t *Table) IsMask(n e164.Number) bool { return t.engine.isMask(n) }

// Apply writes changes in order. A reader sees each change whole or not at all.
func (t *Table) Apply(changes []Change) { t.engine.apply(changes) }

// Replace swaps the whole content for what load puts, which was read from the
// store as one snapshot; put is for one goroutine at a time. Readers see the old
// content until load has returned; if it fails they keep it. A binding that Apply
// changes meanwhile is as Apply left it.
func (t *Table) Replace(load func(put func(Binding)) error) error { return t.engine.replace(load) }

// Each calls fn for every binding until it returns false, in no order. Changes
// made meanwhile may or may not be seen; what is not changed is seen once.
func (t *Table) Each(fn func(Binding) bool) { t.engine.each(fn) }
