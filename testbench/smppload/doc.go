// Package smppload is the load tool behind "maskline testbench smpp": both ends
// of SMPP traffic in one process, or one end against a real peer. Each end plays
// an ESME that binds or an SMSC that is bound to.
//
// Every message carries its number, its source bind and a checksum in its text,
// so what became of each is known: lost, duplicated, reordered, altered,
// misrouted, leaked. A message counts as lost when the sender was told that it
// is accepted and no receiving end has accepted it; what a receiving end took
// and never answered is no acceptance. Delays are measured from the moment at
// which a message was due where it went out late, so a stalled peer is not
// flattered.
//
// It is made to cost less than what it measures: a goroutine for each
// connection, one write for all that one read brought, no allocation for a
// message. It speaks the part of SMPP that it needs and proves no
// interoperability (testbench/interop has foreign peers).
//
// Start reading at bench.go, then link.go, source.go and sink.go; book.go
// decides what is lost.
package smppload
