// Package smppsim has the two ends of SMPP for the demo and for tests: an SMSC
// that the edge binds to, and an ESME that binds to the edge. They speak real
// SMPP over real sockets through the codec of smpp/pdu, keep what they received
// and can be told to misbehave as carriers do.
//
// They are peers written by ourselves: good for load and for a show, no proof
// of interoperability (testbench/interop has the foreign ones).
//
// Start reading at link.go, then smsc.go and esme.go.
package smppsim
