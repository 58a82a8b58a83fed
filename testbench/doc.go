// Package testbench is the folder of the other side: simulated carriers, phones
// and aggregators that speak real SMPP, SIP and RTP over real sockets, the leak
// scanner, and the tests with foreign peers (testbench/interop).
//
// The demo and the load tools use the simulators; truth is told by the foreign
// peers. Nothing but cmd and tests imports what is below this folder.
package testbench
