// Command sipbench measures the release binary's SIP side with SIPp, and
// Kamailio with its topoh module beside it on the same calls. It writes what it
// measured into its section of docs/benchmarks.md, bad figures too.
//
// A call is INVITE, 180, 50 ms, 200, ACK, half a second, BYE, 200, with session
// descriptions and without RTP. Everything runs on this machine over loopback:
// both SIPp take their share of the same cores. CPU time is that of the measured
// processes alone, from /proc.
//
// Start reading at main.go; solo.go measures the edge, peers.go the two side by
// side.
package main
