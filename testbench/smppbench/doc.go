// Command smppbench measures the release binary's SMPP side with the load tool
// of testbench/smppload, and Kannel's bearerbox beside it on the same work. It
// writes what it measured into its section of docs/benchmarks.md, bad figures
// too.
//
// Everything runs on this machine over loopback: the generator, which plays both
// carriers, takes its share of the same cores. CPU time is that of the measured
// process alone, from /proc.
//
// Start reading at main.go; solo.go measures the edge, peers.go the two side by
// side.
package main
