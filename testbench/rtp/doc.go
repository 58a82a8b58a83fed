// Package rtp makes RTP streams and checks what arrives of them: the voices of
// simulated calls, the load of measurements, and an attacker.
//
// A [Generator] paces any number of streams from one goroutine, each sending
// every 20 ms from a socket of its own. What arrives is compared with what the
// peer sends, so that a [Report] tells lost packets from repeated, late,
// foreign (anything that the peer did not send) and misaddressed ones. [Spray]
// is the attacker, and an [Impairer] a bad path: it loses, repeats, delays and
// reorders by a seed, and tells what it did.
//
// It knows nothing of the relay that it tests. Start reading at generator.go.
package rtp
