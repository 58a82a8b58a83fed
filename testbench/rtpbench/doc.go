// Command rtpbench measures the release binary's media with each backend, and
// rtpengine's daemon in user space beside it on the same calls. It writes what it
// measured into its section of docs/benchmarks.md, bad figures too.
//
// A call is G.711, 160 octets every 20 ms each way. It is set up by SIP through the
// edge, with all its rules, and by the ng protocol in rtpengine. The measured
// process has one core and the generator the other. CPU is told twice: that of the
// measured process, and with the kernel's share, which is what the generator and
// the process have used together beyond the generator alone, whose parties send to
// each other: work in the kernel is charged to whose packet caused it. What one and two
// full threads carry is measured with a part of a core for each, which leaves the
// generator enough.
//
// Start reading at main.go, then round.go.
package main
