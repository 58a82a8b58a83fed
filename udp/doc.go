// Package udp reads and writes datagrams with as few wake-ups as Linux and Go's
// scheduler permit. It knows nothing of what they carry.
//
// A [Socket] is a UDP socket beside Go's network poller. A [Group] serves several
// of them: one goroutine waits for all in one system call, and handles what came
// in that same goroutine. Only while it is behind do others help, each with a
// socket of its own: the datagrams of one socket are handled one at a time, in
// their order.
//
// At a few hundred messages a second most of the CPU went into waking threads:
// docs/decisions/019-datagrams.md has the figures.
//
// Where the system is not Linux, each socket has a goroutine that reads it through
// Go's poller.
package udp
